// The fields of the messages between nodes (model/wire.hpp).
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
template <>
struct Words<wire::FeedKind> {
  static constexpr const char* kName = "kind of item";
  static constexpr auto kLast = wire::FeedKind::overlay_task;
};
template <>
struct Words<wire::OverlayStage> {
  static constexpr const char* kName = "stage of a task on a network";
  static constexpr auto kLast = wire::OverlayStage::leaving;
};

SWARM_FIELDS(Error, code, message, hint, from_store, http_status)
SWARM_FIELDS(MeshBackend, task, service, node, data)
SWARM_FIELDS(wire::Hello, protocol_version, raft_id)
SWARM_FIELDS(wire::ManagerPeer, node, raft_id, address)
SWARM_FIELDS(wire::JoinRequest, request, token, description, availability, addr, certificate_request_pem)
SWARM_FIELDS(wire::JoinReply, request, error, leader, cluster, node, role, root_cert_pem, managers,
             certificate_pem)
SWARM_FIELDS(wire::RootRequest, request)
SWARM_FIELDS(wire::RootReply, request, root_cert_pem)
SWARM_FIELDS(wire::CertificateRequest, request, certificate_request_pem)
SWARM_FIELDS(wire::CertificateReply, request, error, leader, certificate_pem)
SWARM_FIELDS(wire::RaftJoinRequest, request, node, address)
SWARM_FIELDS(wire::RaftJoinReply, request, error, leader, raft_id, members)
SWARM_FIELDS(wire::LeaveRequest, request, node)
SWARM_FIELDS(wire::LeaveReply, request, error, leader)
SWARM_FIELDS(wire::Register, node, description, previous)
SWARM_FIELDS(wire::Session, session, heartbeat_period, role, managers, version, ready, root_cert_pem, issuer,
             renew_within)
SWARM_FIELDS(wire::SessionRefused, session, reason, leader, removed, remarkable)
SWARM_FIELDS(wire::Heartbeat, session)
SWARM_FIELDS(wire::HeartbeatReply, session, period)

SWARM_FIELDS(wire::MeshService, service, ports)
SWARM_FIELDS(wire::RemovedNode, node)
SWARM_FIELDS(wire::OverlayNetwork, network, name, vni, subnets, mtu, internal, encrypted)
SWARM_FIELDS(wire::OverlayVip, network, address, aliases)
SWARM_FIELDS(wire::OverlayService, service, name, vips)
SWARM_FIELDS(wire::OverlayPlace, network, address, index)
SWARM_FIELDS(wire::OverlayTask, task, node, data, service, name, aliases, stage, places)
SWARM_FIELDS(wire::FeedKey, kind, id)

// `items`: each template travels once (codec/wire.cpp).
SWARM_DESCRIBE(wire::FeedUpdate) {
  SWARM_ROW(session);
  SWARM_ROW(from);
  SWARM_ROW(to);
  SWARM_ROW(first);
  SWARM_ROW(last);
  SWARM_ROW(store_version);
  SWARM_ROW(removed);
  SWARM_ROW(term);
  SWARM_ROW_SPREAD(items);
}

SWARM_FIELDS(wire::FeedAck, session, applied, refused, problems)
SWARM_FIELDS(wire::TaskReport, session, sequence, statuses)
SWARM_FIELDS(wire::TaskReportAck, session, sequence)
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
SWARM_FIELDS(wire::SnapshotChunk, snapshot_index, number, last, message, data, checksum)
SWARM_FIELDS(wire::SnapshotAck, snapshot_index, received)

SWARM_CASE(wire::FeedItem, Task, task)
SWARM_CASE(wire::FeedItem, wire::MeshService, mesh_service)
SWARM_CASE(wire::FeedItem, MeshBackend, mesh_backend)
SWARM_CASE(wire::FeedItem, wire::RemovedNode, removed_node)
SWARM_CASE(wire::FeedItem, wire::OverlayNetwork, overlay_network)
SWARM_CASE(wire::FeedItem, wire::OverlayService, overlay_service)
SWARM_CASE(wire::FeedItem, wire::OverlayTask, overlay_task)

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
SWARM_CASE(wire::Message, wire::FeedUpdate, feed_update)
SWARM_CASE(wire::Message, wire::FeedAck, feed_ack)
SWARM_CASE(wire::Message, wire::TaskReport, task_report)
SWARM_CASE(wire::Message, wire::TaskReportAck, task_report_ack)
SWARM_CASE(wire::Message, wire::LogSubscribe, log_subscribe)
SWARM_CASE(wire::Message, wire::LogUnsubscribe, log_unsubscribe)
SWARM_CASE(wire::Message, wire::LogChunk, log_chunk)
SWARM_CASE(wire::Message, wire::ApiForward, api_forward)
SWARM_CASE(wire::Message, wire::ApiReplyHead, api_reply_head)
SWARM_CASE(wire::Message, wire::ApiReplyBody, api_reply_body)
SWARM_CASE(wire::Message, wire::ApiCancel, api_cancel)
SWARM_CASE(wire::Message, wire::SnapshotChunk, snapshot_chunk)
SWARM_CASE(wire::Message, wire::RootRequest, root_request)
SWARM_CASE(wire::Message, wire::RootReply, root_reply)
SWARM_CASE(wire::Message, wire::CertificateRequest, certificate_request)
SWARM_CASE(wire::Message, wire::CertificateReply, certificate_reply)
SWARM_CASE(wire::Message, wire::SnapshotAck, snapshot_ack)

}  // namespace swarm::model
