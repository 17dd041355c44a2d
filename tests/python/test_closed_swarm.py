"""Every object of a swarm that is closed, or was forgotten, says so at once."""

from __future__ import annotations

import asyncio
import gc
import http.client
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import swarmpy as sp


class Objects:
    """Everything that a user may still hold."""

    def __init__(self, swarm: sp.Swarm) -> None:
        self.services, self.nodes, self.http = swarm.services, swarm.nodes, swarm.http
        self.web = swarm.services.create("nginx:1.10", name="web", replicas=2)
        assert self.web.wait()
        self.node = swarm.nodes["m1"]
        self.task = self.web.tasks.running[0]
        self.token = self.node.swarm.join_token()
        self.coming = swarm.events(timeout="5s")
        self.lines = self.web.logs(follow=True, timeout="5s")

    def asked(self) -> list[Callable[[], object]]:
        web, node = self.web, self.node
        ask: list[Callable[[], object]] = [
            *(lambda name=name: getattr(web, name) for name in properties(sp.Service)),
            *(lambda name=name: getattr(node, name) for name in properties(sp.Node) - {"id", "swarm"}),
            lambda: web.wait(),
            lambda: web.scale(3),
            lambda: web.update(image="nginx:1.11"),
            lambda: web.rollback(),
            lambda: web.remove(),
            lambda: web.history(),
            lambda: web.logs(),
            lambda: web.logs(follow=True),
            lambda: next(self.lines),
            lambda: next(self.coming),
            lambda: asyncio.run(sp.aio.wait(web)),
            lambda: list(self.services),
            lambda: len(self.services),
            lambda: "web" in self.services,
            lambda: self.services["web"],
            lambda: self.services.create("nginx"),
            lambda: list(self.nodes),
            lambda: len(self.nodes),
            lambda: "m1" in self.nodes,
            lambda: self.nodes["m1"],
            lambda: self.nodes.leader,
            lambda: self.nodes.add(),
            lambda: self.nodes.add(name="w9"),
            lambda: self.http.get("m1:80"),
            lambda: self.task.kill(),
            lambda: self.token.rotate(),
            lambda: node.swarm.state,
            lambda: node.swarm.node_id,
            lambda: node.swarm.init(),
            lambda: node.swarm.join("SWMTKN-1-x", "127.0.0.1:2377"),
            lambda: node.swarm.leave(),
            lambda: node.swarm.join_token(),
        ]
        changes = ("promote", "demote", "drain", "pause", "activate", "label", "remove", "kill", "restart")
        return ask + [getattr(node, name) for name in changes]


def properties(kind: type) -> set[str]:
    return {name for name, value in vars(kind).items() if isinstance(value, property)}


def of_the_swarm(swarm: sp.Swarm) -> list[Callable[[], object]]:
    around = sp.aio.Swarm.of(swarm)
    return [
        lambda: swarm.sleep("1s"),
        lambda: swarm.step(),
        lambda: swarm.run(timeout="1s"),
        lambda: swarm.run(until=lambda c: True),
        lambda: swarm.wait_converged(),
        lambda: swarm.events(),
        lambda: swarm.events(timeout="1s"),
        lambda: swarm.watch(),
        lambda: swarm.serve("unix:///tmp/closed.sock"),
        lambda: asyncio.run(around.wait_converged()),
        lambda: asyncio.run(around.run(until=lambda c: True)),
        lambda: asyncio.run(around.run(timeout="1s")),
        lambda: asyncio.run(around.sleep("1s")),
        lambda: around.events(),
    ]


def assert_all_say_so(asked: list[Callable[[], object]]) -> None:
    for number, ask in enumerate(asked):
        began = time.monotonic()
        with pytest.raises(sp.SwarmError, match="this swarm is closed") as caught:
            pytest.fail(f"call {number} answered {ask()!r}")
        assert "Make a new Swarm" in caught.value.hint
        assert time.monotonic() - began < 0.5


def test_of_a_simulated_swarm_that_was_closed() -> None:
    swarm = sp.Swarm(seed=1)
    objects = Objects(swarm)
    swarm.close()
    assert_all_say_so(objects.asked() + of_the_swarm(swarm))


def test_of_a_simulated_swarm_that_nobody_holds_any_more() -> None:
    """The first cell of a notebook was run again."""
    swarm = sp.Swarm(seed=1)
    objects = Objects(swarm)
    swarm = sp.Swarm(seed=1)
    gc.collect()
    assert_all_say_so(objects.asked())
    swarm.close()


def test_a_node_of_its_own_that_was_closed() -> None:
    node = sp.Node("alone")
    node.swarm.init()
    node.close()
    for ask in (lambda: node.state, lambda: node.swarm.state, lambda: node.addr, node.kill, node.drain):
        with pytest.raises(sp.SwarmError, match="closed"):
            ask()


def test_a_door_lives_as_long_as_its_swarm_kept_or_not(tmp_path: Path) -> None:
    path = tmp_path / "m1.sock"
    swarm = sp.Swarm(seed=1)
    swarm.serve(f"unix://{path}")
    gc.collect()
    assert ping(path) == 200
    swarm.close()
    with pytest.raises((ConnectionError, FileNotFoundError)):
        ping(path)


def ping(path: Path) -> int:
    wire = http.client.HTTPConnection("localhost")
    wire.sock = socket.socket(socket.AF_UNIX)
    try:
        wire.sock.connect(str(path))
        wire.request("GET", "/_ping")
        return wire.getresponse().status
    finally:
        wire.close()


def test_what_was_under_way_to_an_iterator_does_not_hide_that_it_is_closed() -> None:
    swarm = sp.Swarm(seed=1)
    coming = swarm.events(timeout="5s")
    swarm.services.create("nginx", name="web", replicas=2)
    swarm.close()
    with pytest.raises(sp.SwarmError, match="this swarm is closed"):
        next(coming)
