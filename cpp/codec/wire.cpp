// What nodes say to one another.
//
// A list of assignments carries each template once; its tasks name them by service and version. A task whose
// template did not come is an error: an agent could not run it.
#include <map>

#include "codec/objects.hpp"
#include "wire.pb.h"

namespace swarm::codec {
namespace {

namespace pb = swarmpy::wire;
using codec::get;
using codec::put;

// ---- parts
// ------------------------------------------------------------------------------------------------------

void put(const Address& from, pb::Address* to) {
  to->set_ip(std::string(from.ip.begin(), from.ip.end()));
  to->set_port(from.port);
}
void get(const pb::Address& from, Address& to, Reading& reading) {
  if (from.ip().size() != to.ip.size()) return reading.fail("an address is not 16 bytes long");
  if (from.port() > 0xffff) return reading.fail("port " + std::to_string(from.port()) + " is out of range");
  for (std::size_t i = 0; i < to.ip.size(); ++i) to.ip[i] = static_cast<std::uint8_t>(from.ip()[i]);
  to.port = static_cast<std::uint16_t>(from.port());
}

void put(const Error& from, pb::Error* to) {
  to->set_code(static_cast<std::uint32_t>(from.code));
  to->set_message(from.message);
  to->set_hint(from.hint);
  to->set_from_store(from.from_store);
  to->set_http_status(from.http_status);
}
void get(const pb::Error& from, Error& to, Reading& reading) {
  to = {reading.enumerated(from.code(), Code::unauthenticated, "error code"), from.message(), from.hint(),
        from.from_store(), from.http_status()};
}

void put(const wire::ManagerPeer& from, pb::ManagerPeer* to) {
  to->set_node(bytes_of(from.node));
  to->set_raft_id(from.raft_id);
  put(from.address, to->mutable_address());
}
void get(const pb::ManagerPeer& from, wire::ManagerPeer& to, Reading& reading) {
  to.node = reading.id<NodeId>(from.node(), "node id");
  to.raft_id = from.raft_id();
  get(from.address(), to.address, reading);
}

void put(const model::MeshPort& from, pb::MeshPort* to) {
  to->set_published(from.published);
  to->set_target(from.target);
}
void get(const pb::MeshPort& from, model::MeshPort& to, Reading& reading) {
  if (from.published() > 0xffff || from.target() > 0xffff) return reading.fail("a port is out of range");
  to = {from.published(), from.target()};
}

void put(const model::MeshBackend& from, pb::MeshBackend* to) {
  to->set_task(bytes_of(from.task));
  to->set_service(bytes_of(from.service));
  to->set_node(bytes_of(from.node));
  put(from.data, to->mutable_data());
}
void get(const pb::MeshBackend& from, model::MeshBackend& to, Reading& reading) {
  to.task = reading.id<TaskId>(from.task(), "task id");
  to.service = reading.id<ServiceId>(from.service(), "service id");
  to.node = reading.id<NodeId>(from.node(), "node id");
  get(from.data(), to.data, reading);
}

void put(const wire::MeshService& from, pb::MeshService* to);
void get(const pb::MeshService& from, wire::MeshService& to, Reading& reading);

template <class T, class Repeated>
void put_each(const std::vector<T>& values, Repeated* out) {
  for (const T& value : values) put(value, out->Add());
}
template <class T, class Repeated>
void get_each(const Repeated& in, std::vector<T>& out, Reading& reading) {
  out.reserve(static_cast<std::size_t>(in.size()));
  for (const auto& one : in) get(one, out.emplace_back(), reading);
}

template <class IdType, class Repeated>
void put_ids(const std::vector<IdType>& ids, Repeated* out) {
  for (const IdType& id : ids) out->Add(bytes_of(id));
}
template <class IdType, class Repeated>
void get_ids(const Repeated& in, std::vector<IdType>& out, Reading& reading) {
  for (const auto& id : in) out.push_back(reading.id<IdType>(id, "id"));
}

using Headers = std::vector<std::pair<std::string, std::string>>;
template <class Repeated>
void put_headers(const Headers& headers, Repeated* out) {
  for (const auto& [name, value] : headers) {
    auto* header = out->Add();
    header->set_name(name);
    header->set_value(value);
  }
}
template <class Repeated>
void get_headers(const Repeated& in, Headers& out) {
  for (const auto& header : in) out.emplace_back(header.name(), header.value());
}

void put(const wire::Hello& from, pb::Hello* to) {
  to->set_protocol_version(from.protocol_version);
  to->set_cluster(bytes_of(from.cluster));
  to->set_node(bytes_of(from.node));
  to->set_role(static_cast<std::uint32_t>(from.role));
  to->set_raft_id(from.raft_id);
}
void get(const pb::Hello& from, wire::Hello& to, Reading& reading) {
  to.protocol_version = from.protocol_version();
  to.cluster = reading.id<ClusterId>(from.cluster(), "cluster id");
  to.node = reading.id<NodeId>(from.node(), "node id");
  to.role = reading.enumerated(from.role(), model::NodeRole::manager, "role");
  to.raft_id = from.raft_id();
}

// ---- joining
// ----------------------------------------------------------------------------------------------------

void put(const wire::JoinRequest& from, pb::JoinRequest* to) {
  to->set_request(from.request);
  to->set_token(from.token);
  put(from.description, to->mutable_description());
  to->set_availability(static_cast<std::uint32_t>(from.availability));
  to->set_addr(from.addr);
}
void get(const pb::JoinRequest& from, wire::JoinRequest& to, Reading& reading) {
  to.request = from.request();
  to.token = from.token();
  get(from.description(), to.description, reading);
  to.availability = reading.enumerated(from.availability(), model::Availability::drain, "availability");
  to.addr = from.addr();
}

void put(const wire::JoinReply& from, pb::JoinReply* to) {
  to->set_request(from.request);
  SWARM_PUT_OPT(from.error, to, error);
  SWARM_PUT_OPT(from.leader, to, leader);
  to->set_cluster(bytes_of(from.cluster));
  to->set_node(bytes_of(from.node));
  to->set_role(static_cast<std::uint32_t>(from.role));
  to->set_root_cert_pem(from.root_cert_pem);
  put_each(from.managers, to->mutable_managers());
}
void get(const pb::JoinReply& from, wire::JoinReply& to, Reading& reading) {
  to.request = from.request();
  SWARM_GET_OPT(from, to.error, error, reading);
  SWARM_GET_OPT(from, to.leader, leader, reading);
  to.cluster = reading.id<ClusterId>(from.cluster(), "cluster id");
  to.node = reading.id<NodeId>(from.node(), "node id");
  to.role = reading.enumerated(from.role(), model::NodeRole::manager, "role");
  to.root_cert_pem = from.root_cert_pem();
  get_each(from.managers(), to.managers, reading);
}

void put(const wire::RaftJoinRequest& from, pb::RaftJoinRequest* to) {
  to->set_request(from.request);
  to->set_node(bytes_of(from.node));
  put(from.address, to->mutable_address());
}
void get(const pb::RaftJoinRequest& from, wire::RaftJoinRequest& to, Reading& reading) {
  to.request = from.request();
  to.node = reading.id<NodeId>(from.node(), "node id");
  get(from.address(), to.address, reading);
}

void put(const wire::RaftJoinReply& from, pb::RaftJoinReply* to) {
  to->set_request(from.request);
  SWARM_PUT_OPT(from.error, to, error);
  SWARM_PUT_OPT(from.leader, to, leader);
  to->set_raft_id(from.raft_id);
  put_each(from.members, to->mutable_members());
}
void get(const pb::RaftJoinReply& from, wire::RaftJoinReply& to, Reading& reading) {
  to.request = from.request();
  SWARM_GET_OPT(from, to.error, error, reading);
  SWARM_GET_OPT(from, to.leader, leader, reading);
  to.raft_id = from.raft_id();
  get_each(from.members(), to.members, reading);
}

void put(const wire::LeaveRequest& from, pb::LeaveRequest* to) {
  to->set_request(from.request);
  to->set_node(bytes_of(from.node));
}
void get(const pb::LeaveRequest& from, wire::LeaveRequest& to, Reading& reading) {
  to.request = from.request();
  to.node = reading.id<NodeId>(from.node(), "node id");
}

void put(const wire::LeaveReply& from, pb::LeaveReply* to) {
  to->set_request(from.request);
  SWARM_PUT_OPT(from.error, to, error);
  SWARM_PUT_OPT(from.leader, to, leader);
}
void get(const pb::LeaveReply& from, wire::LeaveReply& to, Reading& reading) {
  to.request = from.request();
  SWARM_GET_OPT(from, to.error, error, reading);
  SWARM_GET_OPT(from, to.leader, leader, reading);
}

// ---- dispatcher and agent
// ---------------------------------------------------------------------------------------

void put(const wire::Register& from, pb::Register* to) {
  to->set_node(bytes_of(from.node));
  put(from.description, to->mutable_description());
}
void get(const pb::Register& from, wire::Register& to, Reading& reading) {
  to.node = reading.id<NodeId>(from.node(), "node id");
  get(from.description(), to.description, reading);
}

void put(const wire::Session& from, pb::Session* to) {
  to->set_session(from.session);
  to->set_heartbeat_period(from.heartbeat_period.ns);
  to->set_role(static_cast<std::uint32_t>(from.role));
  put_each(from.managers, to->mutable_managers());
  to->set_version(from.version);
  to->set_ready(from.ready);
}
void get(const pb::Session& from, wire::Session& to, Reading& reading) {
  to.session = from.session();
  to.heartbeat_period = Duration{from.heartbeat_period()};
  to.role = reading.enumerated(from.role(), model::NodeRole::manager, "role");
  get_each(from.managers(), to.managers, reading);
  to.version = from.version();
  to.ready = from.ready();
}

void put(const wire::SessionRefused& from, pb::SessionRefused* to) {
  to->set_session(from.session);
  to->set_reason(from.reason);
  SWARM_PUT_OPT(from.leader, to, leader);
  to->set_removed(from.removed);
}
void get(const pb::SessionRefused& from, wire::SessionRefused& to, Reading& reading) {
  to.session = from.session();
  to.reason = from.reason();
  SWARM_GET_OPT(from, to.leader, leader, reading);
  to.removed = from.removed();
}

void put(const wire::Heartbeat& from, pb::Heartbeat* to) { to->set_session(from.session); }
void get(const pb::Heartbeat& from, wire::Heartbeat& to, Reading&) { to.session = from.session(); }

void put(const wire::HeartbeatReply& from, pb::HeartbeatReply* to) {
  to->set_session(from.session);
  to->set_period(from.period.ns);
}
void get(const pb::HeartbeatReply& from, wire::HeartbeatReply& to, Reading&) {
  to.session = from.session();
  to.period = Duration{from.period()};
}

using TemplateKey = std::pair<ServiceId, std::uint64_t>;

void put(const wire::Assignments& from, pb::Assignments* to) {
  to->set_session(from.session);
  to->set_complete(from.complete);
  to->set_applies_to(from.applies_to);
  to->set_results_in(from.results_in);
  to->set_store_version(from.store_version);
  std::map<TemplateKey, const model::TaskTemplate*> templates;
  for (const auto& [task] : from.tasks) {
    if (task.templ) templates.try_emplace({task.service_id, task.spec_version}, task.templ.get());
    put(task, to->add_tasks());
  }
  for (const auto& [key, templ] : templates)
    put(model::TaskTemplateRecord{key.first, key.second, *templ}, to->add_templates());
  put_ids(from.removed, to->mutable_removed());
}
void get(const pb::Assignments& from, wire::Assignments& to, Reading& reading) {
  to.session = from.session();
  to.complete = from.complete();
  to.applies_to = from.applies_to();
  to.results_in = from.results_in();
  to.store_version = from.store_version();
  std::map<TemplateKey, std::shared_ptr<const model::TaskTemplate>> templates;
  for (const auto& one : from.templates()) {
    model::TaskTemplateRecord keyed;
    get(one, keyed, reading);
    templates[{keyed.service_id, keyed.spec_version}] =
        std::make_shared<model::TaskTemplate>(std::move(keyed.templ));
  }
  for (const auto& one : from.tasks()) {
    model::Task& task = to.tasks.emplace_back().task;
    get(one, task, reading);
    const auto it = templates.find({task.service_id, task.spec_version});
    if (it == templates.end()) return reading.fail("task " + task.id.str() + " came without its template");
    task.templ = it->second;
  }
  get_ids(from.removed(), to.removed, reading);
}

void put(const wire::AssignmentsAck& from, pb::AssignmentsAck* to) {
  to->set_session(from.session);
  to->set_applied(from.applied);
  to->set_want_complete(from.want_complete);
}
void get(const pb::AssignmentsAck& from, wire::AssignmentsAck& to, Reading&) {
  to = {from.session(), from.applied(), from.want_complete()};
}

void put(const wire::TaskReport& from, pb::TaskReport* to) {
  to->set_session(from.session);
  to->set_sequence(from.sequence);
  for (const auto& [task, status] : from.statuses) {
    auto* item = to->add_statuses();
    item->set_task(bytes_of(task));
    put(status, item->mutable_status());
  }
}
void get(const pb::TaskReport& from, wire::TaskReport& to, Reading& reading) {
  to.session = from.session();
  to.sequence = from.sequence();
  for (const auto& item : from.statuses()) {
    auto& [task, status] = to.statuses.emplace_back();
    task = reading.id<TaskId>(item.task(), "task id");
    get(item.status(), status, reading);
  }
}

void put(const wire::TaskReportAck& from, pb::TaskReportAck* to) {
  to->set_session(from.session);
  to->set_sequence(from.sequence);
}
void get(const pb::TaskReportAck& from, wire::TaskReportAck& to, Reading&) {
  to = {from.session(), from.sequence()};
}

// ---- the mesh

void put(const wire::MeshService& from, pb::MeshService* to) {
  to->set_service(bytes_of(from.service));
  put_each(from.ports, to->mutable_ports());
}
void get(const pb::MeshService& from, wire::MeshService& to, Reading& reading) {
  to.service = reading.id<ServiceId>(from.service(), "service id");
  get_each(from.ports(), to.ports, reading);
}

void put(const wire::MeshUpdate& from, pb::MeshUpdate* to) {
  to->set_session(from.session);
  to->set_complete(from.complete);
  to->set_applies_to(from.applies_to);
  to->set_results_in(from.results_in);
  put_each(from.services, to->mutable_services());
  put_each(from.backends, to->mutable_backends());
  put_ids(from.removed_services, to->mutable_removed_services());
  put_ids(from.removed_tasks, to->mutable_removed_tasks());
}
void get(const pb::MeshUpdate& from, wire::MeshUpdate& to, Reading& reading) {
  to.session = from.session();
  to.complete = from.complete();
  to.applies_to = from.applies_to();
  to.results_in = from.results_in();
  get_each(from.services(), to.services, reading);
  get_each(from.backends(), to.backends, reading);
  get_ids(from.removed_services(), to.removed_services, reading);
  get_ids(from.removed_tasks(), to.removed_tasks, reading);
}

void put(const wire::MeshAck& from, pb::MeshAck* to) {
  to->set_session(from.session);
  to->set_applied(from.applied);
  to->set_want_complete(from.want_complete);
  put_strings(from.problems, to->mutable_problems());
}
void get(const pb::MeshAck& from, wire::MeshAck& to, Reading&) {
  to = {from.session(), from.applied(), from.want_complete(), get_strings(from.problems())};
}

// ---- logs
// -------------------------------------------------------------------------------------------------------

void put(const wire::LogOptions& from, pb::LogOptions* to) {
  to->set_out(from.out);
  to->set_err(from.err);
  to->set_follow(from.follow);
  to->set_tail(from.tail);
  to->set_since(from.since.ns);
  to->set_until(from.until.ns);
}
void get(const pb::LogOptions& from, wire::LogOptions& to, Reading&) {
  to = {from.out(), from.err(), from.follow(), from.tail(), WallTime{from.since()}, WallTime{from.until()}};
}

void put(const wire::LogLine& from, pb::LogLine* to) {
  to->set_task(bytes_of(from.task));
  to->set_err(from.err);
  to->set_time(from.time.ns);
  to->set_text(from.text);
}
void get(const pb::LogLine& from, wire::LogLine& to, Reading& reading) {
  to.task = reading.id<TaskId>(from.task(), "task id");
  to.err = from.err();
  to.time = WallTime{from.time()};
  to.text = from.text();
}

void put(const wire::LogSubscribe& from, pb::LogSubscribe* to) {
  to->set_stream(from.stream);
  put_ids(from.tasks, to->mutable_tasks());
  put(from.options, to->mutable_options());
}
void get(const pb::LogSubscribe& from, wire::LogSubscribe& to, Reading& reading) {
  to.stream = from.stream();
  get_ids(from.tasks(), to.tasks, reading);
  get(from.options(), to.options, reading);
}

void put(const wire::LogUnsubscribe& from, pb::LogUnsubscribe* to) { to->set_stream(from.stream); }
void get(const pb::LogUnsubscribe& from, wire::LogUnsubscribe& to, Reading&) { to.stream = from.stream(); }

void put(const wire::MissingLog& from, pb::MissingLog* to) {
  to->set_task(bytes_of(from.task));
  to->set_reason(from.reason);
}
void get(const pb::MissingLog& from, wire::MissingLog& to, Reading& reading) {
  to.task = reading.id<TaskId>(from.task(), "task id");
  to.reason = from.reason();
}

void put(const wire::LogChunk& from, pb::LogChunk* to) {
  to->set_stream(from.stream);
  for (const auto& line : from.lines) put(line, to->add_lines());
  put_ids(from.finished, to->mutable_finished());
  for (const auto& missing : from.missing) put(missing, to->add_missing());
  to->set_number(from.number);
}
void get(const pb::LogChunk& from, wire::LogChunk& to, Reading& reading) {
  to.stream = from.stream();
  for (const auto& line : from.lines()) get(line, to.lines.emplace_back(), reading);
  get_ids(from.finished(), to.finished, reading);
  for (const auto& missing : from.missing()) get(missing, to.missing.emplace_back(), reading);
  to.number = from.number();
}

// ---- requests passed on, and snapshots in pieces
// ----------------------------------------------------------------

void put(const wire::ApiForward& from, pb::ApiForward* to) {
  to->set_id(from.id);
  to->set_method(from.method);
  to->set_target(from.target);
  put_headers(from.headers, to->mutable_headers());
  to->set_body(from.body);
}
void get(const pb::ApiForward& from, wire::ApiForward& to, Reading&) {
  to.id = from.id();
  to.method = from.method();
  to.target = from.target();
  get_headers(from.headers(), to.headers);
  to.body = from.body();
}

void put(const wire::ApiReplyHead& from, pb::ApiReplyHead* to) {
  to->set_id(from.id);
  to->set_status(from.status);
  put_headers(from.headers, to->mutable_headers());
  to->set_streaming(from.streaming);
}
void get(const pb::ApiReplyHead& from, wire::ApiReplyHead& to, Reading&) {
  to.id = from.id();
  to.status = from.status();
  get_headers(from.headers(), to.headers);
  to.streaming = from.streaming();
}

void put(const wire::ApiReplyBody& from, pb::ApiReplyBody* to) {
  to->set_id(from.id);
  to->set_bytes(from.bytes);
  to->set_end(from.end);
  to->set_number(from.number);
  to->set_cut(from.cut);
}
void get(const pb::ApiReplyBody& from, wire::ApiReplyBody& to, Reading&) {
  to = {from.id(), from.bytes(), from.end(), from.number(), from.cut()};
}

void put(const wire::ApiCancel& from, pb::ApiCancel* to) { to->set_id(from.id); }
void get(const pb::ApiCancel& from, wire::ApiCancel& to, Reading&) { to.id = from.id(); }

void put(const wire::SnapshotChunk& from, pb::SnapshotChunk* to) {
  to->set_snapshot_index(from.snapshot_index);
  to->set_number(from.number);
  to->set_last(from.last);
  to->set_message(from.message);
  to->set_data(from.data);
}
void get(const pb::SnapshotChunk& from, wire::SnapshotChunk& to, Reading&) {
  to = {from.snapshot_index(), from.number(), from.last(), from.message(), from.data()};
}

// ---- the envelope
// -----------------------------------------------------------------------------------------------

struct Envelope {
  pb::Message& to;
#define SWARM_ENVELOPE(Type, field) \
  void operator()(const wire::Type& from) const { put(from, to.mutable_##field()); }
  SWARM_ENVELOPE(JoinRequest, join_request)
  SWARM_ENVELOPE(JoinReply, join_reply)
  SWARM_ENVELOPE(RaftJoinRequest, raft_join_request)
  SWARM_ENVELOPE(RaftJoinReply, raft_join_reply)
  SWARM_ENVELOPE(LeaveRequest, leave_request)
  SWARM_ENVELOPE(LeaveReply, leave_reply)
  SWARM_ENVELOPE(Register, register_)
  SWARM_ENVELOPE(Session, session)
  SWARM_ENVELOPE(SessionRefused, session_refused)
  SWARM_ENVELOPE(Heartbeat, heartbeat)
  SWARM_ENVELOPE(HeartbeatReply, heartbeat_reply)
  SWARM_ENVELOPE(Assignments, assignments)
  SWARM_ENVELOPE(AssignmentsAck, assignments_ack)
  SWARM_ENVELOPE(TaskReport, task_report)
  SWARM_ENVELOPE(TaskReportAck, task_report_ack)
  SWARM_ENVELOPE(MeshUpdate, mesh_update)
  SWARM_ENVELOPE(MeshAck, mesh_ack)
  SWARM_ENVELOPE(LogSubscribe, log_subscribe)
  SWARM_ENVELOPE(LogUnsubscribe, log_unsubscribe)
  SWARM_ENVELOPE(LogChunk, log_chunk)
  SWARM_ENVELOPE(ApiForward, api_forward)
  SWARM_ENVELOPE(ApiReplyHead, api_reply_head)
  SWARM_ENVELOPE(ApiReplyBody, api_reply_body)
  SWARM_ENVELOPE(ApiCancel, api_cancel)
  SWARM_ENVELOPE(SnapshotChunk, snapshot_chunk)
#undef SWARM_ENVELOPE
};

template <class T, class Message>
void open(const Message& from, wire::Message& to, Reading& reading) {
  get(from, to.emplace<T>(), reading);
}

void get(const pb::Message& from, wire::Message& to, Reading& reading) {
  using M = pb::Message;
  switch (from.message_case()) {
    case M::kJoinRequest:
      return open<wire::JoinRequest>(from.join_request(), to, reading);
    case M::kJoinReply:
      return open<wire::JoinReply>(from.join_reply(), to, reading);
    case M::kRaftJoinRequest:
      return open<wire::RaftJoinRequest>(from.raft_join_request(), to, reading);
    case M::kRaftJoinReply:
      return open<wire::RaftJoinReply>(from.raft_join_reply(), to, reading);
    case M::kLeaveRequest:
      return open<wire::LeaveRequest>(from.leave_request(), to, reading);
    case M::kLeaveReply:
      return open<wire::LeaveReply>(from.leave_reply(), to, reading);
    case M::kRegister:
      return open<wire::Register>(from.register_(), to, reading);
    case M::kSession:
      return open<wire::Session>(from.session(), to, reading);
    case M::kSessionRefused:
      return open<wire::SessionRefused>(from.session_refused(), to, reading);
    case M::kHeartbeat:
      return open<wire::Heartbeat>(from.heartbeat(), to, reading);
    case M::kHeartbeatReply:
      return open<wire::HeartbeatReply>(from.heartbeat_reply(), to, reading);
    case M::kAssignments:
      return open<wire::Assignments>(from.assignments(), to, reading);
    case M::kAssignmentsAck:
      return open<wire::AssignmentsAck>(from.assignments_ack(), to, reading);
    case M::kTaskReport:
      return open<wire::TaskReport>(from.task_report(), to, reading);
    case M::kTaskReportAck:
      return open<wire::TaskReportAck>(from.task_report_ack(), to, reading);
    case M::kMeshUpdate:
      return open<wire::MeshUpdate>(from.mesh_update(), to, reading);
    case M::kMeshAck:
      return open<wire::MeshAck>(from.mesh_ack(), to, reading);
    case M::kLogSubscribe:
      return open<wire::LogSubscribe>(from.log_subscribe(), to, reading);
    case M::kLogUnsubscribe:
      return open<wire::LogUnsubscribe>(from.log_unsubscribe(), to, reading);
    case M::kLogChunk:
      return open<wire::LogChunk>(from.log_chunk(), to, reading);
    case M::kApiForward:
      return open<wire::ApiForward>(from.api_forward(), to, reading);
    case M::kApiReplyHead:
      return open<wire::ApiReplyHead>(from.api_reply_head(), to, reading);
    case M::kApiReplyBody:
      return open<wire::ApiReplyBody>(from.api_reply_body(), to, reading);
    case M::kApiCancel:
      return open<wire::ApiCancel>(from.api_cancel(), to, reading);
    case M::kSnapshotChunk:
      return open<wire::SnapshotChunk>(from.snapshot_chunk(), to, reading);
    case M::MESSAGE_NOT_SET:
      return reading.fail("a message of an unknown kind");
  }
}

template <class Message, class T>
std::string encode_as(const T& value) {
  Message message;
  put(value, &message);
  return serialized(message);
}

template <class Message, class T>
Result<T> read_as(std::string_view bytes, const char* kind) {
  return decode_as<Message, T>(
      bytes, kind, [](const Message& message, T& value, Reading& reading) { get(message, value, reading); });
}

}  // namespace

std::string encode(const wire::Message& message) {
  pb::Message out;
  std::visit(Envelope{out}, message);
  return serialized(out);
}
Result<wire::Message> decode_wire_message(std::string_view bytes) {
  return read_as<pb::Message, wire::Message>(bytes, "message");
}
std::string encode(const wire::Hello& hello) { return encode_as<pb::Hello>(hello); }
Result<wire::Hello> decode_hello(std::string_view bytes) {
  return read_as<pb::Hello, wire::Hello>(bytes, "hello");
}
std::string encode(const wire::ManagerPeer& peer) { return encode_as<pb::ManagerPeer>(peer); }
Result<wire::ManagerPeer> decode_manager_peer(std::string_view bytes) {
  return read_as<pb::ManagerPeer, wire::ManagerPeer>(bytes, "manager's address");
}

}  // namespace swarm::codec
