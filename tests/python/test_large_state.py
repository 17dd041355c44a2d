"""A large state reaches a new manager: a few pieces at a time, from where it was when a link is lost, while
writes go on.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import swarmpy as sp

SERVICES = 30
LABEL = "x" * 1_000_000  # bytes, of each service


@pytest.fixture
def c() -> Iterator[sp.Swarm]:
    with sp.Swarm(managers=1, workers=1, seed=4) as swarm:
        for number in range(SERVICES):
            swarm.services.create("nginx", name=f"s{number}", replicas=0, labels={"big": LABEL})
        yield swarm


def snapshots(c: sp.Swarm) -> list[sp.Event]:
    return [event for event in c.events("raft") if event.action == "snapshot-sent"]


def has_all(c: sp.Swarm) -> bool:
    try:
        raft = c.nodes["w1"].raft
    except sp.SwarmError:  # it is a worker still
        return False
    return raft.member("w1").voter and raft.applied == c.nodes["m1"].raft.applied


def test_it_arrives_while_writes_go_on(c: sp.Swarm) -> None:
    c.nodes["w1"].promote()
    for number in range(20):
        c.services.create("nginx", name=f"more{number}", replicas=0)
    assert c.run(until=has_all)
    assert len(snapshots(c)) == 1
    assert len(c.services) == SERVICES + 20


@pytest.mark.parametrize("after", ["1ms", "3ms", "5ms"])
def test_it_goes_on_where_it_was_when_the_link_is_lost(c: sp.Swarm, after: str) -> None:
    c.nodes["w1"].promote()
    assert c.run(until=lambda s: bool(snapshots(s)))
    c.sleep(after)
    with c.faults.partition("w1"):
        c.sleep("2s")
    assert c.run(until=has_all)
    assert len(snapshots(c)) == 1, "nothing was sent from the beginning again"


def test_a_member_that_died_on_the_way_gets_it_from_the_beginning(c: sp.Swarm) -> None:
    c.nodes["w1"].promote()
    assert c.run(until=lambda s: bool(snapshots(s)))
    c.sleep("3ms")
    c.nodes["w1"].kill()
    c.sleep("1s")
    c.nodes["w1"].restart()
    assert c.run(until=has_all)
