// ContainerSpec to JSON. Empty fields are left out, as Go's omitempty does.
#include "base/bytes.hpp"
#include "docker/specs.hpp"
#include "model/defaults.hpp"

namespace swarm::docker {
namespace {

void write_bind(Json& json, const model::BindOptions& bind) {
  json.object("BindOptions", [&] {
    json.field_if("Propagation", bind.propagation)
        .field_if("NonRecursive", bind.non_recursive)
        .field_if("CreateMountpoint", bind.create_mountpoint)
        .field_if("ReadOnlyNonRecursive", bind.read_only_non_recursive)
        .field_if("ReadOnlyForceRecursive", bind.read_only_force_recursive);
  });
}

void write_volume(Json& json, const model::VolumeOptions& volume) {
  json.object("VolumeOptions", [&] {
    json.field_if("NoCopy", volume.no_copy)
        .field_if("Labels", volume.labels)
        .field_if("Subpath", volume.subpath);
    if (volume.driver_config) write_driver(json, "DriverConfig", *volume.driver_config);
  });
}

void write_tmpfs(Json& json, const model::TmpfsOptions& tmpfs) {
  json.object("TmpfsOptions", [&] {
    json.field_if("SizeBytes", tmpfs.size_bytes).field_if("Mode", tmpfs.mode);
    if (tmpfs.options.empty()) return;
    json.array("Options", [&] {
      for (const auto& option : tmpfs.options) json.value(option);
    });
  });
}

void write_mount(Json& json, const model::Mount& mount) {
  json.object([&] {
    json.field_if("Type", mount.type)
        .field_if("Source", mount.source)
        .field_if("Target", mount.target)
        .field_if("ReadOnly", mount.read_only)
        .field_if("Consistency", mount.consistency);
    if (mount.bind_options) write_bind(json, *mount.bind_options);
    if (mount.volume_options) write_volume(json, *mount.volume_options);
    if (mount.image_subpath)
      json.object("ImageOptions", [&] { json.field_if("Subpath", *mount.image_subpath); });
    if (mount.tmpfs_options) write_tmpfs(json, *mount.tmpfs_options);
  });
}

void write_file(Json& json, const std::optional<model::FileTarget>& file) {
  if (!file) return;
  json.object("File", [&] {
    json.field("Name", file->name).field("UID", file->uid).field("GID", file->gid).field("Mode", file->mode);
  });
}

void write_references(Json& json, const model::ContainerSpec& spec) {
  if (!spec.secrets.empty())
    json.array("Secrets", [&] {
      for (const auto& secret : spec.secrets)
        json.object([&] {
          write_file(json, secret.file);
          json.field("SecretID", secret.secret_id).field("SecretName", secret.secret_name);
        });
    });
  if (!spec.configs.empty())
    json.array("Configs", [&] {
      for (const auto& config : spec.configs)
        json.object([&] {
          write_file(json, config.file);
          if (config.runtime) json.object("Runtime", [] {});
          json.field("ConfigID", config.config_id).field("ConfigName", config.config_name);
        });
    });
}

void write_privileges(Json& json, const model::Privileges& privileges) {
  json.object("Privileges", [&] {
    if (const auto& of = privileges.credential_spec) {
      json.object("CredentialSpec", [&] {
        json.field("Config", of->config).field("File", of->file).field("Registry", of->registry);
      });
    } else {
      json.null("CredentialSpec");
    }
    if (const auto& of = privileges.selinux_context) {
      json.object("SELinuxContext", [&] {
        json.field("Disable", of->disable).field("User", of->user).field("Role", of->role);
        json.field("Type", of->type).field("Level", of->level);
      });
    } else {
      json.null("SELinuxContext");
    }
    if (const auto& of = privileges.seccomp)
      json.object("Seccomp",
                  [&] { json.field_if("Mode", of->mode).field_if("Profile", to_base64(of->profile)); });
    if (privileges.apparmor_mode)
      json.object("AppArmor", [&] { json.field_if("Mode", *privileges.apparmor_mode); });
    json.field("NoNewPrivileges", privileges.no_new_privileges);
  });
}

void write_healthcheck(Json& json, const model::Healthcheck& check) {
  json.object("Healthcheck", [&] {
    json.field_if("Test", check.test)
        .field_if("Interval", check.interval)
        .field_if("Timeout", check.timeout)
        .field_if("StartPeriod", check.start_period)
        .field_if("StartInterval", check.start_interval)
        .field_if("Retries", check.retries);
  });
}

void write_dns(Json& json, const model::DnsConfig& dns) {
  json.object("DNSConfig", [&] {
    json.field_if("Nameservers", dns.nameservers)
        .field_if("Search", dns.search)
        .field_if("Options", dns.options);
  });
}

void write_process(Json& json, const model::ContainerSpec& spec) {
  json.field_if("Image", spec.image)
      .field_if("Labels", spec.labels)
      .field_if("Command", spec.command)
      .field_if("Args", spec.args)
      .field_if("Hostname", spec.hostname)
      .field_if("Env", spec.env)
      .field_if("Dir", spec.dir)
      .field_if("User", spec.user)
      .field_if("Groups", spec.groups);
  if (spec.privileges) write_privileges(json, *spec.privileges);
  if (spec.init) json.field("Init", *spec.init);
  json.field_if("StopSignal", spec.stop_signal)
      .field_if("TTY", spec.tty)
      .field_if("OpenStdin", spec.open_stdin)
      .field_if("ReadOnly", spec.read_only);
}

void write_limits(Json& json, const model::ContainerSpec& spec) {
  json.field("Isolation", spec.isolation.empty() ? std::string("default") : spec.isolation)
      .field_if("Sysctls", spec.sysctls)
      .field_if("CapabilityAdd", spec.capability_add)
      .field_if("CapabilityDrop", spec.capability_drop);
  if (!spec.ulimits.empty())
    json.array("Ulimits", [&] {
      for (const auto& limit : spec.ulimits)
        json.object(
            [&] { json.field("Name", limit.name).field("Soft", limit.soft).field("Hard", limit.hard); });
    });
  json.field_if("OomScoreAdj", spec.oom_score_adj);
}

}  // namespace

void write_container_spec(Json& json, const model::ContainerSpec& spec, bool defaults) {
  json.object("ContainerSpec", [&] {
    write_process(json, spec);
    if (!spec.mounts.empty())
      json.array("Mounts", [&] {
        for (const auto& mount : spec.mounts) write_mount(json, mount);
      });
    if (spec.stop_grace_period || defaults)
      json.field("StopGracePeriod", spec.stop_grace_period.value_or(model::kStopGracePeriod));
    if (spec.healthcheck) write_healthcheck(json, *spec.healthcheck);
    json.field_if("Hosts", spec.hosts);
    if (spec.dns_config || defaults) write_dns(json, spec.dns_config.value_or(model::DnsConfig{}));
    write_references(json, spec);
    write_limits(json, spec);
  });
}

}  // namespace swarm::docker
