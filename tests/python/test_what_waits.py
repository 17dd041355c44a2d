"""What a manager's user must know and would not see: `docker info` says it in warnings."""

from __future__ import annotations

import pytest

import swarmpy as sp


@pytest.fixture
def swarm() -> sp.Swarm:
    return sp.Swarm(managers=3, workers=1, seed=11)


def warnings(swarm: sp.Swarm, name: str) -> str:
    info = swarm._hub.client.json("GET", "/info", at=swarm._hub.open_world.door(name))
    return "\n".join(info["Warnings"] or [])


def leader_and_followers(swarm: sp.Swarm) -> tuple[str, list[str]]:
    leader = swarm.wait_leader().name
    return leader, [name for name in ("m1", "m2", "m3") if name != leader]


def test_a_demotion_that_waits_says_for_whom(swarm: sp.Swarm) -> None:
    leader, (dead, demoted) = leader_and_followers(swarm)
    swarm.nodes[dead].kill()
    swarm.nodes[demoted].demote()  # returns after 15 s: it cannot be done
    assert swarm.nodes[demoted].reachability == "reachable"
    told = warnings(swarm, leader)
    assert f"{demoted} stays a manager for now" in told
    assert f"no answer comes from {dead}" in told
    assert f"docker node demote {dead}" in told
    swarm.nodes[dead].restart()
    swarm.sleep("5s")
    assert not swarm.nodes[demoted].swarm._info()["ControlAvailable"]
    assert "stays a manager" not in warnings(swarm, leader)


def test_the_way_out_that_it_names_is_one(swarm: sp.Swarm) -> None:
    leader, (dead, demoted) = leader_and_followers(swarm)
    swarm.nodes[dead].kill()
    swarm.nodes[demoted].demote()
    swarm.nodes[dead].demote()
    swarm.sleep("2s")
    assert [node.name for node in swarm.nodes if node.reachability != "unknown"] == [leader]
    assert "stays a manager" not in warnings(swarm, leader)


@pytest.mark.real
def test_two_groups_of_one_swarm_name_each_other_when_they_meet() -> None:
    """Among real daemons: the simulator's checker rightly ends a run in which two groups commit."""
    with sp.Swarm(managers=3, workers=0, mode="real") as swarm:
        alone, others = leader_and_followers(swarm)
        for name in others:
            swarm.nodes[name].kill()
        assert swarm.recover(lost=others).done
        swarm.nodes[alone].kill()
        for name in others:
            swarm.nodes[name].restart()
        other = swarm.wait_leader().name
        assert other in others
        assert "two swarms" not in warnings(swarm, other), "they have not met"
        swarm.nodes[alone].restart()

        def both_say_so(_: sp.Swarm) -> bool:
            return f"manager {other}" in warnings(swarm, alone) and f"manager {alone}" in warnings(
                swarm, other
            )

        assert swarm.run(until=both_say_so, timeout="20s")
        for name in (alone, other):
            assert "there are two swarms with this one's identity" in warnings(swarm, name)
            assert "docker swarm leave --force" in warnings(swarm, name)


def test_old_members_that_find_the_new_group_say_nothing_of_two(swarm: sp.Swarm) -> None:
    alone, others = leader_and_followers(swarm)
    for name in others:
        swarm.nodes[name].kill()
    assert swarm.recover(lost=others).done
    for name in others:
        swarm.nodes[name].restart()
    swarm.sleep("10s")
    assert all("two swarms" not in warnings(swarm, name) for name in (alone, *others))
