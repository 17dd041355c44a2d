"""A program on this machine writes real frames to the leader's port 2377, with a node's key or without one: a
node proves its name, and speaks for itself only.
"""

from __future__ import annotations

import socket
import ssl
import struct
from pathlib import Path

import pytest

import swarmpy as sp
from local import own_home

pytestmark = pytest.mark.real

HELLO, WIRE = 0, 2  # kinds of frames (cpp/real/frame.hpp)
# Numbers of messages in the envelope (cpp/proto/wire.proto).
LEAVE_REQUEST, LEAVE_REPLY, REGISTER, API_FORWARD, ROOT_REQUEST, ROOT_REPLY = 5, 6, 7, 19, 28, 29
PROTOCOL = 2


def varint(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def first_number(encoded: bytes) -> int:
    """The varint that the bytes begin with."""
    value = 0
    for place, byte in enumerate(encoded):
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            break
    return value


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


def tls(folder: Path | None) -> ssl.SSLContext:
    """With the certificate and the key of the node whose data root this is; None: with none."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if folder is not None:
        context.load_cert_chain(folder / "swarm-node.crt", folder / "swarm-node.key")
    return context


class Forger:
    """A link of its own to a manager."""

    def __init__(self, address: str, folder: Path | None, raft_id: int = 0) -> None:
        host, _, port = address.rpartition(":")
        plain = socket.create_connection((host, int(port)), timeout=10)
        self._socket = tls(folder).wrap_socket(plain)
        self._socket.sendall(frame(HELLO, message({1: PROTOCOL, 5: raft_id})))
        self.greeted = self._read()[0] == HELLO

    def __enter__(self) -> Forger:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def say(self, number: int, fields: dict[int, int | bytes]) -> None:
        self._socket.sendall(frame(WIRE, message({number: message(fields)})))

    def answer(self) -> int | None:
        """The number of the message that comes back; None: the link is closed."""
        kind, payload = self._read()
        return first_number(payload) >> 3 if kind == WIRE else None

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
            except (ConnectionResetError, ssl.SSLError):
                more = b""
            if not more:
                return got
            got += more
        return got


def test_a_frame_for_another_node_does_nothing() -> None:
    with own_home() as home, sp.Swarm(managers=3, workers=1, mode="real", name="forged") as c:
        leader = c.nodes[c.wait_leader().name]
        victim = next(node for node in c.nodes if node.role == "manager" and node.name != leader.name)
        members = leader.swarm._ask("GET", "/swarmpy/v1/raft")["Members"]
        victim_raft = next(int(raft_id) for raft_id, one in members.items() if one["Name"] == victim.name)
        as_worker = home / "forged" / "w1" / "swarm" / "certificates"

        for number, fields in (
            (LEAVE_REQUEST, {1: 77, 2: raw(victim.id)}),
            (REGISTER, {1: raw(victim.id)}),
            (API_FORWARD, {1: 1, 2: b"POST", 3: f"/nodes/{victim.id}/update".encode()}),
        ):
            with Forger(leader.addr, as_worker) as forger:
                forger.say(number, fields)
                assert forger.answer() is None, "who breaks a rule loses its link"
        for raft_id in (0, 4711, victim_raft):
            with Forger(leader.addr, None, raft_id) as forger:
                forger.say(ROOT_REQUEST, {1: 78})
                assert forger.answer() == ROOT_REPLY, "a stranger may ask for the root"
                forger.say(API_FORWARD, {1: 1, 2: b"GET", 3: b"/nodes"})
                assert forger.answer() is None, "and to join, no more, whatever it claims to be"
        for raft_id in (4711, victim_raft):
            with Forger(leader.addr, as_worker, raft_id) as forger:
                forger.say(API_FORWARD, {1: 1, 2: b"GET", 3: b"/nodes"})
                assert forger.answer() is None, "its certificate says that it is a worker"

        denied = c.metrics["links_frames_denied_total"].by("reason")
        assert denied["subject"] == 2 and denied["role"] == 3 and denied["stranger"] == 3
        assert victim.role == "manager" and victim.reachability == "reachable" and victim.state == "ready"
        assert len(leader.raft.members) == 3 and c.nodes.leader.name == leader.name


def test_who_speaks_no_tls_or_shows_another_swarms_certificate_gets_no_word() -> None:
    with (
        own_home() as home,
        sp.Swarm(managers=1, mode="real", name="one") as one,
        sp.Swarm(managers=1, mode="real", name="other"),
    ):
        address = one.nodes["m1"].addr
        host, _, port = address.rpartition(":")
        with socket.create_connection((host, int(port)), timeout=10) as plain:
            plain.sendall(frame(HELLO, message({1: PROTOCOL})))
            assert plain.recv(1)[:1] in (b"", b"\x15"), "nothing, or a TLS alert"
        with Forger(address, home / "other" / "m1" / "swarm" / "certificates") as foreign:
            assert not foreign.greeted
        with Forger(address, home / "one" / "m1" / "swarm" / "certificates") as own:
            assert own.greeted, "else the other proves nothing"


def test_a_nodes_key_is_its_owners_alone() -> None:
    with own_home() as home, sp.Swarm(managers=1, mode="real", name="lab"):
        folder = home / "lab" / "m1" / "swarm" / "certificates"
        assert folder.stat().st_mode & 0o777 == 0o700
        names = {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}
        assert names == {"swarm-node.crt": 0o600, "swarm-node.key": 0o600, "swarm-root-ca.crt": 0o600}
