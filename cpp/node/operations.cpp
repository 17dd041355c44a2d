// What a request may ask of its node (docker::Operation), one function for each.
#include <cstdint>
#include <vector>

#include "base/result.hpp"
#include "docker/api.hpp"
#include "model/defaults.hpp"
#include "node/impl.hpp"
#include "node/log_hub.hpp"
#include "node/node.hpp"
#include "ports/ports.hpp"

namespace swarm::node {
namespace {

const docker::OperationResult kDone;

}  // namespace

void Node::Impl::operation_done(ports::ApiId id, const Result<docker::OperationResult>& result) {
  if (id != 0) api_.operation_done(id, result, api_context());
}

void Node::Impl::perform(ports::ApiId id, const docker::SwarmInit& wish) {
  wish.force_new_cluster&& core_.identity ? lifecycle_.force_new_cluster(id, wish, surroundings())
                                          : lifecycle_.init(id, wish);
  settle(lifecycle_);
}

void Node::Impl::perform(ports::ApiId id, const docker::SwarmJoin& wish) {
  lifecycle_.join(id, wish, surroundings());
  settle(lifecycle_);
}

void Node::Impl::perform(ports::ApiId id, const docker::SwarmLeave&) {
  lifecycle_.leave(id, surroundings());
  settle(lifecycle_);
}

void Node::Impl::perform(ports::ApiId id, const docker::SwarmUnlock& wish) {
  lifecycle_.unlock(id, wish.key, surroundings());
  settle(lifecycle_);
}

void Node::Impl::perform(ports::ApiId id, const docker::SignalContainer& wish) {
  core_.ports.runner.signal(wish.task, wish.signal);
  operation_done(id, kDone);
}

void Node::Impl::perform(ports::ApiId id, const docker::StopContainer& wish) {
  core_.ports.mesh.task_stopping(wish.task);
  core_.ports.runner.stop(wish.task, wish.grace.value_or(model::kStopGracePeriod), wish.signal);
  operation_done(id, kDone);
}

void Node::Impl::perform(ports::ApiId id, const docker::OpenLocalLogs& wish) {
  logs_.open_local(id, wish.task, wish.options);
  settle(logs_);
}

void Node::Impl::perform(ports::ApiId id, const docker::OpenSwarmLogs& wish) {
  std::vector<PlaceOfTask> places;
  for (const TaskId task : wish.tasks) places.push_back(place_of(task));
  logs_.open_swarm(id, places, leader_ != nullptr, wish.options, core_.now);
  settle(logs_);
}

void Node::Impl::perform(ports::ApiId id, const docker::CloseLogs&) {
  logs_.close(id);
  settle(logs_);
}

void Node::Impl::perform(ports::ApiId id, const docker::AddImage& wish) {
  const auto added = core_.ports.runner.add_image(wish.image);
  if (!added) return operation_done(id, added.error());
  operation_done(id, kDone);
}

void Node::Impl::perform(ports::ApiId id, const docker::TransferLeadership& wish) {
  if (!leader_)
    return operation_done(id, plain_error(Code::failed_precondition, "this manager is not the leader"));
  std::uint64_t target = wish.to.empty() ? replica_->successor() : 0;
  for (const auto& [raft_id, peer] : replica_->members())
    if (peer.node == wish.to && raft_id != replica_->raft_id()) target = raft_id;
  if (target == 0)
    return operation_done(id, plain_error(Code::not_found, "no other manager to hand leadership to"));
  replica_->transfer_leadership(target);
  operation_done(id, kDone);
}

}  // namespace swarm::node
