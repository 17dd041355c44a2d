// The fields of a container's spec (Docker Engine API, ContainerSpec), in the order of Docker's JSON.
#pragma once

#include "model/container_spec.hpp"
#include "model/describe/annotations.hpp"

namespace swarm::model {

struct Base64Way;     // bytes as base64
struct PresenceWay;   // true: the JSON has an empty object
struct IsolationWay;  // "default" when it is empty
struct MountTypeWay;  // one of Docker's words, or none

SWARM_DESCRIBE(BindOptions) {
  SWARM_ROW(propagation, omit("Propagation"));
  SWARM_ROW(non_recursive, omit("NonRecursive"));
  SWARM_ROW(create_mountpoint, omit("CreateMountpoint"));
  SWARM_ROW(read_only_non_recursive, omit("ReadOnlyNonRecursive"));
  SWARM_ROW(read_only_force_recursive, omit("ReadOnlyForceRecursive"));
}

SWARM_DESCRIBE(VolumeOptions) {
  SWARM_ROW(no_copy, omit("NoCopy"));
  SWARM_ROW(labels, omit("Labels"));
  SWARM_ROW(subpath, omit("Subpath"));
  SWARM_ROW(driver_config, omit("DriverConfig"));
}

SWARM_DESCRIBE(TmpfsOptions) {
  SWARM_ROW(size_bytes, omit("SizeBytes"));
  SWARM_ROW(mode, omit("Mode"));
  SWARM_ROW(options, omit("Options"));
}

SWARM_DESCRIBE(Mount) {
  SWARM_ROW(type, as<MountTypeWay>("Type"));
  SWARM_ROW(source, omit("Source"));
  SWARM_ROW(target, omit("Target"));
  SWARM_ROW(read_only, omit("ReadOnly"));
  SWARM_ROW(consistency, omit("Consistency"));
  SWARM_ROW(bind_options, omit("BindOptions"));
  SWARM_ROW(volume_options, omit("VolumeOptions"));
  SWARM_ROW(image_subpath, boxed("ImageOptions.Subpath"));
  SWARM_ROW(tmpfs_options, omit("TmpfsOptions"));
}

SWARM_DESCRIBE(FileTarget) {
  SWARM_ROW(name, always("Name"));
  SWARM_ROW(uid, always("UID"));
  SWARM_ROW(gid, always("GID"));
  SWARM_ROW(mode, always("Mode"));
}

SWARM_DESCRIBE(SecretReference) {
  SWARM_ROW(file, omit("File"));
  SWARM_ROW(secret_id, always("SecretID"));
  SWARM_ROW(secret_name, always("SecretName"));
}

SWARM_DESCRIBE(ConfigReference) {
  SWARM_ROW(file, omit("File"));
  SWARM_ROW(runtime, as<PresenceWay>("Runtime"));
  SWARM_ROW(config_id, always("ConfigID"));
  SWARM_ROW(config_name, always("ConfigName"));
}

SWARM_DESCRIBE(Healthcheck) {
  SWARM_ROW(test, omit("Test"));
  SWARM_ROW(interval, omit("Interval"));
  SWARM_ROW(timeout, omit("Timeout"));
  SWARM_ROW(start_period, omit("StartPeriod"));
  SWARM_ROW(start_interval, omit("StartInterval"));
  SWARM_ROW(retries, omit("Retries"));
}

SWARM_DESCRIBE(DnsConfig) {
  SWARM_ROW(nameservers, omit("Nameservers"));
  SWARM_ROW(search, omit("Search"));
  SWARM_ROW(options, omit("Options"));
}

SWARM_DESCRIBE(CredentialSpec) {
  SWARM_ROW(config, always("Config"));
  SWARM_ROW(file, always("File"));
  SWARM_ROW(registry, always("Registry"));
}

SWARM_DESCRIBE(SelinuxContext) {
  SWARM_ROW(disable, always("Disable"));
  SWARM_ROW(user, always("User"));
  SWARM_ROW(role, always("Role"));
  SWARM_ROW(type, always("Type"));
  SWARM_ROW(level, always("Level"));
}

SWARM_DESCRIBE(SeccompOptions) {
  SWARM_ROW(mode, omit("Mode"));
  SWARM_ROW(profile, as<Base64Way>("Profile"));
}

SWARM_DESCRIBE(Privileges) {
  SWARM_ROW(credential_spec, or_null("CredentialSpec"));
  SWARM_ROW(selinux_context, or_null("SELinuxContext"));
  SWARM_ROW(seccomp, omit("Seccomp"));
  SWARM_ROW(apparmor_mode, boxed("AppArmor.Mode"));
  SWARM_ROW(no_new_privileges, always("NoNewPrivileges"));
}

SWARM_DESCRIBE(Ulimit) {
  SWARM_ROW(name, always("Name"));
  SWARM_ROW(soft, always("Soft"));
  SWARM_ROW(hard, always("Hard"));
}

SWARM_DESCRIBE(ContainerSpec) {
  SWARM_ROW(image, omit("Image"));
  SWARM_ROW(labels, omit("Labels"));
  SWARM_ROW(command, omit("Command"));
  SWARM_ROW(args, omit("Args"));
  SWARM_ROW(hostname, omit("Hostname"));
  SWARM_ROW(env, omit("Env"));
  SWARM_ROW(dir, omit("Dir"));
  SWARM_ROW(user, omit("User"));
  SWARM_ROW(groups, omit("Groups"));
  SWARM_ROW(privileges, omit("Privileges"));
  SWARM_ROW(init, omit("Init"));
  SWARM_ROW(stop_signal, omit("StopSignal"));
  SWARM_ROW(tty, omit("TTY"));
  SWARM_ROW(open_stdin, omit("OpenStdin"));
  SWARM_ROW(read_only, omit("ReadOnly"));
  SWARM_ROW(mounts, omit("Mounts"));
  SWARM_ROW(stop_grace_period, omit("StopGracePeriod"));
  SWARM_ROW(healthcheck, omit("Healthcheck"));
  SWARM_ROW(hosts, omit("Hosts"));
  SWARM_ROW(dns_config, omit("DNSConfig"));
  SWARM_ROW(secrets, omit("Secrets"));
  SWARM_ROW(configs, omit("Configs"));
  SWARM_ROW(isolation, as<IsolationWay>("Isolation"));
  SWARM_ROW(sysctls, omit("Sysctls"));
  SWARM_ROW(capability_add, omit("CapabilityAdd"));
  SWARM_ROW(capability_drop, omit("CapabilityDrop"));
  SWARM_ROW(ulimits, omit("Ulimits"));
  SWARM_ROW(oom_score_adj, omit("OomScoreAdj"));
}

}  // namespace swarm::model
