// What nodes say to one another.
//
// A list of assignments carries each template once; its tasks name them by service and version. A task whose
// template did not come is an error: an agent could not run it.
#include <map>

#include "codec/codec.hpp"
#include "codec/objects.hpp"
#include "model/describe/wire.hpp"
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

template <>
struct Converter<std::vector<wire::AssignedTask>> {
  using Tasks = std::vector<wire::AssignedTask>;
  using Key = std::pair<ServiceId, std::uint64_t>;
  static void put(const Tasks& from, pb::Assignments& to) {
    std::map<Key, const model::TaskTemplate*> templates;
    for (const auto& [task] : from) {
      if (task.templ) templates.try_emplace({task.service_id, task.spec_version}, task.templ.get());
      codec::put(task, *to.add_tasks());
    }
    for (const auto& [key, templ] : templates)
      codec::put(model::TaskTemplateRecord{key.first, key.second, *templ}, *to.add_templates());
  }
  static void get(const pb::Assignments& from, Tasks& to, Reading& reading) {
    std::map<Key, std::shared_ptr<const model::TaskTemplate>> templates;
    for (const auto& one : from.templates()) {
      model::TaskTemplateRecord keyed;
      codec::get(one, keyed, reading);
      templates[{keyed.service_id, keyed.spec_version}] =
          std::make_shared<model::TaskTemplate>(std::move(keyed.templ));
    }
    for (const auto& one : from.tasks()) {
      model::Task& task = to.emplace_back().task;
      codec::get(one, task, reading);
      const auto it = templates.find({task.service_id, task.spec_version});
      if (it == templates.end()) return reading.fail("task " + task.id.str() + " came without its template");
      task.templ = it->second;
    }
  }
};

template <>
struct Converter<wire::Message> {
  static void put(const wire::Message& from, pb::Message& to) { put_case<wire::Message>(from, to); }
  static void get(const pb::Message& from, wire::Message& to, Reading& reading) {
    if (!get_case<wire::Message>(from, to, reading)) reading.fail("a message of an unknown kind");
  }
};

std::string encode(const wire::Message& message) { return encode_as<pb::Message>(message); }
Result<wire::Message> decode_wire_message(std::string_view bytes) {
  return decode_as<pb::Message, wire::Message>(bytes, "message");
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
