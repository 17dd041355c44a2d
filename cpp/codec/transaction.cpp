// Transactions: what log entries carry.
#include "codec/objects.hpp"

namespace swarm::codec {
namespace {

void put(const model::Put& from, swarmpy::Action* to) {
  std::visit([&]<class T>(const T& object) { codec::put(object, PutField<T>::of(*to->mutable_put())); },
             from.object);
}

void put(const model::Remove& from, swarmpy::Action* to) {
  auto* out = to->mutable_remove();
  out->set_kind(static_cast<std::uint32_t>(from.kind));
  out->set_id(bytes_of(from.id));
  out->set_version(from.version);
}

void put(const model::TaskStep& from, swarmpy::Action* to) {
  auto* out = to->mutable_task_step();
  out->set_id(bytes_of(from.id));
  out->set_version(from.version);
  if (from.desired_state) out->set_desired_state(static_cast<std::uint32_t>(*from.desired_state));
  if (from.node_id) out->set_node_id(bytes_of(*from.node_id));
  if (from.status) codec::put(*from.status, out->mutable_status());
  out->set_reported_by(bytes_of(from.reported_by));
}

void put(const model::NodeStep& from, swarmpy::Action* to) {
  auto* out = to->mutable_node_step();
  out->set_id(bytes_of(from.id));
  if (from.status) codec::put(*from.status, out->mutable_status());
  if (from.description) codec::put(*from.description, out->mutable_description());
  if (from.role) out->set_role(static_cast<std::uint32_t>(*from.role));
  out->set_sets_manager(from.manager.has_value());
  if (from.manager && *from.manager) codec::put(**from.manager, out->mutable_manager());
}

void put(const model::WriteKey& from, swarmpy::Action* to) {
  auto* out = to->mutable_write_key();
  out->set_key(from.key);
  if (from.value) out->set_value(*from.value);
  if (from.if_version) out->set_if_version(*from.if_version);
  if (from.if_value) out->set_if_value(*from.if_value);
}

model::Put get_put(const swarmpy::Put& from, Reading& reading) {
  model::Put to;
  const bool known = model::PutKinds::any([&]<class T>() {
    if (from.object_case() != PutField<T>::kCase) return false;
    codec::get(PutField<T>::of(from), to.object.emplace<T>(), reading);
    return true;
  });
  if (!known) reading.fail("an object of an unknown kind");
  return to;
}

model::Remove get_remove(const swarmpy::Remove& from, Reading& reading) {
  const auto kind = static_cast<model::Kind>(from.kind());
  if (from.kind() > 255 || !model::visit_kind(kind, []<class T>() {}))
    reading.fail("kind " + std::to_string(from.kind()) + " is not known");
  return {kind, reading.id<TaskId>(from.id(), "id").value(), from.version()};
}

model::TaskStep get_task_step(const swarmpy::TaskStep& from, Reading& reading) {
  model::TaskStep to;
  to.id = reading.id<TaskId>(from.id(), "task id");
  to.version = from.version();
  if (from.has_desired_state()) to.desired_state = task_state(from.desired_state(), reading);
  if (from.has_node_id()) to.node_id = reading.id<NodeId>(from.node_id(), "node id");
  if (from.has_status()) codec::get(from.status(), to.status.emplace(), reading);
  to.reported_by = reading.id<NodeId>(from.reported_by(), "reporting node");
  return to;
}

model::NodeStep get_node_step(const swarmpy::NodeStep& from, Reading& reading) {
  model::NodeStep to;
  to.id = reading.id<NodeId>(from.id(), "node id");
  if (from.has_status()) codec::get(from.status(), to.status.emplace(), reading);
  if (from.has_description()) codec::get(from.description(), to.description.emplace(), reading);
  if (from.has_role()) to.role = reading.enumerated(from.role(), model::NodeRole::manager, "role");
  if (from.sets_manager()) {
    auto& manager = to.manager.emplace();
    if (from.has_manager()) codec::get(from.manager(), manager.emplace(), reading);
  }
  return to;
}

model::WriteKey get_write_key(const swarmpy::WriteKey& from) {
  model::WriteKey to;
  to.key = from.key();
  if (from.has_value()) to.value = from.value();
  if (from.has_if_version()) to.if_version = from.if_version();
  if (from.has_if_value()) to.if_value = from.if_value();
  return to;
}

void get(const swarmpy::Transaction& from, model::Transaction& to, Reading& reading) {
  to.request = from.request();
  to.time = WallTime{from.time()};
  to.actions.reserve(static_cast<std::size_t>(from.actions_size()));
  for (const auto& action : from.actions()) {
    switch (action.action_case()) {
      case swarmpy::Action::kPut:
        to.actions.push_back(get_put(action.put(), reading));
        break;
      case swarmpy::Action::kRemove:
        to.actions.push_back(get_remove(action.remove(), reading));
        break;
      case swarmpy::Action::kTaskStep:
        to.actions.push_back(get_task_step(action.task_step(), reading));
        break;
      case swarmpy::Action::kNodeStep:
        to.actions.push_back(get_node_step(action.node_step(), reading));
        break;
      case swarmpy::Action::kWriteKey:
        to.actions.push_back(get_write_key(action.write_key()));
        break;
      case swarmpy::Action::ACTION_NOT_SET:
        reading.fail("an action of an unknown kind");
        break;
    }
  }
}

}  // namespace

std::string encode(const model::Transaction& transaction) {
  Scratch<swarmpy::Transaction> message;
  message->set_request(transaction.request);
  message->set_time(transaction.time.ns);
  for (const auto& action : transaction.actions)
    std::visit([&](const auto& one) { put(one, message->add_actions()); }, action);
  return serialized(*message);
}

Result<model::Transaction> decode_transaction(std::string_view bytes) {
  return decode_as<swarmpy::Transaction, model::Transaction>(
      bytes, "transaction", [](const swarmpy::Transaction& from, model::Transaction& to, Reading& reading) {
        get(from, to, reading);
      });
}

}  // namespace swarm::codec
