// ContainerSpec: what a task runs (Docker Engine API, ContainerSpec of a service's TaskTemplate).
//
// Every field of Docker's is kept and given back, also those that a runner cannot honour: the runner says so
// in the service's warnings. An empty value means "not given" unless the field is optional.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "model/annotations.hpp"

namespace swarm::model {

struct BindOptions {
  std::string propagation;
  bool non_recursive = false;
  bool create_mountpoint = false;
  bool read_only_non_recursive = false;
  bool read_only_force_recursive = false;
  bool operator==(const BindOptions&) const = default;
};

struct VolumeOptions {
  bool no_copy = false;
  Labels labels;
  std::string subpath;
  std::optional<Driver> driver_config;
  bool operator==(const VolumeOptions&) const = default;
};

struct TmpfsOptions {
  std::int64_t size_bytes = 0;
  std::uint32_t mode = 0;
  std::vector<std::vector<std::string>> options;
  bool operator==(const TmpfsOptions&) const = default;
};

struct Mount {
  std::string type;  // bind, volume, tmpfs, npipe, cluster, image
  std::string source;
  std::string target;
  bool read_only = false;
  std::string consistency;
  std::optional<BindOptions> bind_options;
  std::optional<VolumeOptions> volume_options;
  std::optional<TmpfsOptions> tmpfs_options;
  std::optional<std::string> image_subpath;  // ImageOptions.Subpath
  bool operator==(const Mount&) const = default;
};

// Where a secret or a config lands in the container.
struct FileTarget {
  std::string name;
  std::string uid;
  std::string gid;
  std::uint32_t mode = 0;
  bool operator==(const FileTarget&) const = default;
};

struct SecretReference {
  std::optional<FileTarget> file;
  std::string secret_id;
  std::string secret_name;
  bool operator==(const SecretReference&) const = default;
};

struct ConfigReference {
  std::optional<FileTarget> file;
  bool runtime = false;  // `Runtime: {}` was given
  std::string config_id;
  std::string config_name;
  bool operator==(const ConfigReference&) const = default;
};

struct Healthcheck {
  std::vector<std::string> test;
  Duration interval, timeout, start_period, start_interval;  // 0: inherit
  std::int64_t retries = 0;
  bool operator==(const Healthcheck&) const = default;
};

struct DnsConfig {
  std::vector<std::string> nameservers, search, options;
  bool operator==(const DnsConfig&) const = default;
};

struct CredentialSpec {
  std::string config, file, registry;
  bool operator==(const CredentialSpec&) const = default;
};

struct SelinuxContext {
  bool disable = false;
  std::string user, role, type, level;
  bool operator==(const SelinuxContext&) const = default;
};

struct SeccompOptions {
  std::string mode;     // default, unconfined, custom
  std::string profile;  // raw bytes
  bool operator==(const SeccompOptions&) const = default;
};

struct Privileges {
  std::optional<CredentialSpec> credential_spec;
  std::optional<SelinuxContext> selinux_context;
  std::optional<SeccompOptions> seccomp;
  std::optional<std::string> apparmor_mode;  // AppArmor.Mode
  bool no_new_privileges = false;
  bool operator==(const Privileges&) const = default;
};

struct Ulimit {
  std::string name;
  std::int64_t soft = 0, hard = 0;
  bool operator==(const Ulimit&) const = default;
};

struct ContainerSpec {
  std::string image;
  Labels labels;
  std::vector<std::string> command;  // replaces the image's entrypoint
  std::vector<std::string> args;     // replaces the image's command
  std::string hostname;
  std::vector<std::string> env;  // "K=V"
  std::string dir;
  std::string user;
  std::vector<std::string> groups;
  std::optional<Privileges> privileges;
  std::optional<bool> init;
  std::string stop_signal;
  bool tty = false;
  bool open_stdin = false;
  bool read_only = false;
  std::optional<Duration> stop_grace_period;  // absent: 10 s
  std::optional<Healthcheck> healthcheck;
  std::vector<std::string> hosts;
  std::optional<DnsConfig> dns_config;
  std::vector<SecretReference> secrets;
  std::vector<ConfigReference> configs;
  std::string isolation;
  Labels sysctls;
  std::vector<std::string> capability_add, capability_drop;
  std::vector<Ulimit> ulimits;
  std::int64_t oom_score_adj = 0;
  std::vector<Mount> mounts;
  bool operator==(const ContainerSpec&) const = default;
};

}  // namespace swarm::model
