#include "real/host.hpp"

#include <sys/utsname.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/id.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "model/builtin_plugins.hpp"
#include "model/node.hpp"
#include "node/node.hpp"
#include "ports/disk.hpp"
#include "ports/http.hpp"
#include "ports/ports.hpp"
#include "ports/transport.hpp"
#include "real/api_tls.hpp"
#include "real/faults.hpp"
#include "real/faults_clock.hpp"
#include "real/faults_disk.hpp"
#include "real/faults_links.hpp"
#include "real/faults_pace.hpp"
#include "real/files.hpp"
#include "real/heap.hpp"
#include "real/http/http_server.hpp"
#include "real/http/reactor.hpp"
#include "real/l4_relay.hpp"
#include "real/local_doors.hpp"
#include "real/log_trace.hpp"
#include "real/networks/node_overlay.hpp"
#include "real/overlay/grant.hpp"
#include "real/process/process_executor.hpp"
#include "real/rocks_disk.hpp"
#include "real/runner/executor.hpp"
#include "real/runner/task_address.hpp"
#include "real/runner/task_runner.hpp"
#include "real/tcp_transport.hpp"
#include "real/tls/openssl_crypto.hpp"
#include "real/tls/tls_door.hpp"

namespace swarm::real {
namespace {

constexpr Duration kStopBound = Duration::seconds(15);
constexpr Duration kLastWords = Duration::millis(50);  // for frames that are on their way out

// Beside swarmd: in a package, or in its neighbour's folder of a build tree.
std::string web_program() {
  std::error_code error;
  const auto own = std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
  const std::string beside = own / "swarm-web", built = own / "../swarm_web/swarm-web";
  return !exists(beside) && exists(built) ? built : beside;
}

// The order is that of choice: a task goes to the first that takes it.
std::vector<MakeExecutor> all_executors(const HostOptions& options) {
  // swarm-web can be the shim, and is there sooner than this program.
  const std::string web = web_program();
  ProcessExecutor::Hidden hidden{std::filesystem::absolute(options.data_root), {}};
  for (const std::string& folder : options.hidden) {
    const bool is_around = hidden.data_root.starts_with(folder + "/");
    if (is_around) hidden.data_root = folder;
    if (!is_around) hidden.sockets.push_back(folder);
  }
  for (const std::string& host : options.hosts)
    if (host.starts_with("unix://")) hidden.sockets.push_back(host.substr(7));
  return {ProcessExecutor::maker(exists(web) ? web : "/proc/self/exe", std::move(hidden))};
}

// Nodes at loopback addresses share one network namespace, where only one of them could have a VXLAN device
// of each network.
Granted overlay_level(const HostOptions& options) {
  if (options.address.is_loopback())
    return {Grant::none,
            "none: nodes at loopback addresses share a network namespace; start them with --net namespaces"};
  return overlay_grant();
}

model::NodeDescription describe(const HostOptions& options, const std::vector<std::string>& executors,
                                bool overlays) {
  utsname machine{};
  ::uname(&machine);
  model::NodeDescription out;
  out.hostname = options.hostname.empty() ? machine.nodename : options.hostname;
  out.platform = {machine.machine, "linux"};
  out.resources.nano_cpus = ::sysconf(_SC_NPROCESSORS_ONLN) * 1'000'000'000L;
  out.resources.memory_bytes = ::sysconf(_SC_PHYS_PAGES) * ::sysconf(_SC_PAGESIZE);
  out.engine_version = "28.2.2";  // whose API this daemon speaks
  out.engine_labels = options.labels;
  out.plugins = model::builtin_plugins(executors, overlays);
  return out;
}

// A value of /etc/os-release, without its quotes.
std::string release_value(const std::string& key) {
  const auto text = read_file("/etc/os-release");
  if (!text) return {};
  const std::string lines = "\n" + *text, wanted = "\n" + key + "=";
  const auto at = lines.find(wanted);
  if (at == std::string::npos) return {};
  std::string value = lines.substr(at + wanted.size());
  value = value.substr(0, value.find('\n'));
  std::erase(value, '"');
  return value;
}

void describe_system(node::NodeOptions& about) {
  utsname machine{};
  ::uname(&machine);
  about.kernel_version = machine.release;
  about.operating_system = release_value("PRETTY_NAME");
  about.os_version = release_value("VERSION_ID");
}

}  // namespace

struct Host::Impl {
  explicit Impl(HostOptions its_options) : options(std::move(its_options)), trace(options.log_level) {}

  Result<void> open();
  Result<void> open_disk();
  template <class Event, class... Values>
  void post_of_disk(Values... values);
  Result<void> open_runner();
  void make_transport();
  void make_relay();
  void make_server();
  void make_node();
  Result<void> listen();
  void emit(ports::Event event);
  ports::Transport& own_or_faulty_transport() {
    if (links != nullptr) return *links;
    return *transport;
  }
  ports::Disk& own_or_faulty_disk() {
    if (faulty_disk != nullptr) return *faulty_disk;
    return *disk;
  }
  void schedule_turn();
  void turn();
  void arm(Instant next);
  void take_faults();
  L4Relay::Faults faults_of_mesh() const;
  bool is_of_faults(ports::ApiId id, const http::Request& request);
  void stop();
  void finish() {
    finishing = true;
    timer.after(kLastWords, [this] { reactor.stop(); });
  }

  HostOptions options;
  Reactor reactor;
  LogTrace trace;
  FaultyClock clock;  // the machine's, until a fault says otherwise
  OpensslCrypto crypto;
  std::unique_ptr<RocksDisk> disk;
  std::unique_ptr<NodeOverlay> overlay;
  std::unique_ptr<TaskRunner> runner;
  TlsDoor door{wall_now};
  std::unique_ptr<TcpTransport> transport;
  std::unique_ptr<FaultyTransport> links;  // these three: only with --faults
  std::unique_ptr<FaultyDisk> faulty_disk;
  std::unique_ptr<FaultDesk> desk;
  std::unique_ptr<L4Relay> relay;
  std::unique_ptr<HttpServer> server;
  std::unique_ptr<node::Node> node;
  Timer timer{reactor}, bound{reactor};
  Heap heap;
  std::vector<std::string> urls;
  bool turn_scheduled = false, stopping = false, finishing = false;
};

Result<void> Host::Impl::open() {
  if (const auto opened = open_disk(); !opened) return opened;
  overlay = std::make_unique<NodeOverlay>(reactor, get_u64(crypto.random_bytes(8)),
                                          [this](ports::Event event) { emit(std::move(event)); });
  if (const auto opened = open_runner(); !opened) return opened;
  make_transport();
  make_relay();
  make_server();
  if (options.faults) take_faults();
  make_node();
  auto started = node->start(clock.now());
  if (!started) return started;
  schedule_turn();
  return listen();
}

// From the disk's thread to this one.
template <class Event, class... Values>
void Host::Impl::post_of_disk(Values... values) {
  reactor.post([this, event = Event{std::move(values)...}]() mutable {
    if (faulty_disk != nullptr) return faulty_disk->hear(std::move(event));
    emit(std::move(event));
  });
}

Result<void> Host::Impl::open_disk() {
  RocksDisk::Callbacks callbacks;
  callbacks.done = [this](std::uint64_t token) { post_of_disk<ports::DiskDone>(token); };
  callbacks.failed = [this](std::uint64_t token, std::string why) {
    post_of_disk<ports::DiskFailed>(token, std::move(why));
  };
  callbacks.reopened = [this](std::string why) { post_of_disk<ports::DiskReopened>(std::move(why)); };
  callbacks.waits = [this](std::string why) { post_of_disk<ports::DiskWaits>(std::move(why)); };
  auto opened = RocksDisk::open(options.data_root, std::move(callbacks));
  if (!opened) return opened.error();
  disk = std::move(*opened);
  return {};
}

Result<void> Host::Impl::open_runner() {
  TaskRunner::Options tasks;
  tasks.data_root = std::filesystem::absolute(options.data_root);
  tasks.web_program = web_program();
  tasks.executors = all_executors(options);
  tasks.networks = overlay.get();
  tasks.node_name = describe(options, {}, false).hostname + options.address.str() + options.data_root;
  auto made =
      TaskRunner::open(reactor, std::move(tasks), [this](ports::Event event) { emit(std::move(event)); });
  if (!made) return made.error();
  runner = std::move(*made);
  return {};
}

void Host::Impl::make_transport() {
  if (options.faults)
    links = std::make_unique<FaultyTransport>(
        reactor, [this](ports::Event event) { emit(std::move(event)); }, get_u64(crypto.random_bytes(8)));
  transport = std::make_unique<TcpTransport>(
      reactor,
      [this](ports::Event event) {
        if (links == nullptr) return emit(std::move(event));
        links->hear(std::move(event));
      },
      door.management(reactor), [this](const ports::Credentials& own) { return door.set(own); });
  if (links != nullptr) links->put_before(*transport);
}

void Host::Impl::make_relay() {
  L4Relay::Options mesh;
  mesh.address = options.address;
  mesh.bindable_port = bindable_port;
  mesh.publish_door = options.publish_door;
  mesh.seed = get_u64(crypto.random_bytes(8));
  mesh.link_stream = door.data();
  mesh.space_of = [this](TaskId task) { return overlay->spaces().find(task); };
  relay = std::make_unique<L4Relay>(std::move(mesh), [this](std::vector<std::string> problems) {
    reactor.post([this, problems = std::move(problems)] { emit(ports::MeshProblems{problems}); });
  });
}

void Host::Impl::make_server() {
  server = std::make_unique<HttpServer>(
      reactor,
      [this](ports::ApiId id, http::Request request) {
        if (!is_of_faults(id, request)) emit(ports::ApiArrived{id, std::move(request)});
      },
      [this](ports::ApiId id) { emit(ports::ApiAborted{id}); });
}

void Host::Impl::make_node() {
  node::NodeOptions about;
  const Granted overlays = overlay_level(options);
  about.description = describe(options, runner->executors(), overlays.grant == Grant::all);
  about.overlay_networks = overlays.sentence;
  describe_system(about);
  about.address = options.address;
  about.data_root = options.data_root;
  about.seed = get_u64(crypto.random_bytes(8));
  about.build = options.build;
  node = std::make_unique<node::Node>(
      std::move(about), ports::Ports{clock, own_or_faulty_transport(), own_or_faulty_disk(), *runner, *relay,
                                     *overlay, crypto, *server, trace});
}

Result<void> Host::Impl::listen() {
  if (options.hosts.empty()) options.hosts.push_back("unix://" + options.data_root + "/docker.sock");
  auto context = api_context(options.tls);
  if (!context) return context.error();
  using Tcp = DoorRules::Tcp;
  DoorRules rules;
  rules.tcp = !options.tls.on ? Tcp::plain : options.tls.verify ? Tcp::proved : Tcp::sealed;
  rules.insecure = options.insecure_open_api;
  if (!options.socket_group.empty()) {
    const auto group = group_named(options.socket_group);
    if (!group) return group.error();
    rules.group = *group;
  }
  for (const std::string& host : options.hosts) {
    auto url = server->listen(host, rules, *context ? door.api(reactor, *context) : StreamOpener{});
    if (!url) return url.error();
    urls.push_back(*url);
    // A port has no owner, as a socket has.
    if (host.starts_with("tcp://") && rules.tcp != Tcp::proved)
      trace.log(LogLevel::warn, "the API at " + *url +
                                    " asks nobody who they are: every user and every process that reaches it "
                                    "commands this daemon. Use a unix socket, or --tlsverify");
  }
  return {};
}

void Host::Impl::emit(ports::Event event) {
  node->handle(std::move(event));
  schedule_turn();
}

void Host::Impl::schedule_turn() {
  if (std::exchange(turn_scheduled, true)) return;
  reactor.post([this] { turn(); });
}

void Host::Impl::turn() {
  turn_scheduled = false;
  if (finishing) return;
  const Instant begun = steady_now();
  node->turn(clock.now());
  heap.look(begun);
  if (desk != nullptr) be_slow(begun, desk->factor());
  if (stopping && node->stopped()) return finish();
  arm(node->next_deadline());
}

void Host::Impl::arm(Instant next) {
  if (next == Instant::never()) return timer.cancel();
  timer.at(clock.true_time_of(next), [this] { turn(); });
}

// ---- faults

void Host::Impl::take_faults() {
  faulty_disk =
      std::make_unique<FaultyDisk>(reactor, *disk, [this](ports::Event event) { emit(std::move(event)); });
  const auto images = [this](const auto& all) { runner->set_image_faults(all); };
  FaultDesk::Parts parts{links.get(), faulty_disk.get(), &clock, images, [this] {
                           relay->set_faults(faults_of_mesh());
                           schedule_turn();
                         }};
  desk = std::make_unique<FaultDesk>(reactor, options.address, std::move(parts));
}

L4Relay::Faults Host::Impl::faults_of_mesh() const {
  L4Relay::Faults faults;
  faults.pace = desk->factor();
  if (!links->rules().empty())
    faults.on_link = [rules = links->rules()](const Address& peer) { return rules.to(peer).on_stream(); };
  return faults;
}

// Faults are the business of this daemon's owner: they are not taken from the network.
bool Host::Impl::is_of_faults(ports::ApiId id, const http::Request& request) {
  if (!FaultDesk::is_for(request)) return false;
  FaultDesk::Answer answer;
  if (desk == nullptr) {
    answer = FaultDesk::refusal("this daemon takes no faults: it was started without --faults");
  } else if (!server->is_local(id)) {
    answer = FaultDesk::refusal("faults are taken at this daemon's own unix socket only, not over TCP");
  } else {
    answer = desk->answer(request);
  }
  server->begin(id, {answer.status, {{"Content-Type", "application/json"}}, false});
  if (!answer.body.empty()) server->piece(id, answer.body + "\n");
  server->end(id);
  return true;
}

void Host::Impl::stop() {
  if (std::exchange(stopping, true)) return reactor.stop();
  trace.log(LogLevel::info, "stopping: tasks first");
  bound.after(kStopBound, [this] { reactor.stop(); });
  node->shut_down(clock.now());
  schedule_turn();
}

Host::Host(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Host::~Host() = default;  // members go in the order of need: node, door, links, tasks, disk

Result<std::unique_ptr<Host>> Host::open(HostOptions options) {
  auto impl = std::make_unique<Impl>(std::move(options));
  if (auto opened = impl->open(); !opened) return opened.error();
  return std::unique_ptr<Host>(new Host(std::move(impl)));
}

Reactor& Host::reactor() { return impl_->reactor; }
LogTrace& Host::log() { return impl_->trace; }
const std::vector<std::string>& Host::urls() const { return impl_->urls; }

void Host::run() { impl_->reactor.run(); }

void Host::stop() { impl_->stop(); }

}  // namespace swarm::real
