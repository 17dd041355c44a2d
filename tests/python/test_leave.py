"""A manager leaves when the group is without it: what it forgets then counts in no majority."""

from __future__ import annotations

import pytest

import swarmpy as sp


def after(swarm: sp.Swarm) -> None:
    """The swarm takes writes."""
    assert swarm.services.create("nginx", name="after", replicas=1).wait()


@pytest.mark.parametrize("managers", [2, 3])
@pytest.mark.parametrize("leads", [False, True])
@pytest.mark.parametrize("link", ["", "net m1 <-> * latency 60ms jitter 40ms", "net m1 <-> * loss 0.3"])
def test_the_others_go_on_when_one_leaves(managers: int, leads: bool, link: str) -> None:
    with sp.Swarm(managers=managers, workers=1, seed=11) as swarm:
        leader = swarm.wait_leader()
        leaver = next(node for node in swarm.nodes if node.role == "manager" and (node == leader) == leads)
        if link:
            swarm.faults.add(link)
        leaver.swarm.leave(force=True)
        swarm.heal()
        after(swarm)
        assert not any(node.name == leaver.name and node.role == "manager" for node in swarm.nodes)


@pytest.mark.parametrize("leads", [False, True])
@pytest.mark.parametrize("leader_dies", [False, True])
def test_one_that_the_group_needs_stays_and_says_why(leads: bool, leader_dies: bool) -> None:
    with sp.Swarm(managers=3, workers=1, seed=12) as swarm:
        leader = swarm.wait_leader()
        others = [node for node in swarm.nodes if node.role == "manager" and node != leader]
        dead = leader if leader_dies else others[0]
        leaver = leader if leads and not leader_dies else others[1]
        dead.kill()
        with pytest.raises(
            sp.SwarmError, match=f"no answer comes from {dead.name}. Start again what is down"
        ):
            leaver.swarm.leave(force=True)
        after(swarm)
        dead.restart()
        swarm.assert_converged(timeout="30s")
        leaver.swarm.leave(force=True)
        swarm.services["after"].scale(2)


def test_one_that_is_dead_may_be_demoted_first() -> None:
    with sp.Swarm(managers=3, workers=1, seed=13) as swarm:
        swarm.wait_leader()
        names = [node.name for node in swarm.nodes if node.role == "manager" and not node.is_leader]
        swarm.nodes[names[0]].kill()
        swarm.nodes[names[0]].demote()
        swarm.run(lambda s: len([node for node in s.nodes if node.role == "manager"]) == 2, timeout="20s")
        swarm.nodes[names[1]].swarm.leave(force=True)
        after(swarm)


def test_without_a_leader_leaving_is_a_managers_own_decision() -> None:
    with sp.Swarm(managers=3, workers=1, seed=14) as swarm:
        swarm.wait_leader()
        first, second, leaver = (swarm.nodes[name] for name in ("m1", "m2", "m3"))
        first.kill()
        second.kill()
        swarm.sleep("5s")
        leaver.swarm.leave(force=True)
        leaver.swarm.init()  # it is outside: refused otherwise
