// Every handler, by resource; each stands in the file of its resource.
#pragma once

#include "docker/call.hpp"

namespace swarm::docker {

// system.cpp
void ping(Call& call);
void show_version(Call& call);
void show_info(Call& call);
void disk_usage(Call& call);

// swarm.cpp
void show_swarm(Call& call);
void init_swarm(Call& call);
void join_swarm(Call& call);
void leave_swarm(Call& call);
void update_swarm(Call& call);
void show_unlock_key(Call& call);
void unlock_swarm(Call& call);

// nodes.cpp
void list_nodes(Call& call);
void show_node(Call& call);
void update_node(Call& call);
void remove_node(Call& call);

// services.cpp
void list_services(Call& call);
void show_service(Call& call);
void create_service(Call& call);
void update_service(Call& call);
void remove_service(Call& call);

// tasks.cpp
void list_tasks(Call& call);
void show_task(Call& call);

// networks.cpp
void create_network(Call& call);
void list_networks(Call& call);
void show_network(Call& call);
void remove_network(Call& call);
void prune_networks(Call& call);

// container_list.cpp, container_inspect.cpp, container_ops.cpp
void list_containers(Call& call);
void show_container(Call& call);
void kill_container(Call& call);
void stop_container(Call& call);
void start_container(Call& call);
void wait_container(Call& call);
void remove_container(Call& call);
void prune_containers(Call& call);
void show_stats(Call& call);  // container_stats.cpp

// images.cpp
void list_images(Call& call);
void show_image(Call& call);
void show_distribution(Call& call);
void prune_images(Call& call);

// log_routes.cpp
void service_logs(Call& call);
void task_logs(Call& call);
void container_logs(Call& call);

// event_routes.cpp
void stream_events(Call& call);
void stream_all_events(Call& call);
void show_changes(Call& call);

// absent.cpp: kinds that are not there yet
void empty_list(Call& call);
void no_secret(Call& call);
void no_config(Call& call);
void list_volumes(Call& call);
void no_volume(Call& call);
void prune_volumes(Call& call);
void no_plugin(Call& call);
void prune_builds(Call& call);
void no_such_exec(Call& call);

// key_value.cpp: the replicated register
void list_keys(Call& call);
void show_key(Call& call);
void put_key(Call& call);
void delete_key(Call& call);
void swap_key(Call& call);

// swarmpy.cpp: what only swarmpy has
void list_catalogue(Call& call);
void add_to_catalogue(Call& call);
void service_history(Call& call);

// feature_level.cpp
void show_feature_level(Call& call);

// raft_routes.cpp
void show_raft(Call& call);
void show_raft_log(Call& call);
void raft_events(Call& call);
void transfer_leadership(Call& call);

void show_metrics(Call& call);  // metrics.cpp

}  // namespace swarm::docker
