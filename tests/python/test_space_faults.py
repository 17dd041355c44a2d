"""Faults of nodes with network namespaces: the kernel cuts, and the daemons find out as on any network."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Iterator

import pytest

import spaces
import swarmpy as sp
from local import PATIENCE
from spaces import spaced, until
from swarmpy._cluster import LocalCluster
from swarmpy._cluster.hub import Hub
from swarmpy._faults import wires
from swarmpy.plan import Fault

pytestmark = pytest.mark.real

CUT_AND_DIE = """
import os
from swarmpy._cluster import LocalCluster
from swarmpy._faults.real import RealBreaker
from swarmpy.plan import Fault
breaker = RealBreaker(LocalCluster.open("spaced"))
breaker.begin(Fault("cut", from_=["m1"], to=["m2"], for_="1s"))
print("cut", flush=True)
os._exit(1)
"""


@pytest.fixture
def pair() -> Iterator[LocalCluster]:
    """Two daemons, m1 and m2, outside any swarm."""
    with spaced(2, 0, init=False) as cluster:
        if not cluster.nodes[0].is_reached:
            pytest.skip("a plain user cannot look into the namespaces")
        yield cluster


def test_a_leader_behind_a_cut_loses_its_part_and_comes_back_when_it_heals() -> None:
    with spaced(3, 0), sp.attach("spaced") as swarm:
        old = swarm.nodes.leader.name
        with swarm.faults.partition("leader"):
            new = lambda: [one for one in swarm.nodes if one.is_leader and one.name != old]  # noqa: E731
            until(lambda: bool(new()), "another manager leads")
        swarm.assert_converged(timeout=PATIENCE)


def test_a_partition_drops_both_ways_and_nothing_else(pair: LocalCluster) -> None:
    third = pair.add("m3")
    with sp.attach("spaced") as swarm, spaces.ears(*pair.nodes[:2], third) as (one, two, three):
        with swarm.faults.partition(["m1"], ["m2"]):
            assert not one.hears(two) and not two.hears(one)
            assert (
                one.will_hear(three)
                and three.will_hear(one)
                and two.will_hear(three)
                and three.will_hear(two)
            )
        assert one.will_hear(two) and two.will_hear(one)


def test_a_one_way_cut_drops_one_way(pair: LocalCluster) -> None:
    with sp.attach("spaced") as swarm, spaces.ears(*pair.nodes) as (one, two):
        with swarm.faults.cut("m1", "m2", both=False):
            assert one.will_hear(two) and not two.hears(one)
        assert two.will_hear(one)


def test_of_two_cuts_of_a_link_the_last_one_counts(pair: LocalCluster) -> None:
    with sp.attach("spaced") as swarm, spaces.ears(*pair.nodes) as (one, two):
        first, second = swarm.faults.cut("m1", "m2"), swarm.faults.partition("m1")
        first.heal()
        assert not one.hears(two)
        second.heal()
        assert one.will_hear(two)


def test_a_node_that_is_added_behind_a_cut_is_cut_off(pair: LocalCluster) -> None:
    with sp.attach("spaced") as swarm, spaces.ears(*pair.nodes) as (one, _):
        cut = swarm.faults.partition("m1")
        late = spaces.Ear(pair.add("m3"))
        assert not late.hears(one) and not one.hears(late)
        cut.heal()
        assert late.will_hear(one) and one.will_hear(late)
        late.close()


def test_a_cut_ends_in_time_when_its_python_is_dead() -> None:
    with spaced(2, 0, init=False) as cluster:
        if not cluster.nodes[0].is_reached:
            pytest.skip("a plain user cannot look into the namespaces")
        with spaces.ears(*cluster.nodes) as (one, two):
            done = subprocess.run(
                [sys.executable, "-c", CUT_AND_DIE], capture_output=True, text=True, check=False
            )
            assert done.stdout == "cut\n" and done.returncode == 1, done.stderr
            assert one.will_hear(two)


def test_a_node_without_power_is_silent_until_it_is_back(pair: LocalCluster) -> None:
    with sp.attach("spaced") as swarm, spaces.ears(*pair.nodes) as (one, two):
        with swarm.faults.power_off("m2"):
            assert not pair.node("m2").alive
            assert not one.hears(two) and not two.hears(one)
        assert pair.node("m2").alive
        assert one.will_hear(two) and two.will_hear(one)


def test_ctrl_c_while_the_hub_is_told_leaves_no_cut(
    pair: LocalCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told_and_interrupted(self: Hub, name: str, to: Iterable[str]) -> None:
        told = list(to)
        deafen(self, name, told)
        if told:
            raise KeyboardInterrupt

    deafen = Hub.deafen
    with sp.attach("spaced") as swarm, spaces.ears(*pair.nodes) as (one, two):
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(Hub, "deafen", told_and_interrupted)
            swarm.faults.cut("m1", "m2")
        assert not swarm.faults.active
        assert one.will_hear(two) and two.will_hear(one)


def test_another_program_has_a_port_in_the_nodes_namespace(pair: LocalCluster) -> None:
    with sp.attach("spaced") as swarm:
        with swarm.faults.port("m1", 8080):
            with pytest.raises(sp.Conflict, match="Address already in use"):
                swarm.faults.port("m1", 8080)
            swarm.faults.port("m2", 8080).heal()
        swarm.faults.port("m1", 8080).heal()


def test_heal_mends_all_wires(pair: LocalCluster) -> None:
    with sp.attach("spaced") as swarm, spaces.ears(*pair.nodes) as (one, two):
        swarm.faults.cut("m1", "m2")
        swarm.heal()
        assert one.will_hear(two) and two.will_hear(one)


@pytest.mark.parametrize(
    ("fault", "unheard"),
    [
        (Fault("partition", of="m1"), "m1: m2 w1, m2: m1, w1: m1"),
        (Fault("partition", groups=[["m1"], ["m2"]]), "m1: m2, m2: m1"),
        (Fault("partition", of="m1", one_way=True), "m2: m1, w1: m1"),
        (Fault("partition", groups=[["m1"], ["m2"], ["w1"]]), "m1: m2 w1, m2: m1 w1, w1: m1 m2"),
        (Fault("cut", from_=["m1"], to=["m2"], both=False), "m2: m1"),
        (Fault("cut", from_=["*"], to=["m1"]), "m1: m2 w1, m2: m1, w1: m1"),
        (Fault("cut", from_=["*"], to=["*"]), "m1: m2 w1, m2: m1 w1, w1: m1 m2"),
        (Fault("hold", from_=["m1"], to=["m2"]), ""),
    ],
)
def test_who_hears_whom(fault: Fault, unheard: str) -> None:
    found = wires.who_is_unheard([fault], ["m1", "m2", "w1"])
    assert ", ".join(f"{name}: {' '.join(others)}" for name, others in found.items() if others) == unheard
