"""A program on this machine writes real frames to the leader's port 2377: a node speaks for itself only."""

from __future__ import annotations

import socket
import struct
from typing import NamedTuple

import pytest

import swarmpy as sp

pytestmark = pytest.mark.real

HELLO, WIRE = 0, 2  # kinds of frames (cpp/real/frame.hpp)
# Numbers of messages in the envelope (cpp/proto/wire.proto).
LEAVE_REQUEST, LEAVE_REPLY, REGISTER, API_FORWARD = 5, 6, 7, 19
WORKER, MANAGER = 0, 1


def varint(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def message(fields: dict[int, int | bytes]) -> bytes:
    """A message of protobuf: numbers as varints, the rest as bytes with their length."""
    out = b""
    for number, value in fields.items():
        if isinstance(value, int):
            out += varint(number << 3) + varint(value)
        else:
            out += varint(number << 3 | 2) + varint(len(value)) + value
    return out


def frame(kind: int, payload: bytes) -> bytes:
    return struct.pack(">IB", len(payload) + 1, kind) + payload


def raw(identity: str) -> bytes:
    return int(identity, 36).to_bytes(16, "big")


class Hello(NamedTuple):
    cluster: str = ""
    node: str = ""
    role: int = WORKER
    raft_id: int = 0

    def encode(self) -> bytes:
        ids = {2: raw(self.cluster), 3: raw(self.node)} if self.cluster else {}
        return frame(HELLO, message({1: 1, **ids, 4: self.role, 5: self.raft_id}))


class Forger:
    """A link of its own to a manager."""

    def __init__(self, address: str, hello: Hello) -> None:
        host, _, port = address.rpartition(":")
        self._socket = socket.create_connection((host, int(port)), timeout=10)
        self._socket.sendall(hello.encode())
        assert self._read()[0] == HELLO

    def __enter__(self) -> Forger:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def say(self, number: int, fields: dict[int, int | bytes]) -> None:
        self._socket.sendall(frame(WIRE, message({number: message(fields)})))

    def answer(self) -> int | None:
        """The number of the message that comes back; None: the link is closed."""
        kind, payload = self._read()
        return payload[0] >> 3 if kind == WIRE else None

    def _read(self) -> tuple[int, bytes]:
        head = self._exactly(5)
        if len(head) < 5:
            return -1, b""
        length, kind = struct.unpack(">IB", head)
        return kind, self._exactly(length - 1)

    def _exactly(self, count: int) -> bytes:
        got = b""
        while len(got) < count:
            try:
                more = self._socket.recv(count - len(got))
            except ConnectionResetError:
                more = b""
            if not more:
                return got
            got += more
        return got


def test_a_frame_for_another_node_does_nothing() -> None:
    with sp.Swarm(managers=3, workers=1, mode="real") as c:
        leader = c.nodes[c.wait_leader().name]
        cluster = leader.swarm._ask("GET", "/swarm")["ID"]
        victim = next(node for node in c.nodes if node.role == "manager" and node.name != leader.name)
        worker = c.nodes["w1"]
        members = leader.swarm._ask("GET", "/swarmpy/v1/raft")["Members"]
        victim_raft = next(int(raft_id) for raft_id, one in members.items() if one["Name"] == victim.name)
        as_worker = Hello(cluster, worker.id)

        for number, fields in (
            (LEAVE_REQUEST, {1: 77, 2: raw(victim.id)}),
            (REGISTER, {1: raw(victim.id)}),
            (API_FORWARD, {1: 1, 2: b"POST", 3: f"/nodes/{victim.id}/update".encode()}),
        ):
            with Forger(leader.addr, as_worker) as forger:
                forger.say(number, fields)
                assert forger.answer() is None, "who breaks a rule loses its link"
        with Forger(leader.addr, Hello()) as forger:
            forger.say(LEAVE_REQUEST, {1: 77, 2: raw(victim.id)})
            assert forger.answer() is None, "a stranger may ask to join, no more"
        for raft_id in (4711, victim_raft):
            with Forger(leader.addr, Hello(cluster, worker.id, MANAGER, raft_id)) as forger:
                forger.say(API_FORWARD, {1: 1, 2: b"GET", 3: b"/nodes"})
                forger.say(LEAVE_REQUEST, {1: 77, 2: raw(worker.id)})
                assert forger.answer() == LEAVE_REPLY, "the forwarded request had no answer"

        denied = c.metrics["links_frames_denied_total"].by("reason")
        assert denied["subject"] == 2 and denied["role"] == 1 and denied["stranger"] == 1
        assert denied["unknown_manager"] == 2
        assert victim.role == "manager" and victim.reachability == "reachable" and victim.state == "ready"
        assert len(leader.raft.members) == 3 and c.nodes.leader.name == leader.name
