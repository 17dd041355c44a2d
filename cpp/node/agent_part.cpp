#include "node/agent_part.hpp"

#include <utility>

#include "base/bytes.hpp"
#include "codec/codec.hpp"
#include "control/process_checks.hpp"
#include "go_template/placeholders.hpp"
#include "model/container_spec.hpp"
#include "ports/runtimes.hpp"

namespace swarm::node {
namespace {

constexpr Duration kRetry = Duration::millis(100);

std::string task_key(TaskId id) {
  std::string key;
  put_u64(key, static_cast<std::uint64_t>(id.value() >> 64));
  put_u64(key, static_cast<std::uint64_t>(id.value()));
  return key;
}

// A record is an assignment of one task: the template travels with it.
std::string encode_task_record(const model::Task& task) {
  wire::Assignments record;
  record.tasks.push_back({task});
  return codec::encode(wire::Message(std::move(record)));
}

Result<model::Task> decode_task_record(std::string_view bytes) {
  auto message = codec::decode_wire_message(bytes);
  if (!message) return message.error();
  auto* record = std::get_if<wire::Assignments>(&*message);
  if (record == nullptr || record->tasks.size() != 1)
    return plain_error(Code::data_loss, "not a task's record");
  return std::move(record->tasks.front().task);
}

// An error for placeholders that stand only where a node's or a task's facts lead: `{{if eq .Node.Hostname
// "m1"}}...`.
Result<ports::Launch> launch_of(const Core& core, const model::Task& task) {
  ports::Launch launch;
  launch.task = task.id;
  launch.name = model::task_name(task);
  launch.runtime = ports::runtime_of(task.spec());
  if (task.spec().container) {
    auto expanded =
        go_template::expand(*task.spec().container, go_template::facts_of(task, core.options.description));
    if (!expanded) return expanded.error();
    if (auto fine = control::check_process(*expanded); !fine) return fine.error();
    launch.container = std::move(*expanded);
  } else {
    launch.container.emplace();
  }
  launch.stop_grace = model::stop_grace(task.spec());
  launch.service_id = task.service_id;
  launch.service_name = task.templ->service.name;
  launch.slot = task.slot;
  launch.node_id = task.node_id;
  launch.node_hostname = core.options.description.hostname;
  if (task.templ->endpoint)
    for (const auto& port : task.templ->endpoint->ports) launch.target_ports.push_back(port.target_port);
  return launch;
}

model::MeshTask mesh_task(const agent::LocalTask& local, const Address& address) {
  model::MeshTask out{local.task.id, address, {}, {}};
  if (!local.task.templ->endpoint) return out;
  for (const auto& port : local.task.templ->endpoint->ports) {
    if (port.protocol == model::PortProtocol::tcp) out.targets.push_back(port.target_port);
  }
  for (const auto& port : local.task.status.port_status)
    if (port.protocol == model::PortProtocol::tcp)
      out.host_ports.push_back({{port.protocol, port.published_port}, port.target_port});
  return out;
}

}  // namespace

AgentPart::AgentPart(Core& core, Host& host)
    : core_(core), host_(host), worker_(core.identity->node, core.options.description, core.rng.fork()) {}

AgentPart::~AgentPart() { core_.ports.mesh.leave(); }

Result<void> AgentPart::start() {
  core_.ports.mesh.join(core_.identity->cluster, core_.identity->node);
  std::vector<model::Task> records;
  Result<void> result;
  core_.ports.disk.scan(ports::Family::agent, "", [&](std::string_view key, std::string_view value) {
    auto task = decode_task_record(value);
    if (task) {
      records.push_back(std::move(*task));
    } else {
      result = plain_error(Code::data_loss, "the data root is corrupt: agent key " + to_hex(key) +
                                                " cannot be read (" + task.error().message + ")");
    }
    return result.ok();
  });
  if (result) worker_.resume(std::move(records), core_.now, core_.wall());
  return result;
}

// ---- the way to the dispatcher

std::optional<Address> AgentPart::pick_manager() {
  if (const auto leader = host_.leader_address()) return leader;
  if (hint_) return std::exchange(hint_, std::nullopt);
  const auto& managers = core_.identity->managers;
  for (std::size_t i = 0; i < managers.size(); ++i) {
    const auto& peer = managers[next_manager_++ % managers.size()];
    if (peer.node != core_.identity->node) return peer.address;
  }
  return std::nullopt;
}

bool AgentPart::connect() {
  if (link_ != 0 || core_.now < not_before_) return false;
  if (host_.leads()) {
    link_ = kLocalLink;
    connected_ = true;
    worker_.connected(core_.now);
    return true;
  }
  const auto address = pick_manager();
  link_ = address ? core_.links.to(*address, core_.now) : 0;
  if (link_ == 0) {
    not_before_ = core_.now + kRetry;
    return false;
  }
  if (core_.links.peer(link_) != nullptr) on_link_opened(link_);
  return true;
}

void AgentPart::on_link_opened(ports::LinkId link) {
  if (link != link_ || connected_) return;
  connected_ = true;
  worker_.connected(core_.now);
}

void AgentPart::lost_link() {
  const bool told = connected_;
  link_ = 0;
  connected_ = false;
  if (told) worker_.disconnected(core_.now);
}

void AgentPart::on_link_closed(ports::LinkId link) {
  if (link == link_ && link != 0) lost_link();
}

void AgentPart::on_leader_changed() {
  // Onto this node's own dispatcher, or off it. A leader elsewhere says by itself that it is not one any
  // more.
  if (host_.leads() != (link_ == kLocalLink) && link_ != 0) lost_link();
  not_before_ = core_.now;
}

void AgentPart::on_message(ports::LinkId link, const wire::Message& message) {
  if (link != link_) return;
  if (const auto* update = std::get_if<wire::MeshUpdate>(&message)) return on_mesh_update(*update);
  worker_.on_message(message, core_.now, core_.wall());
}

// ---- the mesh

void AgentPart::on_mesh_update(const wire::MeshUpdate& update) {
  if (update.session == 0 || update.session != worker_.session()) return;
  const auto before = table_.table();
  wire::MeshAck ack = table_.on(update);
  if (table_.table() != before) {
    core_.ports.mesh.set_table(table_.table());
    worker_.set_table(table_.table());
  }
  ack.problems = mesh_problems_;
  send_to_manager(std::move(ack));
}

void AgentPart::on_event(const ports::MeshProblems& event) {
  mesh_problems_ = event.sentences;
  for (const std::string& sentence : mesh_problems_) core_.trace("mesh.problem", [&] { return sentence; });
  if (worker_.in_session())
    send_to_manager(wire::MeshAck{worker_.session(), table_.applied(), false, mesh_problems_});
}

// ---- the runner's answers

void AgentPart::on_event(const ports::TaskPrepared& event) {
  worker_.on_prepared(event.task, event.error, core_.now, core_.wall());
}

void AgentPart::on_event(const ports::TaskStarted& event) {
  worker_.on_started(event.task, event.error, event.container_id, event.pid, event.address, core_.now,
                     core_.wall());
  const auto local = worker_.tasks().find(event.task);
  if (local == worker_.tasks().end() || !local->second.process_runs) return;
  if (const auto address = Address::parse(event.address))
    core_.ports.mesh.task_up(mesh_task(local->second, *address));
}

void AgentPart::on_event(const ports::TaskExited& event) {
  core_.ports.mesh.task_gone(event.task);
  worker_.on_exited(event.task, event.exit_code, event.error, core_.now, core_.wall());
}

// ---- effects

bool AgentPart::run() {
  const bool connecting = connect();
  return take_effects() || connecting;
}

bool AgentPart::take_effects() {
  std::vector<agent::Effect> effects = worker_.take_effects();
  if (effects.empty()) return false;
  // Now, not when the records are on disk and the process is told.
  for (const auto& effect : effects)
    if (const auto* stop = std::get_if<agent::StopTask>(&effect)) core_.ports.mesh.task_stopping(stop->task);
  if (saving_) {
    held_.push_back(std::move(effects));
  } else {
    perform(std::move(effects));
  }
  return true;
}

// Everything from the first record on waits until all records of the list are on disk, if one of them must
// be.
void AgentPart::perform(std::vector<agent::Effect> effects) {
  ports::DiskBatch batch;
  std::vector<agent::Effect> later;
  for (auto& effect : effects) {
    if (auto* save = std::get_if<agent::SaveTask>(&effect)) {
      batch.sync |= save->first;
      if (save->record) {
        batch.put(ports::Family::agent, task_key(save->task), encode_task_record(*save->record));
      } else {
        batch.erase(ports::Family::agent, task_key(save->task));
      }
    } else if (batch.empty()) {
      perform_one(std::move(effect));
    } else {
      later.push_back(std::move(effect));
    }
  }
  if (batch.empty()) return;
  if (!batch.sync) {
    core_.commit(std::move(batch), {});
    for (auto& effect : later) perform_one(std::move(effect));
    return;
  }
  saving_ = true;
  core_.commit(std::move(batch), [this, alive = std::weak_ptr(alive_), later = std::move(later)]() mutable {
    if (alive.expired()) return;
    saving_ = false;
    for (auto& effect : later) perform_one(std::move(effect));
    while (!saving_ && !held_.empty()) {
      auto next = std::move(held_.front());
      held_.pop_front();
      perform(std::move(next));
    }
  });
}

void AgentPart::send_to_manager(wire::Message message) {
  if (link_ == kLocalLink) {
    host_.to_dispatcher(message);
  } else if (link_ != 0) {
    core_.links.send(link_, std::move(message));
  }
}

void AgentPart::perform_one(agent::Effect effect) {
  if (auto* send = std::get_if<agent::SendToManager>(&effect)) {
    send_to_manager(std::move(send->message));
  } else if (auto* prepare = std::get_if<agent::PrepareTask>(&effect)) {
    if (const auto launch = launch_of(core_, prepare->task)) {
      core_.ports.runner.prepare(*launch);
    } else {
      worker_.on_prepared(prepare->task.id, launch.error().message, core_.now, core_.wall());
    }
  } else if (auto* start_task = std::get_if<agent::StartTask>(&effect)) {
    core_.ports.runner.start(start_task->task);
  } else if (auto* stop = std::get_if<agent::StopTask>(&effect)) {
    core_.ports.runner.stop(stop->task, stop->grace, 0);
  } else if (auto* remove = std::get_if<agent::RemoveTask>(&effect)) {
    core_.ports.mesh.task_gone(remove->task);
    core_.ports.runner.remove(remove->task);
  } else if (auto* reconnect = std::get_if<agent::Reconnect>(&effect)) {
    lost_link();
    hint_ = reconnect->leader;
    not_before_ = reconnect->not_before;
  } else if (auto* facts = std::get_if<agent::SessionFacts>(&effect)) {
    host_.on_session_facts(*facts);
  } else if (std::holds_alternative<agent::Removed>(effect)) {
    host_.on_removed();
  } else if (auto* event = std::get_if<agent::ContainerEvent>(&effect)) {
    host_.on_container_event(*event);
  }
}

void AgentPart::on_deadline() {
  if (worker_.next_deadline() <= core_.now) worker_.on_deadline(core_.now, core_.wall());
}

Instant AgentPart::next_deadline() const {
  const Instant next = worker_.next_deadline();
  return link_ == 0 ? std::min(next, std::max(not_before_, core_.now)) : next;
}

}  // namespace swarm::node
