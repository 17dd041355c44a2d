"""Programs that send frame after frame to the leader's port 2377, with a worker's key and without any.

The swarm works on as if they were not there, and the log says who it was.
"""

from __future__ import annotations

import contextlib
import resource
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import swarmpy as sp
from local import eventually, own_home
from swarmpy._cluster import LocalCluster, LocalNode
from test_forged_frames_real import ROOT_REQUEST, WIRE, Forger, frame, message

pytestmark = pytest.mark.real

HEARTBEAT, CERTIFICATE_REQUEST = 10, 30  # numbers of messages (cpp/proto/wire.proto)
LINKS = 4  # at a time
WRITES = 20
MUCH_MEMORY = 64 << 20  # what a daemon may have grown by; without a bound it was a gigabyte in these seconds


class Flood:
    """Says the same frames on a few links, and never reads; opens the next link where one was closed."""

    def __init__(self, address: str, key: Path | None, frames: bytes) -> None:
        self._address, self._key, self._frames = address, key, frames * 200
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._flood) for _ in range(LINKS)]
        self.lost_links = 0

    def __enter__(self) -> Flood:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _flood(self) -> None:
        while not self._over.is_set():
            with contextlib.suppress(OSError), Forger(self._address, self._key) as link:
                link._socket.settimeout(1)  # not read any more: the kernel's buffers are full
                while not self._over.is_set():
                    link._socket.sendall(self._frames)
            self.lost_links += 1


def resident(node: LocalNode) -> int:
    return int(Path(f"/proc/{node.pid}/statm").read_text().split()[1]) * resource.getpagesize()


@pytest.fixture(scope="module")
def swarm() -> Iterator[tuple[Path, sp.Swarm]]:
    with own_home() as home, sp.Swarm(managers=3, workers=1, mode="real", name="flood") as c:
        yield home, c


@pytest.mark.parametrize(
    ("of_a_worker", "number", "fields", "sentence"),
    [
        (False, ROOT_REQUEST, {1: 7}, "RootRequest from 127.0.0.1:"),
        (True, HEARTBEAT, {1: 99}, "A frame of no session from 127.0.0.1:"),
        (True, CERTIFICATE_REQUEST, {1: 7, 2: b"no request"}, "CertificateRequest from 127.0.0.1:"),
    ],
    ids=["a stranger asks for the root", "a worker speaks of no session", "a worker asks for certificates"],
)
def test_a_flood_costs_no_election_no_write_and_no_memory(
    swarm: tuple[Path, sp.Swarm],
    of_a_worker: bool,
    number: int,
    fields: dict[int, int | bytes],
    sentence: str,
) -> None:
    home, c = swarm
    leader = c.nodes[c.wait_leader().name]
    daemon = LocalCluster.open("flood").node(leader.name)
    term = leader.swarm._ask("GET", "/swarmpy/v1/raft")["Term"]
    key = home / "flood" / "w1" / "swarm" / "certificates" if of_a_worker else None
    before, said_before, slowest, written = (
        resident(daemon),
        len(daemon.log.read_text()),
        0.0,
        len(c.services),
    )

    with Flood(leader.addr, key, frame(WIRE, message({number: message(fields)}))) as flood:
        for i in range(WRITES):
            began = time.monotonic()
            c.services.create("nginx", name=f"s{number}-{i}", replicas=0)
            slowest = max(slowest, time.monotonic() - began)
        grown = resident(daemon) - before
        # One line a second: the case before this one may have had this second's.
        eventually(daemon.door, lambda: sentence in daemon.log.read_text()[said_before:], "the log says it")

    said = daemon.log.read_text()[said_before:]
    assert flood.lost_links > 0
    assert "it asks more often than any honest node does; the link is closed" in said
    assert len(c.services) == written + WRITES
    assert slowest < 3, "a write waits for no flood"
    assert grown < MUCH_MEMORY, f"{grown >> 20} MB more"
    assert c.wait_leader().name == leader.name
    assert leader.swarm._ask("GET", "/swarmpy/v1/raft")["Term"] == term, "no election"
