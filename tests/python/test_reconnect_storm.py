"""A thousand workers that come back at the same moment cost handshakes, and no election."""

from __future__ import annotations

import contextlib
import selectors
import socket
import ssl
import threading
from pathlib import Path

import pytest

import swarmpy as sp
from local import own_home
from test_forged_frames_real import tls

pytestmark = pytest.mark.real

WORKERS = 1_000


class Storm:
    """Links to one manager with a worker's key: all are dialled before the first handshake is waited for."""

    def __init__(self, address: str, key: Path) -> None:
        host, _, port = address.rpartition(":")
        self._to = (host, int(port))
        self._tls = tls(key)
        self._selector = selectors.DefaultSelector()
        self.links: list[ssl.SSLSocket] = []
        self.greeted = 0

    def come(self) -> None:
        for _ in range(WORKERS):
            self._dial()
        while self._selector.get_map():
            for key, _ in self._selector.select():
                self._go_on(key.fileobj)

    def close(self) -> None:
        for link in self.links:
            link.close()

    def _dial(self) -> None:
        plain = socket.create_connection(self._to, timeout=30)
        plain.setblocking(False)
        link = self._tls.wrap_socket(plain, do_handshake_on_connect=False)
        self.links.append(link)
        self._selector.register(link, selectors.EVENT_READ)
        self._go_on(link)

    def _go_on(self, link: object) -> None:
        assert isinstance(link, ssl.SSLSocket)
        with contextlib.suppress(ssl.SSLWantReadError):
            link.do_handshake()
            self._selector.unregister(link)
            self.greeted += 1


def test_a_thousand_workers_that_come_back_at_once_cost_no_election() -> None:
    with own_home() as home, sp.Swarm(managers=3, workers=1, mode="real", name="storm") as c:
        leader = c.nodes[c.wait_leader().name]
        term = leader.swarm._ask("GET", "/swarmpy/v1/raft")["Term"]
        key = home / "storm" / "w1" / "swarm" / "certificates"
        with contextlib.closing(Storm(leader.addr, key)) as storm:
            coming = threading.Thread(target=storm.come)
            coming.start()
            writes = 0
            while coming.is_alive():  # an administrator goes on meanwhile
                c.services.create("nginx", name=f"s{writes}", replicas=0)
                writes += 1
            coming.join()
            assert storm.greeted == WORKERS
        assert writes > 0
        assert len(c.services) == writes
        assert c.wait_leader().name == leader.name
        assert leader.swarm._ask("GET", "/swarmpy/v1/raft")["Term"] == term, "no election"
