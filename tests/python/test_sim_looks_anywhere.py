"""Random stories with faults of every kind, each with and without looks in between: the same run."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable
from typing import Any

import pytest

import swarmpy as sp

STEPS = 14
NAMES = ("m1", "m2", "m3", "w1", "w2")


def looks(c: sp.Swarm) -> None:
    """Whatever can be asked, and whatever comes of it."""
    asked: list[Callable[[], object]] = [
        lambda: (repr(c), c._repr_html_(), c.peek(), c.now, len(c.nodes), c.nodes.leader),
        lambda: [(n.role, n.state, n.reachability, n.is_leader, n.labels) for n in c.nodes],
        lambda: [(s.running, s.image, str(s.tasks), s.history(), s.update_state) for s in c.services],
        lambda: (c.events(), c.events("node"), c.services["web"]),
        lambda: [node.swarm.state for node in c.nodes if node.alive],
        lambda: c.nodes["m2"].swarm.join_token(),
        lambda: [service.logs() for service in c.services],
    ]
    for ask in asked:
        with contextlib.suppress(sp.SwarmError):
            ask()


class Story:
    def __init__(self, c: sp.Swarm, chance: random.Random) -> None:
        self.c, self.chance = c, chance
        self.core: Any = c._world.core  # type: ignore[attr-defined]
        self.web = c.services.create("nginx:1.10", name="web", replicas=4)
        self.told: list[object] = []

    def step(self) -> None:
        act = self.chance.choice([self.node, self.service, self.network, self.time])
        name = self.chance.choice(NAMES)
        try:
            act(name, self.chance.randrange(6))
        except sp.InvariantError:
            raise
        except sp.SwarmError as error:
            self.told.append((type(error).__name__, error.message))

    def node(self, name: str, what: int) -> None:
        node = self.c.nodes[name]
        acts = (node.kill, node.restart, node.promote, node.demote, node.drain, node.activate)
        acts[what]()

    def service(self, name: str, what: int) -> None:
        if what < 2:
            self.web.scale(1 + self.chance.randrange(6))
        elif what < 4:
            self.web.update(image=f"nginx:1.{10 + what}", update=sp.Rolling(parallelism=2, monitor="500ms"))
        elif running := self.web.tasks.running:
            running[0].kill()

    def network(self, name: str, what: int) -> None:
        others = [other for other in self.core.machines() if other != name]
        acts: tuple[Callable[[], object], ...] = (
            lambda: self.core.partition([[name], others]),
            self.core.heal,
            lambda: self.core.pause(name),
            lambda: self.core.resume(name),
            lambda: self.c.nodes.add(1),
            lambda: self.c.nodes[name].remove(force=self.chance.random() < 0.3),
        )
        acts[what]()

    def time(self, name: str, what: int) -> None:
        if what < 2:
            self.c.sleep(what)
        elif what < 4:
            self.told.append(repr(self.web.wait("10s")))
        else:
            self.told.append(
                self.c.run(until=lambda c: c.nodes.leader and self.web.running > 2, timeout="5s")
            )


def lived(seed: int, look: Callable[[sp.Swarm], None]) -> list[object]:
    with sp.Swarm(managers=3, workers=2, seed=seed) as c:
        story = Story(c, random.Random(seed))
        for _ in range(STEPS):
            look(c)
            story.step()
            story.told.append((c.now, c.trace_hash))
        return story.told


@pytest.mark.parametrize("seed", range(60))
def test_looks_between_faults_of_all_kinds_change_nothing(seed: int) -> None:
    assert lived(seed, looks) == lived(seed, lambda c: None)


@pytest.mark.parametrize("seed", range(10))
def test_a_picture_of_faults_of_all_kinds_changes_nothing(seed: int) -> None:
    views: list[sp.View] = []

    def watch(c: sp.Swarm) -> None:
        if not views:
            views.append(c.watch("topology", "tasks", "timeline"))
        views[0].svg()

    assert lived(seed, watch) == lived(seed, lambda c: None)
