"""A program that has a manager's key says to Raft what no manager can mean: no frame ends a member."""

from __future__ import annotations

import contextlib

import pytest

import swarmpy as sp
from local import own_home
from test_forged_frames_real import WIRE, Forger, frame, message

pytestmark = pytest.mark.real

RAFT = 1  # kind of frame (cpp/real/frame.hpp)
APP, SNAP, HEARTBEAT = 3, 7, 8  # types of message (cpp/raft/message.hpp)
TYPE, TO, FROM, TERM, LOG_TERM, INDEX, ENTRIES, COMMIT, SNAPSHOT = 1, 2, 3, 4, 5, 6, 7, 8, 10
SNAPSHOT_CHUNK = 23
FAR = 1_000_000_000


def said(link: Forger, kind: int, payload: bytes) -> None:
    """Says one frame, and waits until the link is closed."""
    link._socket.sendall(frame(kind, payload))
    while link._read()[0] != -1:
        continue


def test_no_frame_ends_a_manager() -> None:
    with own_home() as home, sp.Swarm(managers=3, workers=1, mode="real", name="forged") as c:
        leader = c.nodes[c.wait_leader().name]
        raft = leader.swarm._ask("GET", "/swarmpy/v1/raft")
        members = {one["Name"]: int(raft_id) for raft_id, one in raft["Members"].items()}
        managers = [node for node in c.nodes if node.role == "manager"]

        for to in managers:
            one = next(node for node in managers if node.name != to.name)
            for kind, payload in frames(raft["Term"] + 1_000, members[to.name], members[one.name]):
                key = home / "forged" / one.name / "swarm" / "certificates"
                with contextlib.suppress(OSError), Forger(to.addr, key, members[one.name]) as link:
                    said(link, kind, payload)

        for to in managers:  # what Raft itself bears: an entry far from its log, a term far beyond its own
            one = next(node for node in managers if node.name != to.name)
            key = home / "forged" / one.name / "swarm" / "certificates"
            for kind, payload in borne(raft["Term"] + 1_000, members[to.name], members[one.name]):
                with contextlib.suppress(OSError), Forger(to.addr, key, members[one.name]) as link:
                    link._socket.sendall(frame(kind, payload))

        denied = c.metrics["links_frames_denied_total"].by("reason")
        assert denied["rule"] >= 3 * 4, "each manager refused them, and lives to count"
        c.services.create("nginx", name="web", replicas=1).wait()
        for node in managers:
            node.restart()
        c.wait_leader()
        c.services.create("nginx", name="after", replicas=1).wait()
        assert {service.name for service in c.services} >= {"web", "after"}


def frames(term: int, to: int, from_: int) -> list[tuple[int, bytes]]:
    ends = {TO: to, FROM: from_}
    group = message({1: from_, 2: to})
    snapshot = message({1: FAR, 2: term, 3: group, 4: b"garbage"})
    head = message({TYPE: SNAP, **ends, TERM: term, SNAPSHOT: message({1: FAR, 2: term})})
    return [
        (RAFT, message({TYPE: HEARTBEAT, **ends, TERM: 2**64 - 1})),
        (RAFT, message({TYPE: HEARTBEAT, **ends, TERM: term, COMMIT: FAR})),
        (RAFT, message({TYPE: SNAP, **ends, TERM: term, SNAPSHOT: snapshot})),
        (RAFT, message({TYPE: APP, **ends, TERM: term, ENTRIES: message({1: term, 2: 9})})),
        (WIRE, message({SNAPSHOT_CHUNK: message({1: FAR, 4: head, 5: b"x" * 1_000_000})})),
    ]


def borne(term: int, to: int, from_: int) -> list[tuple[int, bytes]]:
    ends = {TO: to, FROM: from_}
    unreadable = message({1: term, 2: FAR + 1, 4: b"\x07garbage"})
    return [
        (RAFT, message({TYPE: APP, **ends, TERM: term, LOG_TERM: term, INDEX: FAR, ENTRIES: unreadable})),
        (RAFT, message({TYPE: HEARTBEAT, **ends, TERM: 2**63 - 1})),
    ]
