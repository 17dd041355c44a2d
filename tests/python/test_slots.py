"""What a user sees of slots and restarts: moves are no failures, attempts end and the end is said, one slot
has one task, the counts of all doors agree, an update that fails says why.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

import swarmpy as sp
from swarmpy._core import World


@pytest.fixture
def c() -> Iterator[sp.Swarm]:
    with sp.Swarm(managers=3, workers=2, seed=42) as swarm:
        yield swarm
        core_of(swarm).check_all()


def core_of(c: sp.Swarm) -> World:
    return c._world.core  # type: ignore[attr-defined, no-any-return]


def replicas(c: sp.Swarm, name: str) -> str:
    """As `docker service ls` counts."""
    query = {"status": True, "filters": {"name": {name: True}}}
    [raw] = c._hub.client.json("GET", "/services", query=query)
    status = raw["ServiceStatus"]
    assert status["CompletedTasks"] == 0
    assert status["RunningTasks"] == c.services[name].running, "the doors agree"
    return f"{status['RunningTasks']}/{status['DesiredTasks']}"


def limit_history(c: sp.Swarm, rows: int) -> None:
    """`docker swarm update --task-history-limit`"""
    swarm: dict[str, Any] = c._hub.client.json("GET", "/swarm")
    swarm["Spec"]["Orchestration"] = {"TaskHistoryRetentionLimit": rows}
    version = swarm["Version"]["Index"]
    c._hub.client.json("POST", "/swarm/update", query={"version": version}, body=swarm["Spec"])


def rows(c: sp.Swarm, name: str) -> int:
    return len(c.services[name].tasks)


# ---- restart attempts


def test_two_drains_do_not_use_up_the_one_attempt(c: sp.Swarm) -> None:
    worker = ["node.role==worker"]
    a = c.services.create("nginx:1.10", name="a", restart_max_attempts=1, restart_delay=0, constraints=worker)
    assert a.wait()
    for _ in range(3):
        node = c.nodes[a.tasks.running[0].node]
        node.drain()
        assert a.wait()
        node.activate()
    assert replicas(c, "a") == "1/1"


def test_nor_do_nodes_that_die_leave_or_change_their_role(c: sp.Swarm) -> None:
    a = c.services.create(
        "nginx:1.10", name="a", restart_max_attempts=1, restart_delay=0, constraints=["node.role==worker"]
    )
    assert a.wait()
    node = c.nodes[a.tasks.running[0].node].kill()
    assert a.wait()
    node.restart()
    c.sleep("3s")
    c.nodes[a.tasks.running[0].node].restart()
    assert a.wait()
    node = c.nodes[a.tasks.running[0].node].promote()
    assert a.wait()
    node.demote()
    assert c.wait_converged()
    c.nodes[a.tasks.running[0].node].kill()
    c.sleep("3s")
    assert a.wait() and replicas(c, "a") == "1/1"


@pytest.mark.parametrize("limit", [0, 1, 5, -1])
def test_many_attempts_need_no_history_and_their_end_is_said(c: sp.Swarm, limit: int) -> None:
    limit_history(c, limit)
    f = c.services.create(
        "ubuntu",
        command=["sh", "-c", "exit 1"],
        name="f",
        replicas=2,
        restart_delay="100ms",
        restart_max_attempts=30,
    )
    for _ in range(5):
        c.sleep("2s")
        in_a_batch = 4  # ended since the reaper was here last
        assert limit < 0 or rows(c, "f") <= 2 * (max(limit, 1) + in_a_batch)
    c.sleep("10s")
    kept = 31 if limit < 0 else max(limit, 1)
    assert rows(c, "f") == 2 * kept
    ended = "task: non-zero exit (1); restart attempts are used up (30 of 30)"
    assert [task.error for task in f.tasks].count(ended) == 2, "the last of each slot says so"
    leader = c.nodes.leader
    assert leader is not None
    leader.kill()
    c.sleep("10s")
    assert rows(c, "f") == 2 * kept, "and no new leader begins anew"
    assert replicas(c, "f") == "0/2"


@pytest.mark.parametrize("window", ["500ms", "1s", "1500ms"])
def test_a_window_that_is_shorter_than_the_delay_counts(c: sp.Swarm, window: str) -> None:
    f = c.services.create(
        "ubuntu",
        command=["sh", "-c", "exit 1"],
        name="f",
        restart_window=window,
        restart_delay="1s",
        restart_max_attempts=2,
    )
    c.sleep("30s")
    assert len(f.tasks) == 3 and "used up (2 of 2)" in str(f.tasks[0].error)


def test_a_limit_that_is_lowered_acts_at_once(c: sp.Swarm) -> None:
    h = c.services.create("nginx:1.10", name="h", restart_delay=0)
    for _ in range(4):
        assert h.update(force=True).wait()
    assert rows(c, "h") == 5
    limit_history(c, 1)
    c.sleep("1s")
    assert rows(c, "h") == 1
    limit_history(c, 3)
    for _ in range(4):
        assert h.update(force=True).wait()
    c.sleep("1s")
    assert rows(c, "h") == 3


# ---- one slot, one task


def test_a_paused_start_first_update_leaves_no_slot_doubled(c: sp.Swarm) -> None:
    core_of(c).set_image("late:1", exists=False)
    p = c.services.create("nginx:1.10", name="p", update=sp.Rolling(order="start-first"), restart_delay="1s")
    assert p.wait()
    assert p.update(image="late:1").wait().state == "paused"
    c.sleep("5s")
    assert replicas(c, "p") == "1/1" and p.tasks.running[0].image == "nginx:1.10"
    core_of(c).set_image("late:1")
    c.sleep("5s")
    assert replicas(c, "p") == "1/1" and p.tasks.running[0].image == "late:1"
    assert sum(task.desired_state == "running" for task in p.tasks) == 1


def test_the_next_task_waits_for_the_promised_grace(c: sp.Swarm) -> None:
    core_of(c).set_image("slow:1", ignores_term=True)
    g = c.services.create("slow:1", name="g", stop_grace_period="90s", restart_delay=0)
    assert g.wait()
    g.update(force=True)
    for _ in range(44):
        c.sleep("2s")
        assert len([task for task in g.tasks if task.state == "running"]) == 1
        assert replicas(c, "g") == "0/1", "the one that runs is told to stop"
    assert g.wait(timeout="10s")


# ---- counts


def test_the_counts_of_all_doors_agree_when_a_node_dies(c: sp.Swarm) -> None:
    r = c.services.create("nginx:1.10", name="r", replicas=5, restart_delay=0)
    g = c.services.create("nginx:1.10", name="g", mode="global", restart_delay=0)
    assert r.wait() and g.wait()
    assert (replicas(c, "r"), replicas(c, "g")) == ("5/5", "5/5")
    w1 = c.nodes["w1"].kill()
    c.run(until=lambda c: c.nodes["w1"].state == "down", timeout="10s")
    assert r.wait() and g.wait()
    assert (replicas(c, "r"), replicas(c, "g")) == ("5/5", "4/4")
    w1.restart()
    assert c.run(until=lambda c: replicas(c, "g") == "5/5", timeout="10s")
    assert replicas(c, "r") == "5/5"


# ---- why an update failed


def test_an_update_that_pauses_says_why(c: sp.Swarm) -> None:
    web = c.services.create("nginx:1.10", name="web", replicas=2, restart_delay="1s")
    assert web.wait()
    core_of(c).set_image("redis:7", exists=False)
    outcome = web.update(image="redis:7").wait()
    assert outcome.state == "paused"
    assert outcome.reason.startswith("update paused due to failure or early termination of task ")
    assert outcome.reason.endswith(": No such image: redis:7")
    said = [event.attributes for event in c.events("service") if "updatestate.new" in event.attributes]
    assert said[-1]["updatestate.new"] == "paused" and said[-1]["updatestate.old"] == "updating"
    assert said[-1]["updatestate.message"] == outcome.reason


def test_an_update_that_rolls_back_says_why_to_the_end(c: sp.Swarm) -> None:
    core_of(c).set_image("bad:1", lives_ns=1, exit_code=1)
    web = c.services.create(
        "nginx:1.10", name="web", replicas=2, restart_delay="1s", update=sp.Rolling(on_failure="rollback")
    )
    assert web.wait()
    outcome = web.update(image="bad:1").wait()
    assert outcome.rolled_back
    assert "update rolled back due to failure or early termination of task " in outcome.reason
    assert outcome.reason.endswith(": task: non-zero exit (1)")
    assert outcome.reason.startswith("rollback completed")
    assert json.dumps(c._hub.client.json("GET", "/services/web")).count("non-zero exit (1)") == 1


def test_defaults_that_a_client_says_aloud_replace_no_task() -> None:
    """docker-py's scale reads the spec with insertDefaults, and sends all of it back."""
    with sp.Swarm(managers=1, workers=2, seed=3) as swarm:
        web = swarm.services.create("nginx:1.10", name="web", replicas=3)
        assert web.wait()
        before = {task.id for task in web.tasks}
        client = swarm._hub.client
        full = client.json("GET", f"/services/{web.id}", query={"insertDefaults": True})
        assert full["Spec"]["TaskTemplate"]["ContainerSpec"]["StopGracePeriod"] == 10_000_000_000
        full["Spec"]["Mode"]["Replicated"]["Replicas"] = 5
        query = {"version": full["Version"]["Index"]}
        client.json("POST", f"/services/{web.id}/update", query=query, body=full["Spec"])
        assert web.wait()
        assert before < {task.id for task in web.tasks.running}
        assert len(web.tasks) == 5
