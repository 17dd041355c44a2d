// What nodes say to one another.
//
// A feed update carries each template once; its tasks name them by service and version. A task whose
// template did not come is an error: an agent could not run it.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/address.hpp"
#include "base/id.hpp"
#include "base/result.hpp"
#include "codec/codec.hpp"
#include "codec/described.hpp"
#include "codec/objects.hpp"
#include "codec/reading.hpp"
#include "model/describe/wire.hpp"
#include "model/mesh.hpp"
#include "model/task.hpp"
#include "model/wire.hpp"
#include "objects.pb.h"
#include "wire.pb.h"

namespace swarm::codec {

namespace pb = swarmpy::wire;

template <>
struct Converter<Address> {
  static void put(const Address& from, pb::Address& to) {
    to.set_ip(std::string(from.ip.begin(), from.ip.end()));
    to.set_port(from.port);
  }
  static void get(const pb::Address& from, Address& to, Reading& reading) {
    if (from.ip().size() != to.ip.size()) return reading.fail("an address is not 16 bytes long");
    if (from.port() > 0xffff) return reading.fail("port " + std::to_string(from.port()) + " is out of range");
    std::copy(from.ip().begin(), from.ip().end(), to.ip.begin());
    to.port = static_cast<std::uint16_t>(from.port());
  }
};

template <>
struct Converter<model::MeshPort> {
  static void put(const model::MeshPort& from, pb::MeshPort& to) {
    to.set_published(from.published.port);
    to.set_target(from.target);
    to.set_protocol(static_cast<std::uint32_t>(from.published.protocol));
  }
  static void get(const pb::MeshPort& from, model::MeshPort& to, Reading& reading) {
    if (from.published() > 0xffff || from.target() > 0xffff) return reading.fail("a port is out of range");
    reading.take(from.protocol(), to.published.protocol);
    to.published.port = from.published();
    to.target = from.target();
  }
};

// A header of HTTP.
template <>
struct Converter<std::pair<std::string, std::string>> {
  using Header = std::pair<std::string, std::string>;
  static void put(const Header& from, pb::Header& to) {
    to.set_name(from.first);
    to.set_value(from.second);
  }
  static void get(const pb::Header& from, Header& to, Reading&) { to = {from.name(), from.value()}; }
};

template <>
struct Converter<std::pair<TaskId, model::TaskStatus>> {
  using Report = std::pair<TaskId, model::TaskStatus>;
  static void put(const Report& from, pb::TaskReport::Item& to) {
    to.set_task(bytes_of(from.first.value()));
    codec::put(from.second, *to.mutable_status());
  }
  static void get(const pb::TaskReport::Item& from, Report& to, Reading& reading) {
    reading.take(from.task(), to.first);
    codec::get(from.status(), to.second, reading);
  }
};

// The templates of tasks, by what tasks name them by.
using TemplateKey = std::pair<ServiceId, std::uint64_t>;
using Templates = std::map<TemplateKey, std::shared_ptr<const model::TaskTemplate>>;

void take(const swarmpy::TaskTemplate& from, Templates& to, Reading& reading) {
  model::TaskTemplateRecord keyed;
  get(from, keyed, reading);
  to[{keyed.service_id, keyed.spec_version}] = std::make_shared<model::TaskTemplate>(std::move(keyed.templ));
}
void give(const Templates& from, model::Task& task, Reading& reading) {
  const auto it = from.find({task.service_id, task.spec_version});
  if (it == from.end()) return reading.fail("task " + task.id.str() + " came without its template");
  task.templ = it->second;
}

template <>
struct Converter<wire::FeedItem> {
  static void put(const wire::FeedItem& from, pb::FeedItem& to) { put_case<wire::FeedItem>(from, to); }
  static void get(const pb::FeedItem& from, wire::FeedItem& to, Reading& reading) {
    if (!get_case<wire::FeedItem>(from, to, reading)) reading.fail("an item of an unknown kind");
  }
};

template <>
struct Converter<std::vector<wire::FeedItem>> {
  using Items = std::vector<wire::FeedItem>;
  static void put(const Items& from, pb::FeedUpdate& to) {
    Templates templates;
    for (const auto& item : from)
      if (const auto* task = std::get_if<model::Task>(&item); task != nullptr && task->templ)
        templates.try_emplace({task->service_id, task->spec_version}, task->templ);
    put_each(from, *to.mutable_items());
    for (const auto& [key, templ] : templates)
      codec::put(model::TaskTemplateRecord{key.first, key.second, *templ}, *to.add_templates());
  }
  static void get(const pb::FeedUpdate& from, Items& to, Reading& reading) {
    Templates templates;
    for (const auto& one : from.templates()) take(one, templates, reading);
    get_each(from.items(), to, reading);
    for (auto& item : to)
      if (auto* task = std::get_if<model::Task>(&item)) give(templates, *task, reading);
  }
};

// A task with its template.
struct KeptTask {
  model::Task task;
};
template <>
struct Converter<KeptTask> {
  static void put(const KeptTask& from, pb::TaskRecord& to) {
    const model::Task& task = from.task;
    if (task.templ)
      codec::put(model::TaskTemplateRecord{task.service_id, task.spec_version, *task.templ},
                 *to.mutable_kept()->mutable_templ());
    codec::put(task, *to.mutable_kept()->mutable_task());
  }
  static void get(const pb::TaskRecord& from, KeptTask& to, Reading& reading) {
    Templates templates;
    if (from.kept().has_templ()) take(from.kept().templ(), templates, reading);
    codec::get(from.kept().task(), to.task, reading);
    give(templates, to.task, reading);
  }
};

template <>
struct Converter<wire::Message> {
  static void put(const wire::Message& from, pb::Message& to) { put_case<wire::Message>(from, to); }
  static void get(const pb::Message& from, wire::Message& to, Reading& reading) {
    if (!get_case<wire::Message>(from, to, reading)) reading.fail("a message of an unknown kind");
  }
};

namespace {

// What a node says of itself and its tasks becomes an entry of the log, which every member must get. A report
// of 10,000 tasks takes about 1.2 MB.
constexpr std::size_t kMaxSaidBytes = 4 * 1024 * 1024;

bool may_be_large(const pb::Message& message) {
  return !message.has_join_request() && !message.has_raft_join_request() && !message.has_leave_request() &&
         !message.has_register_() && !message.has_heartbeat() && !message.has_task_report();
}

}  // namespace

std::string encode(const wire::Message& message) { return encode_as<pb::Message>(message); }
Result<wire::Message> decode_wire_message(std::string_view bytes) {
  if (bytes.size() > kMaxSaidBytes) {
    Scratch<pb::Message> message;
    if (!parse_into(*message, bytes) || !may_be_large(*message))
      return plain_error(Code::data_loss, "corrupt message: it is larger than its kind may be");
  }
  return decode_as<pb::Message, wire::Message>(bytes, "message");
}
std::string encode_task_record(const model::Task& task) { return encode_as<pb::TaskRecord>(KeptTask{task}); }
Result<model::Task> decode_task_record(std::string_view bytes) {
  auto kept = decode_as<pb::TaskRecord, KeptTask>(bytes, "task's record");
  if (!kept) return kept.error();
  return std::move(kept->task);
}
std::string encode(const wire::Hello& hello) { return encode_as<pb::Hello>(hello); }
Result<wire::Hello> decode_hello(std::string_view bytes) {
  return decode_as<pb::Hello, wire::Hello>(bytes, "hello");
}
std::string encode(const wire::ManagerPeer& peer) { return encode_as<pb::ManagerPeer>(peer); }
Result<wire::ManagerPeer> decode_manager_peer(std::string_view bytes) {
  return decode_as<pb::ManagerPeer, wire::ManagerPeer>(bytes, "manager's address");
}

}  // namespace swarm::codec
