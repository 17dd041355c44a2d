// ContainerSpec to protobuf and back, field by field.
#include "codec/specs.hpp"

namespace swarm::codec {
namespace {

void put(const model::BindOptions& from, swarmpy::BindOptions* to) {
  to->set_propagation(from.propagation);
  to->set_non_recursive(from.non_recursive);
  to->set_create_mountpoint(from.create_mountpoint);
  to->set_read_only_non_recursive(from.read_only_non_recursive);
  to->set_read_only_force_recursive(from.read_only_force_recursive);
}
void get(const swarmpy::BindOptions& from, model::BindOptions& to, Reading&) {
  to = {from.propagation(), from.non_recursive(), from.create_mountpoint(), from.read_only_non_recursive(),
        from.read_only_force_recursive()};
}

void put(const model::VolumeOptions& from, swarmpy::VolumeOptions* to) {
  to->set_no_copy(from.no_copy);
  put_labels(from.labels, to->mutable_labels());
  to->set_subpath(from.subpath);
  if (from.driver_config) codec::put(*from.driver_config, to->mutable_driver_config());
}
void get(const swarmpy::VolumeOptions& from, model::VolumeOptions& to, Reading& reading) {
  to.no_copy = from.no_copy();
  to.labels = get_labels(from.labels());
  to.subpath = from.subpath();
  if (from.has_driver_config()) codec::get(from.driver_config(), to.driver_config.emplace(), reading);
}

void put(const model::TmpfsOptions& from, swarmpy::TmpfsOptions* to) {
  to->set_size_bytes(from.size_bytes);
  to->set_mode(from.mode);
  for (const auto& option : from.options) put_strings(option, to->add_options()->mutable_values());
}
void get(const swarmpy::TmpfsOptions& from, model::TmpfsOptions& to, Reading&) {
  to.size_bytes = from.size_bytes();
  to.mode = from.mode();
  for (const auto& option : from.options()) to.options.push_back(get_strings(option.values()));
}

void put(const model::Mount& from, swarmpy::Mount* to) {
  to->set_type(from.type);
  to->set_source(from.source);
  to->set_target(from.target);
  to->set_read_only(from.read_only);
  to->set_consistency(from.consistency);
  SWARM_PUT_OPT(from.bind_options, to, bind_options);
  SWARM_PUT_OPT(from.volume_options, to, volume_options);
  SWARM_PUT_OPT(from.tmpfs_options, to, tmpfs_options);
  if (from.image_subpath) to->set_image_subpath(*from.image_subpath);
}
void get(const swarmpy::Mount& from, model::Mount& to, Reading& reading) {
  to.type = from.type();
  to.source = from.source();
  to.target = from.target();
  to.read_only = from.read_only();
  to.consistency = from.consistency();
  SWARM_GET_OPT(from, to.bind_options, bind_options, reading);
  SWARM_GET_OPT(from, to.volume_options, volume_options, reading);
  SWARM_GET_OPT(from, to.tmpfs_options, tmpfs_options, reading);
  if (from.has_image_subpath()) to.image_subpath = from.image_subpath();
}

void put(const model::FileTarget& from, swarmpy::FileTarget* to) {
  to->set_name(from.name);
  to->set_uid(from.uid);
  to->set_gid(from.gid);
  to->set_mode(from.mode);
}
void get(const swarmpy::FileTarget& from, model::FileTarget& to, Reading&) {
  to = {from.name(), from.uid(), from.gid(), from.mode()};
}

void put(const model::SecretReference& from, swarmpy::SecretReference* to) {
  SWARM_PUT_OPT(from.file, to, file);
  to->set_secret_id(from.secret_id);
  to->set_secret_name(from.secret_name);
}
void get(const swarmpy::SecretReference& from, model::SecretReference& to, Reading& reading) {
  SWARM_GET_OPT(from, to.file, file, reading);
  to.secret_id = from.secret_id();
  to.secret_name = from.secret_name();
}

void put(const model::ConfigReference& from, swarmpy::ConfigReference* to) {
  SWARM_PUT_OPT(from.file, to, file);
  to->set_runtime(from.runtime);
  to->set_config_id(from.config_id);
  to->set_config_name(from.config_name);
}
void get(const swarmpy::ConfigReference& from, model::ConfigReference& to, Reading& reading) {
  SWARM_GET_OPT(from, to.file, file, reading);
  to.runtime = from.runtime();
  to.config_id = from.config_id();
  to.config_name = from.config_name();
}

void put(const model::Healthcheck& from, swarmpy::Healthcheck* to) {
  put_strings(from.test, to->mutable_test());
  to->set_interval(from.interval.ns);
  to->set_timeout(from.timeout.ns);
  to->set_start_period(from.start_period.ns);
  to->set_start_interval(from.start_interval.ns);
  to->set_retries(from.retries);
}
void get(const swarmpy::Healthcheck& from, model::Healthcheck& to, Reading&) {
  to.test = get_strings(from.test());
  to.interval = Duration{from.interval()};
  to.timeout = Duration{from.timeout()};
  to.start_period = Duration{from.start_period()};
  to.start_interval = Duration{from.start_interval()};
  to.retries = from.retries();
}

void put(const model::DnsConfig& from, swarmpy::DnsConfig* to) {
  put_strings(from.nameservers, to->mutable_nameservers());
  put_strings(from.search, to->mutable_search());
  put_strings(from.options, to->mutable_options());
}
void get(const swarmpy::DnsConfig& from, model::DnsConfig& to, Reading&) {
  to = {get_strings(from.nameservers()), get_strings(from.search()), get_strings(from.options())};
}

void put(const model::CredentialSpec& from, swarmpy::CredentialSpec* to) {
  to->set_config(from.config);
  to->set_file(from.file);
  to->set_registry(from.registry);
}
void get(const swarmpy::CredentialSpec& from, model::CredentialSpec& to, Reading&) {
  to = {from.config(), from.file(), from.registry()};
}

void put(const model::SelinuxContext& from, swarmpy::SelinuxContext* to) {
  to->set_disable(from.disable);
  to->set_user(from.user);
  to->set_role(from.role);
  to->set_type(from.type);
  to->set_level(from.level);
}
void get(const swarmpy::SelinuxContext& from, model::SelinuxContext& to, Reading&) {
  to = {from.disable(), from.user(), from.role(), from.type(), from.level()};
}

void put(const model::SeccompOptions& from, swarmpy::SeccompOptions* to) {
  to->set_mode(from.mode);
  to->set_profile(from.profile);
}
void get(const swarmpy::SeccompOptions& from, model::SeccompOptions& to, Reading&) {
  to = {from.mode(), from.profile()};
}

void put(const model::Privileges& from, swarmpy::Privileges* to) {
  SWARM_PUT_OPT(from.credential_spec, to, credential_spec);
  SWARM_PUT_OPT(from.selinux_context, to, selinux_context);
  SWARM_PUT_OPT(from.seccomp, to, seccomp);
  if (from.apparmor_mode) to->set_apparmor_mode(*from.apparmor_mode);
  to->set_no_new_privileges(from.no_new_privileges);
}
void get(const swarmpy::Privileges& from, model::Privileges& to, Reading& reading) {
  SWARM_GET_OPT(from, to.credential_spec, credential_spec, reading);
  SWARM_GET_OPT(from, to.selinux_context, selinux_context, reading);
  SWARM_GET_OPT(from, to.seccomp, seccomp, reading);
  if (from.has_apparmor_mode()) to.apparmor_mode = from.apparmor_mode();
  to.no_new_privileges = from.no_new_privileges();
}

void put(const model::Ulimit& from, swarmpy::Ulimit* to) {
  to->set_name(from.name);
  to->set_soft(from.soft);
  to->set_hard(from.hard);
}
void get(const swarmpy::Ulimit& from, model::Ulimit& to, Reading&) {
  to = {from.name(), from.soft(), from.hard()};
}

template <class T, class Repeated>
void put_each(const std::vector<T>& values, Repeated* out) {
  for (const T& value : values) put(value, out->Add());
}
template <class T, class Repeated>
void get_each(const Repeated& in, std::vector<T>& out, Reading& reading) {
  for (const auto& one : in) get(one, out.emplace_back(), reading);
}

}  // namespace

void put(const model::ContainerSpec& from, swarmpy::ContainerSpec* to) {
  to->set_image(from.image);
  put_labels(from.labels, to->mutable_labels());
  put_strings(from.command, to->mutable_command());
  put_strings(from.args, to->mutable_args());
  to->set_hostname(from.hostname);
  put_strings(from.env, to->mutable_env());
  to->set_dir(from.dir);
  to->set_user(from.user);
  put_strings(from.groups, to->mutable_groups());
  SWARM_PUT_OPT(from.privileges, to, privileges);
  if (from.init) to->set_init(*from.init);
  to->set_stop_signal(from.stop_signal);
  to->set_tty(from.tty);
  to->set_open_stdin(from.open_stdin);
  to->set_read_only(from.read_only);
  if (from.stop_grace_period) to->set_stop_grace_period(from.stop_grace_period->ns);
  SWARM_PUT_OPT(from.healthcheck, to, healthcheck);
  put_strings(from.hosts, to->mutable_hosts());
  SWARM_PUT_OPT(from.dns_config, to, dns_config);
  put_each(from.secrets, to->mutable_secrets());
  put_each(from.configs, to->mutable_configs());
  to->set_isolation(from.isolation);
  put_labels(from.sysctls, to->mutable_sysctls());
  put_strings(from.capability_add, to->mutable_capability_add());
  put_strings(from.capability_drop, to->mutable_capability_drop());
  put_each(from.ulimits, to->mutable_ulimits());
  to->set_oom_score_adj(from.oom_score_adj);
  put_each(from.mounts, to->mutable_mounts());
}

void get(const swarmpy::ContainerSpec& from, model::ContainerSpec& to, Reading& reading) {
  to.image = from.image();
  to.labels = get_labels(from.labels());
  to.command = get_strings(from.command());
  to.args = get_strings(from.args());
  to.hostname = from.hostname();
  to.env = get_strings(from.env());
  to.dir = from.dir();
  to.user = from.user();
  to.groups = get_strings(from.groups());
  SWARM_GET_OPT(from, to.privileges, privileges, reading);
  if (from.has_init()) to.init = from.init();
  to.stop_signal = from.stop_signal();
  to.tty = from.tty();
  to.open_stdin = from.open_stdin();
  to.read_only = from.read_only();
  if (from.has_stop_grace_period()) to.stop_grace_period = Duration{from.stop_grace_period()};
  SWARM_GET_OPT(from, to.healthcheck, healthcheck, reading);
  to.hosts = get_strings(from.hosts());
  SWARM_GET_OPT(from, to.dns_config, dns_config, reading);
  get_each(from.secrets(), to.secrets, reading);
  get_each(from.configs(), to.configs, reading);
  to.isolation = from.isolation();
  to.sysctls = get_labels(from.sysctls());
  to.capability_add = get_strings(from.capability_add());
  to.capability_drop = get_strings(from.capability_drop());
  get_each(from.ulimits(), to.ulimits, reading);
  to.oom_score_adj = from.oom_score_adj();
  get_each(from.mounts(), to.mounts, reading);
}

}  // namespace swarm::codec
