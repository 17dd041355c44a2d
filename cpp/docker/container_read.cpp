// JSON to ContainerSpec (docker-api: ContainerSpec and Mount).
#include <algorithm>
#include <iterator>

#include "base/bytes.hpp"
#include "docker/specs.hpp"

namespace swarm::docker {
namespace {

model::Mount read_mount(const Fields& from) {
  constexpr const char* kTypes[] = {"", "bind", "volume", "tmpfs", "npipe", "cluster", "image"};
  model::Mount mount;
  mount.type = from.text("Type");
  if (std::find(std::begin(kTypes), std::end(kTypes), mount.type) == std::end(kTypes))
    from.issues().add(plain_error(Code::invalid_argument, "invalid MountType: \"" + mount.type + "\""));
  mount.source = from.text("Source");
  mount.target = from.text("Target");
  mount.read_only = from.flag("ReadOnly");
  mount.consistency = from.text("Consistency");
  if (const Fields bind = from.object("BindOptions"); bind.present())
    mount.bind_options =
        model::BindOptions{bind.text("Propagation"), bind.flag("NonRecursive"), bind.flag("CreateMountpoint"),
                           bind.flag("ReadOnlyNonRecursive"), bind.flag("ReadOnlyForceRecursive")};
  if (const Fields volume = from.object("VolumeOptions"); volume.present())
    mount.volume_options =
        model::VolumeOptions{volume.flag("NoCopy"), volume.pairs("Labels"), volume.text("Subpath"),
                             read_driver(volume.object("DriverConfig"))};
  if (const Fields tmpfs = from.object("TmpfsOptions"); tmpfs.present())
    mount.tmpfs_options =
        model::TmpfsOptions{tmpfs.integer("SizeBytes"), tmpfs.count32("Mode"), tmpfs.text_lists("Options")};
  if (const Fields image = from.object("ImageOptions"); image.present())
    mount.image_subpath = image.text("Subpath");
  return mount;
}

std::optional<model::FileTarget> read_file(const Fields& from) {
  if (!from.present()) return std::nullopt;
  return model::FileTarget{from.text("Name"), from.text("UID"), from.text("GID"), from.count32("Mode")};
}

model::Privileges read_privileges(const Fields& from) {
  model::Privileges out;
  if (const Fields credential = from.object("CredentialSpec"); credential.present())
    out.credential_spec = model::CredentialSpec{credential.text("Config"), credential.text("File"),
                                                credential.text("Registry")};
  if (const Fields context = from.object("SELinuxContext"); context.present())
    out.selinux_context =
        model::SelinuxContext{context.flag("Disable"), context.text("User"), context.text("Role"),
                              context.text("Type"), context.text("Level")};
  if (const Fields seccomp = from.object("Seccomp"); seccomp.present()) {
    const auto profile = from_base64(seccomp.text("Profile"));
    if (!profile)
      from.issues().add(
          plain_error(Code::invalid_argument, "invalid JSON: illegal base64 data in Seccomp.Profile"));
    out.seccomp = model::SeccompOptions{seccomp.text("Mode"), profile.value_or("")};
  }
  if (const Fields apparmor = from.object("AppArmor"); apparmor.present())
    out.apparmor_mode = apparmor.text("Mode");
  out.no_new_privileges = from.flag("NoNewPrivileges");
  return out;
}

model::Healthcheck read_healthcheck(const Fields& from) {
  model::Healthcheck out;
  out.test = from.texts("Test");
  out.interval = from.duration("Interval");
  out.timeout = from.duration("Timeout");
  out.start_period = from.duration("StartPeriod");
  out.start_interval = from.duration("StartInterval");
  out.retries = from.integer("Retries");
  return out;
}

void read_process(const Fields& from, model::ContainerSpec& spec) {
  spec.image = from.text("Image");
  spec.labels = from.pairs("Labels");
  spec.command = from.texts("Command");
  spec.args = from.texts("Args");
  spec.hostname = from.text("Hostname");
  spec.env = from.texts("Env");
  spec.dir = from.text("Dir");
  spec.user = from.text("User");
  spec.groups = from.texts("Groups");
  if (from.has("Init")) spec.init = from.flag("Init");
  spec.stop_signal = from.text("StopSignal");
  spec.tty = from.flag("TTY");
  spec.open_stdin = from.flag("OpenStdin");
  spec.read_only = from.flag("ReadOnly");
  spec.stop_grace_period = from.optional_duration("StopGracePeriod");
}

void read_surroundings(const Fields& from, model::ContainerSpec& spec) {
  spec.hosts = from.texts("Hosts");
  if (const Fields dns = from.object("DNSConfig"); dns.present())
    spec.dns_config = model::DnsConfig{dns.texts("Nameservers"), dns.texts("Search"), dns.texts("Options")};
  for (const Fields& secret : from.objects("Secrets"))
    spec.secrets.push_back(
        {read_file(secret.object("File")), secret.text("SecretID"), secret.text("SecretName")});
  for (const Fields& config : from.objects("Configs"))
    spec.configs.push_back({read_file(config.object("File")), config.object("Runtime").present(),
                            config.text("ConfigID"), config.text("ConfigName")});
  for (const Fields& mount : from.objects("Mounts")) spec.mounts.push_back(read_mount(mount));
}

void read_limits(const Fields& from, model::ContainerSpec& spec) {
  spec.isolation = from.text("Isolation");
  if (spec.isolation != "process" && spec.isolation != "hyperv")
    spec.isolation.clear();  // as Docker reads it
  spec.sysctls = from.pairs("Sysctls");
  spec.capability_add = from.texts("CapabilityAdd");
  spec.capability_drop = from.texts("CapabilityDrop");
  for (const Fields& limit : from.objects("Ulimits"))
    spec.ulimits.push_back({limit.text("Name"), limit.integer("Soft"), limit.integer("Hard")});
  spec.oom_score_adj = from.integer("OomScoreAdj");
}

}  // namespace

model::ContainerSpec read_container_spec(const Fields& from) {
  model::ContainerSpec spec;
  read_process(from, spec);
  read_surroundings(from, spec);
  read_limits(from, spec);
  if (const Fields privileges = from.object("Privileges"); privileges.present())
    spec.privileges = read_privileges(privileges);
  if (const Fields check = from.object("Healthcheck"); check.present())
    spec.healthcheck = read_healthcheck(check);
  return spec;
}

}  // namespace swarm::docker
