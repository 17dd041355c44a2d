"""Every public name, on a simulated swarm."""

from __future__ import annotations

import _thread
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

import swarmpy as sp


@pytest.fixture
def c() -> Iterator[sp.Swarm]:
    with sp.Swarm(managers=3, workers=2, seed=42) as swarm:
        yield swarm


@pytest.fixture
def web(c: sp.Swarm) -> sp.Service:
    service = c.services.create("nginx:1.10", name="web", replicas=4, restart_delay=0)
    assert service.wait()
    return service


# ---- nodes


def test_a_new_swarm_is_whole_and_ready(c: sp.Swarm) -> None:
    assert [node.name for node in c.nodes] == ["m1", "m2", "m3", "w1", "w2"]
    assert {node.state for node in c.nodes} == {"ready"}
    assert [node.role for node in c.nodes] == ["manager"] * 3 + ["worker"] * 2
    assert {node.availability for node in c.nodes} == {"active"}
    assert c.nodes.leader is not None and c.nodes.leader.is_leader
    assert len(c.nodes) == 5 and "w1" in c.nodes and "w9" not in c.nodes
    assert (c.mode, c.seed) == ("sim", 42)


def test_a_node_that_is_not_there_is_named_with_those_that_are(c: sp.Swarm) -> None:
    with pytest.raises(sp.NotFound) as caught:
        c.nodes["w9"]
    assert caught.value.code == "NotFound" and "m1, m2, m3, w1, w2" in caught.value.hint


def test_roles_change_and_are_true_when_the_call_returns(c: sp.Swarm) -> None:
    worker = c.nodes["w1"].promote()
    assert worker.role == "manager" and worker.reachability == "reachable"
    assert worker.demote().role == "worker"
    assert c.nodes["w1"].reachability == "unknown"


def test_the_last_manager_cannot_be_demoted() -> None:
    with sp.Swarm(seed=1) as alone, pytest.raises(sp.SwarmError, match="last manager of the swarm"):
        alone.nodes["m1"].demote()


@pytest.mark.parametrize("seed", range(12))
def test_managers_step_back_down_to_one_which_goes_on(seed: int) -> None:
    """A read that is under way while the group shrinks to its leader must not block those behind it."""
    with sp.Swarm(managers=3, workers=1, seed=seed) as c:
        for name in ("m1", "m2"):
            assert c.run(until=lambda c: c.nodes.leader is not None, timeout="10s")
            c.nodes[name].demote()
        assert c.run(until=lambda c: c.nodes.leader is not None, timeout="10s")
        assert [node.name for node in c.nodes if node.role == "manager"] == ["m3"]
        assert c.services.create("nginx", replicas=4).wait("20s")


@pytest.mark.parametrize("seed", range(4))
def test_a_new_leader_waits_for_the_nodes_that_it_has_not_heard_of(seed: int) -> None:
    with sp.Swarm(managers=3, workers=2, seed=seed) as c:
        c.nodes["m1"].restart()
        outcome = c.services.create("nginx", name="everywhere", mode="global").wait()
        assert outcome and outcome.wanted == 5


def test_drain_moves_tasks_and_activate_moves_none_back(c: sp.Swarm, web: sp.Service) -> None:
    c.nodes["w1"].drain()
    assert web.wait()
    assert "w1" not in {task.node for task in web.tasks.running}
    node = c.nodes["w1"].activate()
    assert node.availability == "active" and web.wait()
    assert "w1" not in {task.node for task in web.tasks.running}
    assert c.nodes["w1"].pause().availability == "pause"


def test_nodes_are_added_with_labels_and_removed(c: sp.Swarm) -> None:
    added = c.nodes.add(2, labels={"rack": "b"}, cpus=2, memory="2g")
    assert [node.name for node in added] == ["w3", "w4"]
    assert added[0].labels == {"rack": "b"} and added[0].state == "ready"
    pinned = c.services.create("nginx", replicas=3, constraints=["node.labels.rack==b"])
    assert pinned.wait() and {task.node for task in pinned.tasks} == {"w3", "w4"}
    with pytest.raises(sp.SwarmError, match="is not down"):
        added[1].remove()
    added[1].kill()
    assert c.run(until=lambda c: c.nodes["w4"].state == "down", timeout="30s")
    added[1].remove()
    assert "w4" not in c.nodes
    assert c.nodes.add(role="manager")[0].name == "m4"
    assert c.nodes.add(0) == []
    with pytest.raises(sp.InvalidArgument, match="0 or more"):
        c.nodes.add(-1)


def test_tasks_move_off_a_killed_node_and_none_moves_back(c: sp.Swarm, web: sp.Service) -> None:
    victim = next(task.node for task in web.tasks if task.node.startswith("w"))
    node = c.nodes[victim].kill()
    assert not node.alive
    assert web.wait()
    assert victim not in {task.node for task in web.tasks.running}
    assert node.state == "down"
    node.restart()
    assert c.run(until=lambda c: node.state == "ready", timeout="30s")
    c.sleep("5s")
    assert victim not in {task.node for task in web.tasks.running}
    web.tasks.running[0].kill()
    assert web.wait()
    assert victim in {task.node for task in web.tasks.running}, "the emptier node gets the replacement"


def test_the_leader_dies_and_another_goes_on(c: sp.Swarm, web: sp.Service) -> None:
    first = c.nodes.leader
    assert first is not None
    first.kill()
    assert c.run(until=lambda c: c.nodes.leader is not None, timeout="30s")
    second = c.nodes.leader
    assert second is not None and second.name != first.name
    assert web.scale(5).wait()


def test_without_quorum_there_is_no_leader_and_docker_says_why(c: sp.Swarm, web: sp.Service) -> None:
    for name in ("m2", "m3"):
        c.nodes[name].kill()
    c.sleep("5s")
    assert c.nodes.leader is None
    before = c.now
    with pytest.raises(sp.NoQuorum) as caught:
        web.scale(9)
    assert "does not have a leader" in caught.value.message and caught.value.hint
    assert c.now - before < 5
    late = web.wait(timeout="3s")
    assert not late and late.state == "timed_out" and "leader" in late.reason
    with pytest.raises(sp.ConvergenceTimeout) as blocked:
        c.wait_converged(timeout="2s")
    assert blocked.value.blockers


# ---- services


def test_create_wait_and_look(c: sp.Swarm, web: sp.Service) -> None:
    assert (web.name, web.image, web.mode, web.replicas, web.running) == (
        "web",
        "nginx:1.10",
        "replicated",
        4,
        4,
    )
    assert c.services["web"] == web and c.services[web.id] == web and "web" in c.services
    assert [service.name for service in c.services] == ["web"] and len(c.services) == 1
    task = web.tasks[0]
    assert (task.name, task.slot, task.state, task.desired_state, task.error) == (
        "web.1",
        1,
        "running",
        "running",
        "",
    )
    assert task.image == "nginx:1.10" and task.node in {node.name for node in c.nodes}
    assert task.timestamps.created <= task.timestamps.changed
    with pytest.raises(sp.NotFound, match="service db not found"):
        c.services["db"]


def test_a_name_is_invented_and_a_taken_one_refused(c: sp.Swarm, web: sp.Service) -> None:
    assert "_" in c.services.create("nginx").name
    with pytest.raises(sp.Conflict, match="name conflicts with an existing object") as caught:
        c.services.create("nginx", name="web")
    assert caught.value.code == "AlreadyExists"


def test_what_the_swarm_does_not_take_is_refused_with_its_words(c: sp.Swarm) -> None:
    with pytest.raises(sp.SwarmError, match="constraint expected one operator from ==, !="):
        c.services.create("nginx", constraints=["rack"])
    with pytest.raises(sp.InvalidArgument, match="negative"):
        c.services.create("nginx", replicas=-1)
    with pytest.raises(sp.InvalidArgument, match="replicated"):
        c.services.create("nginx", mode="sideways")


def test_scale_up_and_down(web: sp.Service) -> None:
    up = web.scale(7).wait()
    assert up and (up.running, up.wanted) == (7, 7) and web.running == 7
    down = web.scale(2).wait()
    assert down and web.running == 2
    assert sum(task.state.alive for task in web.tasks) == 2


def test_a_killed_task_is_replaced_and_kept_as_history(web: sp.Service) -> None:
    victim = web.tasks[0]
    victim.kill()
    assert web.wait()
    replacement, dead = [task for task in web.tasks if task.slot == victim.slot]
    assert replacement.id != victim.id and replacement.state == "running"
    assert (dead.id, dead.state) == (victim.id, "failed") and "137" in dead.error and dead.exit_code == 137
    with pytest.raises(sp.SwarmError, match="has no process"):
        dead.kill()


def test_update_and_rollback_replace_every_task(web: sp.Service) -> None:
    updated = web.update(image="nginx:1.11", update=sp.Rolling(parallelism=2, monitor="1s")).wait()
    assert updated, updated
    assert {task.image for task in web.tasks.running} == {"nginx:1.11"} and web.update_state == "completed"
    old = [task for task in web.tasks if task.image == "nginx:1.10"]
    assert old and {task.state for task in old} == {"shutdown"}
    back = web.rollback().wait()
    assert back, back
    assert {task.image for task in web.tasks.running} == {"nginx:1.10"}
    assert web.update_state == "rollback_completed"


def test_history_lists_versions_oldest_first(web: sp.Service) -> None:
    assert [(one.image, one.current) for one in web.history()] == [("nginx:1.10", True)]
    web.update(image="nginx:1.11").wait()
    versions = web.history()
    assert [(one.image, one.current) for one in versions] == [("nginx:1.10", False), ("nginx:1.11", True)]
    assert versions[0].version < versions[1].version and versions[1].replicas == 4
    web.scale(5).wait()
    web.update(image="nginx:1.12").wait()
    kept = [(one.image, one.replicas) for one in web.history()]
    assert ("nginx:1.10", None) in kept, "its tasks tell of it, not how many were wanted"
    assert kept[-2:] == [("nginx:1.11", 5), ("nginx:1.12", 5)]


def test_a_failing_update_pauses_and_says_so(web: sp.Service) -> None:
    outcome = web.update(image="unheard-of:1").wait()
    assert not outcome and outcome.state == "paused" and "update paused due to failure" in outcome.reason
    assert web.running >= 3
    assert any("No such image: unheard-of:1" in task.error for task in web.tasks.failed)
    assert web.rollback().wait(), "and the way back is open"


def test_a_failing_update_that_rolls_back_is_not_what_was_asked_for(web: sp.Service) -> None:
    outcome = web.update(image="unheard-of:1", update=sp.Rolling(on_failure="rollback", monitor="1s")).wait()
    assert not outcome and outcome.rolled_back, outcome
    assert {task.image for task in web.tasks.running} == {"nginx:1.10"} and web.running == 4
    web.tasks.running[0].kill()
    assert web.wait(), "that it was rolled back has been said: a later wait asks how it is now"


def test_a_wait_says_what_is_missing(c: sp.Swarm) -> None:
    service = c.services.create("nginx", name="lost", replicas=2, constraints=["node.labels.nowhere==yes"])
    outcome = service.wait(timeout="3s")
    assert (
        outcome.state == "timed_out" and "no suitable node" in outcome.reason and "2 tasks" in outcome.reason
    )
    with pytest.raises(sp.ConvergenceTimeout) as caught:
        c.wait_converged(timeout="1s")
    assert any("lost: 0 of 2 tasks run" in blocker for blocker in caught.value.blockers)


def test_an_unknown_image_is_told_by_the_wait(c: sp.Swarm) -> None:
    outcome = c.services.create("unheard-of:1").wait(timeout="4s")
    assert not outcome and "No such image: unheard-of:1" in outcome.reason


def test_tasks_that_are_not_restarted_fail_the_wait(c: sp.Swarm) -> None:
    outcome = c.services.create("unheard-of:1", restart_condition="none").wait()
    assert outcome.state == "failed" and "not restarted" in outcome.reason
    assert outcome.took == pytest.approx(2.0, abs=0.2)


def use_up(c: sp.Swarm, service: sp.Service, slot: int) -> None:
    """Its one attempt, and the task that it made."""
    for _ in range(2):
        task = next(task for task in service.tasks.running if task.slot == slot)
        task.kill()
        assert c.run(until=lambda c, gone=task.id: gone not in {t.id for t in service.tasks.running})
        c.sleep("200ms")


def test_used_up_attempts_of_one_slot_fail_the_wait_while_others_run(c: sp.Swarm) -> None:
    web = c.services.create("nginx", name="web", replicas=3, restart_max_attempts=1, restart_delay=0)
    assert web.wait()
    use_up(c, web, 2)
    outcome = web.wait()
    assert outcome.state == "failed" and "restart attempts are used up" in outcome.reason
    assert outcome.running == 2 and outcome.took < 4


def test_what_a_lost_node_ran_is_waited_for_before_a_wait_fails(c: sp.Swarm) -> None:
    web = c.services.create("nginx", name="web", replicas=5, restart_max_attempts=1, restart_delay=0)
    assert web.wait()
    use_up(c, web, next(task.slot for task in web.tasks.running if task.node == "m1"))
    c.nodes["w1"].kill()
    outcome = web.wait()
    assert outcome.state == "failed" and outcome.running == 4


def test_a_global_service_runs_once_on_each_node(c: sp.Swarm) -> None:
    agent = c.services.create("nginx", name="agent", mode="global")
    outcome = agent.wait()
    assert outcome and outcome.wanted == 5
    assert sorted(task.node for task in agent.tasks) == ["m1", "m2", "m3", "w1", "w2"]
    assert agent.replicas is None and {task.slot for task in agent.tasks} == {0}
    c.nodes.add()
    assert agent.wait().wanted == 6
    with pytest.raises(sp.InvalidArgument):
        agent.scale(2)


def test_env_and_command_reach_the_spec_and_survive_updates(c: sp.Swarm) -> None:
    service = c.services.create(
        "alpine", command="sleep 100", env={"A": "1", "B": "2"}, stop_grace_period="3s"
    )
    service.update(env={"A": None, "C": "3"}, labels={"tier": "x"})
    container = service.spec["TaskTemplate"]["ContainerSpec"]
    assert container["Env"] == ["B=2", "C=3"] and container["Args"] == ["sleep", "100"]
    assert container["StopGracePeriod"] == 3_000_000_000 and service.spec["Labels"] == {"tier": "x"}


def test_force_replaces_tasks_of_an_equal_spec(web: sp.Service) -> None:
    before = {task.id for task in web.tasks.running}
    assert web.update(force=True, update=sp.Rolling(parallelism=0, monitor=0)).wait()
    assert not before & {task.id for task in web.tasks.running}


def test_remove_ends_the_tasks(c: sp.Swarm, web: sp.Service) -> None:
    web.remove()
    assert "web" not in c.services
    assert web.wait().state == "failed"
    with pytest.raises(sp.NotFound):
        _ = web.image


def test_logs_come_with_their_origin(c: sp.Swarm, web: sp.Service) -> None:
    c.sleep("2s")
    lines = web.logs()
    tasks = {task.id: task.node for task in web.tasks}
    assert all(line.node == tasks[line.task] and line.stream in ("stdout", "stderr") for line in lines)
    assert [str(line) for line in web.logs(tail=0)] == []
    followed = list(web.logs(follow=True, timeout="1s"))
    assert len(followed) >= len(lines)


def test_logs_name_the_node_that_cannot_be_had(c: sp.Swarm, web: sp.Service) -> None:
    c.sleep("2s")
    everything = web.logs()
    c.nodes["w1"].kill()
    c.run(until=lambda s: s.nodes["w1"].state == "down", timeout="30s")
    with pytest.raises(sp.IncompleteLogs, match="node w1 is not available") as caught:
        web.logs()
    assert caught.value.missing == ("node w1 is not available",)
    had = [line for line in everything if line.node != "w1"]
    assert had and [line for line in caught.value.lines if line in had] == had
    c.nodes["w1"].restart()
    c.wait_converged()
    assert {line.node for line in web.logs()} >= {"w1"}


def test_followed_logs_name_a_node_at_once_and_the_others_go_on(c: sp.Swarm) -> None:
    web = c.services.create("nginx:1.10", name="web", mode="global")
    web.wait()
    coming = web.logs(follow=True, timeout="40s")
    first = [next(coming) for _ in range(5)]
    assert {line.node for line in first} == {"m1", "m2", "m3", "w1", "w2"}
    c.nodes["w2"].kill()
    lost = next(coming)
    assert lost.stream == "error" and lost.node == "w2" and "node w2" in str(lost)
    c.nodes.add()
    assert next(line for line in coming if line.stream != "error").node == "w3"
    web.remove()
    with pytest.raises(sp.IncompleteLogs, match="node w2 "):
        list(coming)


# ---- time and events


def test_time_is_virtual_and_passes_only_when_asked(c: sp.Swarm) -> None:
    before, real = c.now, time.monotonic()
    c.sleep("60s")
    assert c.now == pytest.approx(before + 60, abs=1e-6)
    assert time.monotonic() - real < 20
    assert c.now == c.now
    events = c.trace_hash
    assert c.step() and c.trace_hash != events


def test_run_until_a_condition_or_a_timeout(c: sp.Swarm, web: sp.Service) -> None:
    web.scale(6)
    assert c.run(until=lambda c: c.services["web"].running == 6, timeout="1m") is True
    before = c.now
    assert c.run(until=lambda c: False, timeout="2s") is False
    assert c.now == pytest.approx(before + 2, abs=0.01)
    assert c.run(timeout="1s") is True
    with pytest.raises(ZeroDivisionError):
        c.run(until=lambda c: 1 / 0)


def test_managers_that_live_are_reachable_at_every_moment(c: sp.Swarm, web: sp.Service) -> None:
    def reachable(swarm: sp.Swarm) -> bool:
        nodes = swarm.peek().nodes
        return all(node.reachability == "reachable" for node in nodes if node.role == "manager")

    assert c.run(until=reachable, timeout="5s")
    assert not c.run(until=lambda swarm: not reachable(swarm), timeout="5s"), "looked at after every event"


def test_wait_converged_holds_for_as_long_as_asked(c: sp.Swarm, web: sp.Service) -> None:
    before = c.now
    assert c.wait_converged(stable_for="2s")
    assert c.now - before >= 2
    c.nodes["w1"].kill()
    assert c.wait_converged(), "a node that we killed ourselves is no blocker"


def test_events_tell_the_past_and_then_the_future(c: sp.Swarm, web: sp.Service) -> None:
    past = list(c.events("task", service="web"))
    slot_1 = [event.action for event in past if event.attributes["slot"] == "1"]
    order = [state for state in ("assigned", "preparing", "starting", "running") if state in slot_1]
    assert [state for state in slot_1 if state in order] == order and "running" in order
    assert all(0 <= event.at <= c.now for event in past)
    coming = c.events(["task", "service"], timeout="5s")
    web.scale(5)
    seen = [(event.kind, event.action) for event in coming]
    assert ("service", "update") in seen and ("task", "running") in seen
    start = datetime.fromtimestamp(past[-1].time.timestamp(), UTC)
    assert all(event.time >= start for event in c.events(since=start))


def test_an_interrupt_comes_back_at_once_and_the_swarm_goes_on(c: sp.Swarm, web: sp.Service) -> None:
    for wait in (lambda: c.sleep("100000s"), lambda: c.run(until=lambda c: False, timeout="100000s")):
        timer = threading.Timer(0.2, _thread.interrupt_main)
        timer.start()
        began = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            wait()
        assert time.monotonic() - began < 1.0
        timer.join()
    assert web.scale(5).wait()


# ---- looks


def test_reprs_show_and_ask_nobody(c: sp.Swarm, web: sp.Service) -> None:
    assert web.tasks
    before = c.trace_hash
    text, html = repr(c), c._repr_html_()
    assert text.startswith("<Swarm sim seed=42: 3 managers, 2 workers, 1 services")
    assert len(text.splitlines()) <= 12 and "leader" in text and "web" in text
    assert "<table>" in html and "<script" not in html and c.trace_hash == before
    assert repr(web).startswith("<Service web replicated 4/4 nginx:1.10") and "web.3" in repr(web)
    assert "web.3" in web._repr_html_()
    node = c.nodes["m1"]
    before = c.trace_hash
    assert repr(node) == f"<Node m1 manager{' leader' if 'leader' in repr(node) else ''} ready active>"
    for thing in (c.nodes, c.services, node.swarm):
        assert repr(thing)
    assert c.trace_hash == before
    assert repr(web.tasks[0]).startswith("<Task web.1 ")
    assert "TASK" in repr(web.tasks) and "<table>" in web.tasks._repr_html_()


def test_a_closed_swarm_says_so() -> None:
    swarm = sp.Swarm(seed=1)
    node = swarm.nodes["m1"]
    swarm.close()
    swarm.close()
    assert repr(swarm) == "<Swarm sim (closed)>"
    for ask in (
        lambda: list(swarm.nodes),
        swarm.watch,
        lambda: swarm.http.get("m1:80"),
        lambda: swarm.serve("unix:///tmp/closed.sock"),
        node.kill,
        node.restart,
    ):
        with pytest.raises(sp.SwarmError, match="closed"):
            ask()


def test_a_swarm_needs_a_manager_and_a_known_mode() -> None:
    with pytest.raises(sp.InvalidArgument, match="at least one manager"):
        sp.Swarm(managers=0)
    with pytest.raises(sp.InvalidArgument, match="workers is a whole number, not '2'"):
        sp.Swarm(workers="2")  # type: ignore[arg-type]
    with pytest.raises(sp.InvalidArgument, match="64 bits"):
        sp.Swarm(seed=-1)
    with pytest.raises(sp.InvalidArgument, match="is no name for a cluster"):
        sp.Swarm(name="a b/..")
    with sp.Swarm() as c, pytest.raises(sp.InvalidArgument, match="is no name for a node"):
        c.nodes.add(name="../x")
    with pytest.raises(sp.InvalidArgument, match='mode is "sim" or "real", not \'virtual\''):
        sp.Swarm(mode="virtual")


def test_a_broken_invariant_raises_and_kills_that_swarm_only() -> None:
    """The engine has no known bug to trip, so one is asked for: an answer to no call."""
    with sp.Swarm(seed=1) as broken, sp.Swarm(seed=1) as sound:
        core = broken._world.core  # type: ignore[attr-defined]
        with pytest.raises(sp.InvariantError) as caught:
            core.reply(999_999)
        assert caught.value.code == "Internal" and "seed" in caught.value.hint
        with pytest.raises(sp.InvariantError):
            broken.sleep("1s")
        sound.sleep("1s")
        assert sound.nodes.leader


# ---- nodes of their own


def test_nodes_of_their_own_init_join_and_leave() -> None:
    with sp.Node("m1", mode="sim") as m1, sp.Node("w1", mode="sim") as w1:
        assert m1.swarm.state == "inactive"
        with pytest.raises(sp.NotManager):
            m1.swarm.join_token("worker")
        node_id = m1.swarm.init()
        assert m1.id == node_id and m1.swarm.state == "active"
        token = m1.swarm.join_token("worker")
        assert token.startswith("SWMTKN-1-") and token.role == "worker" and "SWMTKN-1-..." in repr(token)
        with pytest.raises(sp.SwarmError):
            w1.swarm.join("SWMTKN-1-nonsense", m1)
        assert w1.swarm.state == "inactive"
        w1.swarm.join(token, m1)
        c = sp.connect(m1)
        assert [node.name for node in c.nodes] == ["m1", "w1"] and m1.role == "manager"
        assert c.services.create("nginx", replicas=2).wait()
        with pytest.raises(sp.SwarmError, match="already part of a swarm"):
            w1.swarm.init()
        with pytest.raises(sp.NotManager):
            _ = w1.role
        w1.swarm.leave()
        assert c.run(until=lambda c: c.nodes["w1"].state == "down", timeout="30s")
        with pytest.raises(sp.SwarmError, match=r"--force|force"):
            m1.swarm.leave()
        m1.swarm.leave(force=True)
        assert m1.swarm.state == "inactive"


def test_a_rotated_token_is_worth_nothing() -> None:
    with sp.Node("a") as manager, sp.Node("b") as other:
        manager.swarm.init()
        old = manager.swarm.join_token("manager")
        new = old.rotate()
        assert new != old
        with pytest.raises(sp.SwarmError):
            other.swarm.join(old, manager)
        other.swarm.join(new, manager.addr)
        assert len(sp.connect(manager).nodes) == 2


def test_a_stream_whose_node_dies_says_so_and_does_not_just_end(c: sp.Swarm) -> None:
    coming = c.events("node", timeout="20s")
    asked = c._hub.client._last
    c.nodes[asked].kill()
    with pytest.raises(sp.Unreachable, match=f"{asked} stopped while it was asked"):
        list(coming)
    assert c.run(until=lambda c: c.nodes[asked].state == "down", timeout="20s"), (
        "others answer the next request"
    )


def test_several_threads_may_use_one_swarm(c: sp.Swarm, web: sp.Service) -> None:
    wrong: list[BaseException] = []

    def use() -> None:
        try:
            for _ in range(10):
                assert web.running == 4
                c.sleep("10ms")
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
