"""A manager that is cut off, frozen or dead is left: reads and writes go on with those that have a leader."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

import swarmpy as sp
from local import own_home
from swarmpy._cluster import LocalCluster


def core(swarm: sp.Swarm) -> object:
    return swarm._world.core  # type: ignore[attr-defined]


def cut(swarm: sp.Swarm, *names: str) -> None:
    """These on one side, all others on the other."""
    others = [node.name for node in swarm.nodes if node.name not in names]
    core(swarm).partition([list(names), others])  # type: ignore[attr-defined]


@pytest.mark.parametrize("seed", range(40))
def test_the_leader_is_cut_off_and_the_majority_goes_on(seed: int) -> None:
    with sp.Swarm(managers=3, workers=2, seed=seed) as c:
        web = c.services.create("nginx:1.10", name="web", replicas=4, ports=["8080:80"])
        assert web.wait()
        old = c.nodes.leader
        assert old is not None
        cut(c, old.name)
        assert c.run(until=lambda c: c.nodes.leader is not None, timeout="30s")
        new = c.nodes.leader
        assert new is not None and new.name != old.name
        assert web.scale(6).wait() and web.running == 6
        assert c.services.create("nginx", name="other").wait()
        assert web.update(image="nginx:1.11").wait()
        assert c.http.get(f"{new.name}:8080").status == 200
        assert c.events("task", service="other")
        core(c).heal()  # type: ignore[attr-defined]
        assert c.wait_converged()
        assert sorted(service.name for service in c.services) == ["other", "web"]


@pytest.mark.parametrize("seed", range(10))
def test_two_of_five_are_cut_off_and_whoever_was_asked_last_is_left(seed: int) -> None:
    with sp.Swarm(managers=5, workers=1, seed=seed) as c:
        web = c.services.create("nginx:1.10", name="web", replicas=3)
        assert web.wait()
        asked = c._hub.client._last
        other = next(node.name for node in c.nodes if node.reachability == "reachable" and node.name != asked)
        cut(c, asked, other)
        assert c.services.create("nginx", name="next").wait(), "the first call after the cut is a write"
        assert c._hub.client._last not in (asked, other)
        assert c.services["web"].wait() and web.running == 3


@pytest.mark.parametrize("seed", range(10))
def test_a_frozen_leader_is_left(seed: int) -> None:
    with sp.Swarm(managers=3, workers=2, seed=seed) as c:
        web = c.services.create("nginx:1.10", name="web", replicas=4)
        assert web.wait()
        old = c.nodes.leader
        assert old is not None
        core(c).pause(old.name)  # type: ignore[attr-defined]
        assert c.services.create("nginx", name="next").wait(), "the first call is a write"
        assert web.scale(6).wait()
        new = c.nodes.leader
        assert new is not None and new.name != old.name
        core(c).resume(old.name)  # type: ignore[attr-defined]
        assert c.wait_converged()


@pytest.mark.parametrize("groups", [[["m1"], ["typo"]], [["m1"], ["m1", "m2"]]])
def test_a_mistyped_cut_costs_nothing(groups: list[list[str]]) -> None:
    with sp.Swarm(managers=2, seed=3) as c:
        with pytest.raises(ValueError, match=r"no such machine: typo \(there are: m1, m2\)|two sides"):
            core(c).partition(groups)  # type: ignore[attr-defined]
        assert c.nodes.leader is not None and len(c.nodes) == 2


def test_without_any_majority_the_error_names_who_was_asked_and_what_each_said() -> None:
    with sp.Swarm(managers=3, workers=1, seed=3) as c:
        web = c.services.create("nginx:1.10", name="web", replicas=2)
        assert web.wait()
        core(c).partition([["m1"], ["m2"], ["w1"]])  # type: ignore[attr-defined]
        c.nodes["m3"].kill()
        c.sleep("10s")
        for ask in (lambda: c.services["web"], lambda: web.scale(3), lambda: c.services.create("nginx")):
            with pytest.raises(sp.NoQuorum) as caught:
                ask()
            assert set(caught.value.asked) == {"m1", "m2"}
            assert all("does not have a leader" in text for text in caught.value.asked.values())
            assert "asked m1, m2" in str(caught.value) or "asked m2, m1" in str(caught.value)
            assert "not running: m3" in str(caught.value)
            assert caught.value.nothing_done


def test_where_only_workers_are_left_to_ask_each_says_that_it_is_none() -> None:
    with sp.Swarm(managers=1, workers=2, seed=3) as c:
        c.nodes["m1"].kill()
        with pytest.raises(sp.NotManager, match=r"asked w1, w2; not running: m1"):
            list(c.services)


def test_a_write_that_may_have_been_carried_out_is_not_sent_twice() -> None:
    """The leader takes the proposal, and is cut off before the others have it."""
    with sp.Swarm(managers=3, workers=1, seed=3) as c:
        leader = c.nodes.leader
        assert leader is not None
        cut(c, leader.name)
        body = {"Name": "once", "TaskTemplate": {"ContainerSpec": {"Image": "nginx"}}}
        with pytest.raises(sp.SwarmError, match="it may or may not have been carried out") as caught:
            c._hub.client.json("POST", "/services/create", body=body, after_read=True)
        assert not caught.value.nothing_done
        core(c).heal()  # type: ignore[attr-defined]
        assert c.wait_converged()
        assert len(c.services) <= 1


def test_nor_is_one_that_was_passed_on_to_a_frozen_leader() -> None:
    with sp.Swarm(managers=3, workers=1, seed=3) as c:
        leader = c.nodes.leader
        assert leader is not None
        follower = next(name for name in ("m1", "m2", "m3") if name != leader.name)
        c._hub.client._last = follower
        core(c).pause(leader.name)  # type: ignore[attr-defined]
        body = {"Name": "once", "TaskTemplate": {"ContainerSpec": {"Image": "nginx"}}}
        with pytest.raises(sp.NoQuorum) as caught:
            c._hub.client.json("POST", "/services/create", body=body, after_read=True)
        assert list(caught.value.asked) == [follower] and not caught.value.nothing_done
        assert "may have been carried out" in caught.value.hint
        core(c).resume(leader.name)  # type: ignore[attr-defined]
        assert c.wait_converged()
        assert len(c.services) <= 1


@pytest.mark.parametrize("fault", ["partition", "pause"])
@pytest.mark.parametrize("seed", range(5))
def test_a_stream_of_events_goes_on_at_another_manager(seed: int, fault: str) -> None:
    """Nothing is missed and nothing comes twice."""
    with sp.Swarm(managers=3, workers=2, seed=seed) as c:
        web = c.services.create("nginx:1.10", name="web", replicas=2)
        assert web.wait()
        coming = c.events("task", service="web", timeout="40s")
        asked = c._hub.client._last
        web.scale(3)
        c.sleep("50ms")
        cut(c, asked) if fault == "partition" else core(c).pause(asked)  # type: ignore[attr-defined]
        assert c.run(until=lambda c: c.nodes.leader is not None, timeout="30s")
        web.scale(4)
        seen = [(event.time, event.id, event.action, event.attributes["desired_state"]) for event in coming]
        assert len(seen) == len(set(seen))
        ran = {event[1] for event in seen if event[2] == "running"}
        assert {task.id for task in web.tasks if task.slot in (3, 4) and task.state == "running"} <= ran


async def _aio_story() -> list[str]:
    async with sp.aio.Swarm(managers=3, workers=1, seed=4) as a:
        web = a.services.create("nginx:1.10", name="web", replicas=2)
        assert await a.wait(web)
        coming = a.events("task", service="web", timeout="40s")
        leader = a.nodes.leader
        assert leader is not None
        cut(a.sync, leader.name)
        await a.run(until=lambda c: c.nodes.leader is not None, timeout="30s")
        assert await a.wait(web.scale(3))
        return [event.action async for event in coming if event.attributes["slot"] == "3"]


def test_awaited_waits_and_events_leave_it_too() -> None:
    assert "running" in asyncio.run(_aio_story())


@pytest.mark.real
def test_a_frozen_real_leader_is_left_by_calls_and_streams() -> None:
    with own_home(), sp.Swarm(managers=3, workers=1, mode="real", name="trio") as c:
        web = c.services.create("nginx:1.10", name="web", replicas=2, constraints="node.role==worker")
        assert web.wait()
        coming = c.events("task", service="web", timeout="25s")
        old = c.nodes.leader
        assert old is not None
        pid = LocalCluster.open("trio").node(old.name).pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        try:
            assert c.services.create("nginx", name="next", constraints="node.role==worker").wait()
            assert web.scale(3).wait()
            new = c.nodes.leader
            assert new is not None and new.name != old.name
            ran = {event.attributes["slot"] for event in coming if event.action == "running"}
            assert "3" in ran
        finally:
            os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize("with_its_leader", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_logs_are_followed_at_another_manager(seed: int, with_its_leader: bool) -> None:
    """Each line once; also when the manager that was asked is deposed and comes back."""
    with sp.Swarm(managers=3, workers=2, seed=seed) as c:
        where = "node.role==worker"
        web = c.services.create("nginx:1.10", name="web", replicas=2, constraints=where)
        assert web.wait()
        lines = web.logs(follow=True, timeout="60s")
        old = c.nodes.leader
        assert old is not None and next(lines).text
        cut(c, *{old.name, c._hub.client._last} if with_its_leader else {old.name})
        c.sleep("10s")
        core(c).heal()  # type: ignore[attr-defined]
        assert c.run(until=lambda c: c.nodes.leader is not None, timeout="30s")
        assert web.scale(4).wait(), "two more tasks write"
        seen = [(line.task, line.time, line.text) for line in lines]
        assert len(seen) == len(set(seen))
        assert {one.id for one in web.tasks.running if one.slot > 2} <= {task for task, _, _ in seen}
