"""One manager of three that is neither well nor dead: writes go on as fast as without it, there is
no election because of it, and it is named.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

import swarmpy as sp

WRITES = 200
MOST = 1.5  # times as long as in a swarm that is well
names = itertools.count()


@pytest.fixture(params=[1, 2, 3])
def c(request: pytest.FixtureRequest) -> Iterator[sp.Swarm]:
    with sp.Swarm(managers=3, workers=0, seed=request.param) as swarm:
        swarm.wait_leader()
        yield swarm


def slowest(c: sp.Swarm, writes: int = WRITES) -> float:
    """p99 of a create, in milliseconds."""
    took = []
    for _ in range(writes):
        began = c.now
        c.services.create("nginx", name=f"s{next(names)}", replicas=0)
        took.append((c.now - began) * 1000)
        c.sleep(0.02)
    return sorted(took)[int(writes * 0.99)]


def follower(c: sp.Swarm) -> str:
    leader = c.wait_leader().name
    return next(node.name for node in c.nodes if node.name != leader)


def term(c: sp.Swarm) -> int:
    return max(node.raft.term for node in c.nodes)


def warnings(c: sp.Swarm, name: str) -> list[str]:
    return list(c.nodes[name].swarm._ask("GET", "/info").get("Warnings") or [])


def test_a_followers_slow_disk_costs_nothing_and_is_named(c: sp.Swarm) -> None:
    name, healthy, before = follower(c), slowest(c), term(c)
    with c.faults.disk(name, fsync_delay="100ms"):
        assert slowest(c) <= MOST * healthy
        assert any("disk is slow" in one for one in warnings(c, name))
    assert term(c) == before
    slowest(c, 20)
    assert not any("disk is slow" in one for one in warnings(c, name)), "it is quick again"


def test_a_leader_with_a_slow_disk_hands_over_once(c: sp.Swarm) -> None:
    before, name = term(c), c.wait_leader().name
    with c.faults.disk(name, fsync_delay="100ms"):
        slowest(c, 20)
        assert c.wait_leader().name != name
        assert any("disk is slow" in one for one in warnings(c, name))
        beside_it = slowest(c)
    assert term(c) == before + 1, "the hand-over, and no election besides"
    slowest(c, 20)
    assert beside_it <= MOST * slowest(c), "as in a healthy swarm with this leader"


def test_where_all_disks_are_slow_nobody_hands_over(c: sp.Swarm) -> None:
    before = term(c)
    for node in list(c.nodes):
        c.faults.disk(node.name, fsync_delay="100ms")
    slowest(c, 40)
    assert term(c) == before


def test_a_follower_that_loses_frames_or_stands_still_costs_nothing(c: sp.Swarm) -> None:
    name, healthy, before = follower(c), slowest(c), term(c)
    with c.faults.net(between=(name, "*"), loss=0.05):
        assert slowest(c) <= MOST * healthy
    for _ in range(10):
        with c.faults.freeze(name):
            c.sleep("300ms")
        c.sleep("200ms")
        assert slowest(c, 5) <= MOST * healthy
    assert term(c) == before
