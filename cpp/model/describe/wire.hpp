// The fields of what nodes say to one another (model/wire.hpp).
#pragma once

#include "model/describe/node.hpp"
#include "model/describe/task.hpp"
#include "model/wire.hpp"
#include "model/words.hpp"

namespace swarm::model {

template <>
struct Words<Code> {
  static constexpr const char* kName = "error code";
  static constexpr auto kLast = Code::unauthenticated;
};

SWARM_FIELDS(Error, code, message, hint, from_store, http_status)
SWARM_FIELDS(MeshBackend, task, service, node, data)
SWARM_FIELDS(wire::Hello, protocol_version, cluster, node, role, raft_id)
SWARM_FIELDS(wire::ManagerPeer, node, raft_id, address)
SWARM_FIELDS(wire::JoinRequest, request, token, description, availability, addr)
SWARM_FIELDS(wire::JoinReply, request, error, leader, cluster, node, role, root_cert_pem, managers)
SWARM_FIELDS(wire::RaftJoinRequest, request, node, address)
SWARM_FIELDS(wire::RaftJoinReply, request, error, leader, raft_id, members)
SWARM_FIELDS(wire::LeaveRequest, request, node)
SWARM_FIELDS(wire::LeaveReply, request, error, leader)
SWARM_FIELDS(wire::Register, node, description)
SWARM_FIELDS(wire::Session, session, heartbeat_period, role, managers, version, ready)
SWARM_FIELDS(wire::SessionRefused, session, reason, leader, removed)
SWARM_FIELDS(wire::Heartbeat, session)
SWARM_FIELDS(wire::HeartbeatReply, session, period)

// `tasks`: each template travels once (codec/wire.cpp).
SWARM_DESCRIBE(wire::Assignments) {
  SWARM_ROW(session);
  SWARM_ROW(complete);
  SWARM_ROW(applies_to);
  SWARM_ROW(results_in);
  SWARM_ROW(store_version);
  SWARM_ROW(removed);
  SWARM_ROW_SPREAD(tasks);
}

SWARM_FIELDS(wire::AssignmentsAck, session, applied, want_complete)
SWARM_FIELDS(wire::TaskReport, session, sequence, statuses)
SWARM_FIELDS(wire::TaskReportAck, session, sequence)
SWARM_FIELDS(wire::MeshService, service, ports)
SWARM_FIELDS(wire::MeshUpdate, session, complete, applies_to, results_in, services, backends,
             removed_services, removed_tasks)
SWARM_FIELDS(wire::MeshAck, session, applied, want_complete, problems)
SWARM_FIELDS(wire::LogOptions, out, err, follow, tail, since, until)
SWARM_FIELDS(wire::LogLine, task, err, time, text)
SWARM_FIELDS(wire::LogSubscribe, stream, tasks, options)
SWARM_FIELDS(wire::LogUnsubscribe, stream)
SWARM_FIELDS(wire::MissingLog, task, reason)
SWARM_FIELDS(wire::LogChunk, stream, lines, finished, missing, number)
SWARM_FIELDS(wire::ApiForward, id, method, target, headers, body)
SWARM_FIELDS(wire::ApiReplyHead, id, status, headers, streaming)
SWARM_FIELDS(wire::ApiReplyBody, id, bytes, end, number, cut)
SWARM_FIELDS(wire::ApiCancel, id)
SWARM_FIELDS(wire::SnapshotChunk, snapshot_index, number, last, message, data)

SWARM_CASE(wire::Message, wire::JoinRequest, join_request)
SWARM_CASE(wire::Message, wire::JoinReply, join_reply)
SWARM_CASE(wire::Message, wire::RaftJoinRequest, raft_join_request)
SWARM_CASE(wire::Message, wire::RaftJoinReply, raft_join_reply)
SWARM_CASE(wire::Message, wire::LeaveRequest, leave_request)
SWARM_CASE(wire::Message, wire::LeaveReply, leave_reply)
SWARM_CASE(wire::Message, wire::Register, register_)
SWARM_CASE(wire::Message, wire::Session, session)
SWARM_CASE(wire::Message, wire::SessionRefused, session_refused)
SWARM_CASE(wire::Message, wire::Heartbeat, heartbeat)
SWARM_CASE(wire::Message, wire::HeartbeatReply, heartbeat_reply)
SWARM_CASE(wire::Message, wire::Assignments, assignments)
SWARM_CASE(wire::Message, wire::AssignmentsAck, assignments_ack)
SWARM_CASE(wire::Message, wire::TaskReport, task_report)
SWARM_CASE(wire::Message, wire::TaskReportAck, task_report_ack)
SWARM_CASE(wire::Message, wire::MeshUpdate, mesh_update)
SWARM_CASE(wire::Message, wire::MeshAck, mesh_ack)
SWARM_CASE(wire::Message, wire::LogSubscribe, log_subscribe)
SWARM_CASE(wire::Message, wire::LogUnsubscribe, log_unsubscribe)
SWARM_CASE(wire::Message, wire::LogChunk, log_chunk)
SWARM_CASE(wire::Message, wire::ApiForward, api_forward)
SWARM_CASE(wire::Message, wire::ApiReplyHead, api_reply_head)
SWARM_CASE(wire::Message, wire::ApiReplyBody, api_reply_body)
SWARM_CASE(wire::Message, wire::ApiCancel, api_cancel)
SWARM_CASE(wire::Message, wire::SnapshotChunk, snapshot_chunk)

}  // namespace swarm::model
