#include "node/agent_part.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "agent/worker.hpp"
#include "base/address.hpp"
#include "base/bytes.hpp"
#include "base/check.hpp"
#include "base/id.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "codec/codec.hpp"
#include "model/mesh.hpp"
#include "model/port.hpp"
#include "model/wire.hpp"
#include "node/effects.hpp"
#include "node/launch.hpp"
#include "node/links.hpp"
#include "node/waits.hpp"
#include "ports/disk.hpp"
#include "ports/ports.hpp"
#include "ports/transport.hpp"

namespace swarm::node {
namespace {

constexpr Duration kRetry = Duration::millis(100);

model::MeshTask mesh_task(const agent::LocalTask& local, const Address& address) {
  model::MeshTask out{local.task.id, address, {}, {}};
  const auto& endpoint = local.task.templ->endpoint;
  if (!endpoint) return out;
  for (const auto& port : endpoint->ports) {
    if (port.protocol == model::PortProtocol::tcp) out.targets.push_back(port.target_port);
  }
  for (const auto& port : local.task.status.port_status)
    if (port.protocol == model::PortProtocol::tcp)
      out.host_ports.push_back({{port.protocol, port.published_port}, port.target_port});
  return out;
}

// Not in family agent: older versions take each of its keys for a task.
constexpr const char* kObeyed = "obeyed";

void save_obeyed(const wire::StoreMoment& obeyed, ports::DiskBatch& batch) {
  std::string bytes;
  put_u64(bytes, obeyed.term);
  put_u64(bytes, obeyed.version);
  batch.put(ports::Family::identity, kObeyed, bytes);
}

Result<wire::StoreMoment> load_obeyed(ports::Disk& disk) {
  const auto bytes = disk.get(ports::Family::identity, kObeyed);
  if (!bytes) return wire::StoreMoment{};
  if (bytes->size() == 16) return wire::StoreMoment{get_u64(*bytes), get_u64(*bytes, 8)};
  return plain_error(Code::data_loss, "the data root is corrupt: identity key 'obeyed' cannot be read");
}

}  // namespace

Result<void> AgentPart::start(ports::Disk& disk, ClusterId cluster, Times at) {
  out_.add(effect::JoinMesh{cluster, node_});
  out_.add(effect::JoinOverlay{node_});
  std::vector<model::Task> records;
  Result<void> result;
  disk.scan(ports::Family::agent, "", [&](std::string_view key, std::string_view value) {
    auto task = codec::decode_task_record(value);
    if (task) {
      records.push_back(std::move(*task));
    } else {
      result = plain_error(Code::data_loss, "the data root is corrupt: agent key " + to_hex(key) +
                                                " cannot be read (" + task.error().message + ")");
    }
    return result.ok();
  });
  const auto obeyed = load_obeyed(disk);
  if (!obeyed) return obeyed.error();
  obeyed_on_disk_ = *obeyed;
  if (result) worker_.resume(std::move(records), obeyed_on_disk_, at.now, at.wall);
  return result;
}

// ---- the way to the dispatcher

std::optional<Address> AgentPart::pick_manager(const Leads& leads,
                                               const std::vector<wire::ManagerPeer>& managers) {
  if (leads.leader) return leads.leader;
  if (hint_) return std::exchange(hint_, std::nullopt);
  for (std::size_t i = 0; i < managers.size(); ++i) {
    const auto& peer = managers[next_manager_++ % managers.size()];
    if (peer.node != node_) return peer.address;
  }
  return std::nullopt;
}

void AgentPart::connect(const Leads& leads, const std::vector<wire::ManagerPeer>& managers, Instant now) {
  if (link_ != 0 || now < not_before_) return;
  if (leads.here) return on_dialled(kLocalLink, true, now);
  if (const auto address = pick_manager(leads, managers)) {
    out_.add(effect::DialManager{*address});
  } else {
    on_dialled(0, false, now);
  }
}

void AgentPart::on_dialled(ports::LinkId link, bool is_open, Instant now) {
  link_ = link;
  if (link == 0) {
    not_before_ = now + kRetry;
  } else if (is_open) {
    on_link_opened(link, now);
  }
}

void AgentPart::on_link_opened(ports::LinkId link, Instant now) {
  if (link != link_ || connected_) return;
  connected_ = true;
  worker_.connected(now);
}

void AgentPart::lost_link(Instant now) {
  const bool told = connected_;
  link_ = 0;
  connected_ = false;
  if (told) worker_.disconnected(now);
}

void AgentPart::on_link_gone(const LinkGone& event) {
  if (event.link == link_ && link_ != 0) lost_link(event.at.now);
}

void AgentPart::on_leader_changed(bool leads_here, Instant now) {
  // Onto this node's own dispatcher, or off it. A leader elsewhere says by itself that it is not one any
  // more.
  if (leads_here != (link_ == kLocalLink) && link_ != 0) lost_link(now);
  not_before_ = now;
}

void AgentPart::on_message(const Speaker& from, const wire::Message& message, Times at) {
  if (from.link != link_) return;  // of a manager that this agent has left
  worker_.on_message(message, at.now, at.wall);
}

void AgentPart::send_to_manager(wire::Message message) {
  if (link_ == kLocalLink) {
    out_.add(effect::ToDispatcher{std::move(message)});
  } else if (link_ != 0) {
    out_.add(effect::SendOn{link_, std::move(message)});
  }
}

// ---- the mesh

void AgentPart::change_table(const wire::MeshChange& change) {
  if (!table_.on(change)) return;
  out_.add(effect::SetTable{table_.table()});
  worker_.set_table(table_.table());
}

void AgentPart::on_event(const ports::MeshProblems& event, Instant now) {
  mesh_problems_ = event.sentences;
  for (const std::string& sentence : mesh_problems_) out_.add(effect::Tell{"mesh.problem", sentence});
  tell_problems(now);
}

void AgentPart::on_event(const ports::OverlayProblems& event, Instant now) {
  overlay_problems_ = event.sentences;
  for (const std::string& sentence : overlay_problems_) out_.add(effect::Tell{"overlay.problem", sentence});
  tell_problems(now);
}

void AgentPart::tell_problems(Instant now) {
  std::vector<std::string> all = mesh_problems_;
  all.insert(all.end(), overlay_problems_.begin(), overlay_problems_.end());
  worker_.set_problems(std::move(all), now);
}

// ---- the runner's answers

void AgentPart::on_event(const ports::TaskPrepared& event, Times at) {
  worker_.on_prepared(event.task, event.error, at.now, at.wall);
}

void AgentPart::on_event(const ports::TaskStarted& event, Times at) {
  worker_.on_started(event.task, event.error, event.container_id, event.pid, event.address, at.now, at.wall);
  const auto local = worker_.tasks().find(event.task);
  if (local == worker_.tasks().end() || !local->second.process_runs) return;
  if (const auto address = Address::parse(event.address))
    out_.add(effect::TaskUp{mesh_task(local->second, *address)});
}

void AgentPart::on_event(const ports::TaskExited& event, Times at) {
  out_.add(effect::TaskGone{event.task});
  worker_.on_exited(event.task, event.exit_code, event.error, at.now, at.wall);
}

// ---- what the worker wants

bool AgentPart::run(Times at) {
  SWARM_CHECK(!connected_ || link_ != 0, "node", node_, "is connected without a link");
  std::vector<agent::Effect> effects = worker_.take_effects();
  if (effects.empty()) return false;
  // The data planes hear of it now, not when the records are on disk and the process gets its signal.
  for (auto& effect : effects) {
    if (const auto* stop = std::get_if<agent::StopTask>(&effect)) out_.add(effect::TaskStopping{stop->task});
    if (const auto* table = std::get_if<agent::ChangeTable>(&effect)) change_table(table->change);
    if (auto* overlay = std::get_if<agent::ChangeOverlay>(&effect)) out_.add(std::move(*overlay));
  }
  std::erase_if(effects, [](const auto& one) {
    return std::holds_alternative<agent::ChangeTable>(one) ||
           std::holds_alternative<agent::ChangeOverlay>(one);
  });
  // A heartbeat says nothing of records, and waits for none: a node whose disk stands still is not down.
  std::erase_if(effects, [this](agent::Effect& one) {
    auto* send = std::get_if<agent::SendToManager>(&one);
    if (send == nullptr || !std::holds_alternative<wire::Heartbeat>(send->message)) return false;
    send_to_manager(std::move(send->message));
    return true;
  });
  if (saving_) {
    held_.push_back(std::move(effects));
  } else {
    perform(std::move(effects), at);
  }
  return true;
}

// Everything from the first record on waits until all records of the list are on disk, if one of them must
// be.
void AgentPart::perform(std::vector<agent::Effect> effects, Times at) {
  SWARM_CHECK(!saving_ && after_save_.empty(), after_save_.size(), "effects wait for records");
  ports::DiskBatch batch;
  std::vector<agent::Effect> later;
  for (auto& effect : effects) {
    if (auto* save = std::get_if<agent::SaveTask>(&effect)) {
      batch.sync |= save->first;
      if (save->record) {
        batch.put(ports::Family::agent, task_key(save->task), codec::encode_task_record(*save->record));
      } else {
        batch.erase(ports::Family::agent, task_key(save->task));
      }
    } else if (batch.empty()) {
      perform_one(std::move(effect), at);
    } else {
      later.push_back(std::move(effect));
    }
  }
  if (batch.empty()) return;
  if (const auto obeyed = worker_.obeyed(); obeyed_on_disk_ < obeyed) {
    save_obeyed(obeyed, batch);
    obeyed_on_disk_ = obeyed;
  }
  saving_ = batch.sync;
  out_.add(effect::Store{std::move(batch), saving_ ? Waits{RecordsStored{life_}} : Waits{}});
  if (saving_) {
    after_save_ = std::move(later);
  } else {
    for (auto& effect : later) perform_one(std::move(effect), at);
  }
}

void AgentPart::on_stored(Times at) {
  saving_ = false;
  for (auto& effect : std::exchange(after_save_, {})) perform_one(std::move(effect), at);
  while (!saving_ && !held_.empty()) {
    auto next = std::move(held_.front());
    held_.pop_front();
    perform(std::move(next), at);
  }
}

void AgentPart::prepare(const model::Task& task, Times at) {
  if (auto launch = launch_of(task, description_)) {
    out_.add(effect::Prepare{std::move(*launch)});
  } else {
    worker_.on_prepared(task.id, launch.error().message, at.now, at.wall);
  }
}

void AgentPart::perform_one(agent::Effect effect, Times at) {
  if (auto* send = std::get_if<agent::SendToManager>(&effect)) {
    send_to_manager(std::move(send->message));
  } else if (auto* to_prepare = std::get_if<agent::PrepareTask>(&effect)) {
    prepare(to_prepare->task, at);
  } else if (auto* start_task = std::get_if<agent::StartTask>(&effect)) {
    out_.add(*start_task);
  } else if (auto* stop = std::get_if<agent::StopTask>(&effect)) {
    out_.add(*stop);
  } else if (auto* remove = std::get_if<agent::RemoveTask>(&effect)) {
    out_.add(effect::TaskGone{remove->task});
    out_.add(*remove);
  } else if (auto* reconnect = std::get_if<agent::Reconnect>(&effect)) {
    lost_link(at.now);
    hint_ = reconnect->leader;
    not_before_ = reconnect->not_before;
  } else if (auto* facts = std::get_if<agent::SessionFacts>(&effect)) {
    out_.add(std::move(*facts));
  } else if (auto* refused = std::get_if<agent::Refused>(&effect)) {
    out_.add(std::move(*refused));
  } else if (std::holds_alternative<agent::Removed>(effect)) {
    out_.add(agent::Removed{});
  } else if (auto* event = std::get_if<agent::ContainerEvent>(&effect)) {
    out_.add(std::move(*event));
  }
}

void AgentPart::on_deadline(Times at) {
  if (worker_.next_deadline() <= at.now) worker_.on_deadline(at.now, at.wall);
}

Instant AgentPart::next_deadline(Instant now) const {
  const Instant next = worker_.next_deadline();
  return link_ == 0 ? std::min(next, std::max(not_before_, now)) : next;
}

std::optional<Effect> AgentPart::next_effect() { return out_.next(); }

}  // namespace swarm::node
