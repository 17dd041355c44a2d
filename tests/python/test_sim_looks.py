"""Looking at a simulated swarm changes nothing: no time, no chance, no event; and waits see every event."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import pytest

import swarmpy as sp
from swarmpy._converge import ServiceWait, SwarmWait
from swarmpy._hub import Hub

SEEDS = range(60)


def core(c: sp.Swarm) -> object:
    return c._world.core  # type: ignore[attr-defined]


def nobody(c: sp.Swarm) -> None:
    pass


def everything(c: sp.Swarm) -> None:
    """Every way that there is to look, wherever the swarm stands."""
    before = c.now, c.trace_hash
    (
        repr(c),
        str(c),
        c._repr_html_(),
        c.peek(),
        repr(c.peek()),
        repr(c.nodes),
        c.nodes._repr_html_(),
        repr(c.services),
    )
    assert c.nodes.leader is None or c.nodes.leader.is_leader
    for node in c.nodes:
        repr(node), node._repr_html_(), node.role, node.state, node.availability, node.reachability
        node.labels, node.alive, node.addr, repr(node.swarm)
        if node.alive:
            assert node.swarm.state == "active" and node.swarm.node_id == node.id
        if node.alive and node.role == "manager":
            repr(node.raft), node.raft._repr_html_(), repr(node.raft.log), node.raft.log.to_dicts()
    repr(c.metrics), c.metrics._repr_html_(), c.metrics.to_dicts(), c.events("raft")._repr_html_()
    for service in c.services:
        repr(service), service._repr_html_(), str(service.tasks), service.running, service.replicas
        service.image, service.mode, service.update_state, service.spec, service.history()
        for task in service.tasks:
            repr(task), task._repr_html_(), task.row()
        with contextlib.suppress(sp.IncompleteLogs):
            assert isinstance(service.logs(), list) and service.logs(tail=0) == []
        assert service.name in c.services and len(service.tasks.running) <= len(service.tasks)
    assert len(c.nodes) == 5 and len(c.services) >= 0
    assert c.events() and c.events("task") is not None and c.events(since=0.0)
    assert (c.now, c.trace_hash) == before


def story(seed: int, look: Callable[[sp.Swarm], None]) -> tuple[object, ...]:
    with sp.Swarm(managers=3, workers=2, seed=seed) as c:
        look(c)
        web = c.services.create("nginx:1.10", name="web", replicas=4, ports=["8080:80"])
        look(c)
        assert web.wait()
        leader = c.nodes.leader
        assert leader is not None
        leader.kill()
        look(c)
        assert c.wait_converged()
        look(c)
        web.scale(6)
        look(c)
        assert c.run(until=lambda c: c.services["web"].running == 6)
        assert c.http.get("w1:8080").status == 200
        look(c)
        leader.restart()
        look(c)
        web.tasks.running[0].kill()
        assert web.update(image="nginx:1.11", update=sp.Rolling(parallelism=3, monitor="1s")).wait()
        look(c)
        c.nodes["w1"].drain()
        assert web.wait()
        look(c)
        return c.trace_hash, c.now, [repr(task) for task in web.tasks]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_same_run_with_and_without_looks(seed: int) -> None:
    assert story(seed, everything) == story(seed, nobody)


@pytest.mark.parametrize("seed", range(20))
def test_the_same_run_with_and_without_a_picture(seed: int) -> None:
    def watched() -> tuple[object, ...]:
        views = []

        def look(c: sp.Swarm) -> None:
            if not views:
                views.append(c.watch())

        return story(seed, look)

    assert watched() == story(seed, nobody)


def test_a_look_at_the_moment_of_a_fault_shows_what_is_known_and_no_leader() -> None:
    with sp.Swarm(managers=3, workers=2, seed=5) as c:
        web = c.services.create("nginx:1.10", name="web", replicas=4)
        assert web.wait()
        leader = c.nodes.leader
        assert leader is not None
        at = c.now
        leader.kill()
        assert c.nodes.leader is None and len(c.nodes) == 5 and web.replicas == 4
        assert not any(node.is_leader for node in c.nodes)
        assert c.now == at
        assert c.run(until=lambda c: c.nodes.leader is not None)
        assert c.now > at


def test_without_a_quorum_a_look_says_so_at_once() -> None:
    with sp.Swarm(managers=3, seed=5) as c:
        at = c.now
        c.nodes["m1"].kill()
        c.nodes["m2"].kill()
        with pytest.raises(sp.NoQuorum):
            _ = c.services["web"]
        assert c.nodes.leader is None and c.now == at


@pytest.mark.parametrize("seed", range(10))
def test_a_look_shows_the_side_that_has_a_quorum(seed: int) -> None:
    with sp.Swarm(managers=3, workers=2, seed=seed) as c:
        old = c.nodes.leader
        assert old is not None
        others = [node.name for node in c.nodes if node.name != old.name]
        core(c).partition([[old.name], others])  # type: ignore[attr-defined]
        assert c.nodes.leader is None, "it cannot reach a quorum any more, whatever it thinks"
        assert c.run(until=lambda c: c.nodes.leader is not None, timeout="30s")
        new = c.nodes.leader
        assert new is not None and new.name in others
        assert c.services.create("nginx", name="web").wait()
        assert "web" in c.services
        with pytest.raises(sp.NoQuorum):
            old.swarm.join_token()


def test_what_tasks_wrote_is_a_look_and_a_lost_node_is_named() -> None:
    with sp.Swarm(managers=3, workers=2, seed=5) as c:
        web = c.services.create("nginx:1.10", name="web", replicas=5)
        assert web.wait()
        at = c.now, c.trace_hash
        lines = web.logs()
        assert {line.task for line in lines} == {task.id for task in web.tasks}
        assert {line.node for line in lines} == {task.node for task in web.tasks}
        assert [str(line) for line in web.logs(tail=0)] == []
        c.nodes["w1"].kill()
        with pytest.raises(sp.IncompleteLogs, match="node w1 is not available") as caught:
            web.logs()
        assert {line.node for line in caught.value.lines} == {line.node for line in lines} - {"w1"}
        assert c.now == at[0]


# ---- waits


def test_run_until_sees_every_state_however_short() -> None:
    """A task is `starting` for some milliseconds: no sample at 5 to 200 ms would be sure to see it."""

    def swarm() -> sp.Swarm:
        return sp.Swarm(managers=3, workers=2, seed=9)

    with swarm() as c:
        assert c.services.create("nginx:1.10", name="web").wait()
        states = list(dict.fromkeys(event.action for event in c.events("task", service="web")))
    assert {"assigned", "starting", "running"} <= set(states)
    with swarm() as c:
        web = c.services.create("nginx:1.10", name="web")
        for state in states:
            assert c.run(until=lambda c: web.tasks and web.tasks[0].state == state), state  # noqa: B023


def test_run_until_returns_at_the_very_event() -> None:
    with sp.Swarm(managers=3, workers=2, seed=9) as c:
        web = c.services.create("nginx:1.10", name="web", replicas=4)
        moments = []
        while web.running < 4:
            assert c.step()
            moments.append(c.now)
        step_by_step = c.now
    with sp.Swarm(managers=3, workers=2, seed=9) as c:
        web = c.services.create("nginx:1.10", name="web", replicas=4)
        assert c.run(until=lambda c: web.running == 4)
        assert c.now == step_by_step == moments[-1]


def test_a_condition_on_the_clock_is_asked_at_every_event() -> None:
    with sp.Swarm(managers=3, workers=2, seed=9) as c:
        wanted = c.now + 1.5
        assert c.run(until=lambda c: c.now >= wanted)
        reached = c.now
    with sp.Swarm(managers=3, workers=2, seed=9) as c:
        while c.now < wanted:
            c.step()
        assert c.now == reached


def test_a_condition_that_sees_nothing_of_the_swarm_is_asked_now_and_then() -> None:
    with sp.Swarm(managers=1, seed=9) as c:
        asked = iter(range(100))
        assert c.run(until=lambda c: next(asked) == 10, timeout="60s")
        assert 1 <= c.now <= 20


def test_a_condition_may_act() -> None:
    with sp.Swarm(managers=3, workers=2, seed=9) as c:
        web = c.services.create("nginx:1.10", name="web", replicas=2)
        killed: list[str] = []

        def kill_then_scale(c: sp.Swarm) -> bool:
            if web.running == 2 and not killed:
                killed.append("w1")
                c.nodes["w1"].kill()
                web.scale(3)
                assert c.http is not None
            return bool(killed) and web.running == 3

        assert c.run(until=kill_then_scale)
        assert killed and not c.nodes["w1"].alive


def test_an_error_in_a_condition_ends_the_wait_with_it() -> None:
    with sp.Swarm(managers=1, seed=9) as c:
        with pytest.raises(ZeroDivisionError):
            c.run(until=lambda c: 1 / 0)
        assert c.run(until=lambda c: len(c.nodes) == 1)


def test_wait_ends_at_the_event_that_made_it_true() -> None:
    with sp.Swarm(managers=3, workers=2, seed=9) as c:
        web = c.services.create("nginx:1.10", name="web", replicas=4)
        assert web.wait()
        last = max(event.at for event in c.events("task", service="web") if event.action == "running")
        assert c.now - last < 0.003


def test_a_drained_node_is_left_before_a_wait_is_over() -> None:
    for seed in range(10):
        with sp.Swarm(managers=3, workers=2, seed=seed) as c:
            web = c.services.create("nginx:1.10", name="web", replicas=5)
            assert web.wait()
            c.nodes["w1"].drain()
            assert web.wait()
            assert "w1" not in {task.node for task in web.tasks.running}


def test_a_node_that_stops_fitting_is_left_before_a_wait_is_over() -> None:
    with sp.Swarm(managers=3, workers=2, seed=1) as c:
        for node in c.nodes:
            node.label(rack="a")
        web = c.services.create("nginx:1.10", name="web", replicas=5, constraints=["node.labels.rack==a"])
        assert web.wait()
        c.nodes["w1"].label(rack="b")
        assert web.wait()
        assert "w1" not in {task.node for task in web.tasks.running}


@pytest.mark.parametrize("seed", range(15))
def test_a_wait_ends_where_the_rule_says_so_first(seed: int) -> None:
    """The engine asks the rule only where its gate is open: never may that be too late."""

    def story(c: sp.Swarm, wait: Callable[[sp.Service], None]) -> list[float]:
        web = c.services.create("nginx:1.10", name="web", replicas=4)
        every = c.services.create("nginx:1.10", name="every", mode="global")
        ends = []
        for act in (
            lambda: web,
            lambda: every,
            lambda: c.nodes["w1"].kill() and web,
            lambda: every,
            lambda: web.scale(2),
            lambda: web.update(image="nginx:1.11", update=sp.Rolling(parallelism=2, monitor="1s")),
            lambda: c.nodes["w1"].restart() and every,
            lambda: c.nodes["w2"].drain() and web,
            lambda: every,
            lambda: web.update(image="nosuch:1", update=sp.Rolling(monitor="1s")),
            lambda: web.rollback(),
        ):
            wait(act())
            ends.append(c.now)
        return ends

    def by_the_rule(service: sp.Service) -> None:
        """After each event."""
        waiting = ServiceWait(service._hub, service.id, service.name, 60.0)
        while not waiting._look():
            service._hub.world.step()
        waiting.outcome(True)

    with sp.Swarm(managers=3, workers=2, seed=seed) as c:
        exact = story(c, by_the_rule)
    with sp.Swarm(managers=3, workers=2, seed=seed) as c:
        assert story(c, lambda service: service.wait()) == exact


@pytest.mark.parametrize("seed", range(10))
def test_a_wait_for_the_whole_swarm_ends_there_too(seed: int) -> None:
    def story(c: sp.Swarm, wait: Callable[[], object]) -> list[float]:
        web = c.services.create("nginx:1.10", name="web", replicas=4)
        ends = []
        for act in (
            lambda: web,
            lambda: web.update(image="nginx:1.11"),
            lambda: c.nodes["w1"].kill(),
            lambda: web.scale(1),
            lambda: web.update(image="nginx:1.12", update=sp.Rolling(order="start-first", monitor="1s")),
            lambda: c.nodes["w1"].restart(),
            lambda: web.rollback(),
            lambda: c.nodes["m1"].kill(),
        ):
            act()
            wait()
            ends.append(c.now)
        return ends

    def by_the_rule(c: sp.Swarm) -> None:
        waiting = SwarmWait(c._hub, 60.0, 0.0)
        while not waiting.settled():
            c._world.step()

    with sp.Swarm(managers=3, workers=2, seed=seed) as c:
        exact = story(c, lambda: by_the_rule(c))
    with sp.Swarm(managers=3, workers=2, seed=seed) as c:
        assert story(c, c.wait_converged) == exact


# ---- peek


def test_a_peek_is_a_value() -> None:
    with sp.Swarm(managers=3, workers=2, seed=9) as c:
        empty = c.peek()
        assert empty.services == empty.tasks == () and empty.at == c.now
        web = c.services.create("nginx:1.10", name="web", replicas=4)
        assert web.wait()
        before = c.peek()
        assert before == c.peek() != empty and len({before, c.peek()}) == 1
        assert [node.name for node in before.nodes] == ["m1", "m2", "m3", "w1", "w2"]
        assert before.running("web") == before.service("web").running == before.service("web").wanted == 4
        assert [task.slot for task in before.tasks_of("web")] == [1, 2, 3, 4]
        assert {task.node for task in before.tasks if task.runs} <= {node.name for node in before.nodes}
        assert before.leader == next(node.name for node in before.nodes if node.leader)
        assert [one.role for one in before.raft].count("leader") == 1 and before.term >= 1
        assert {one.leader for one in before.raft} == {before.leader}
        with pytest.raises(sp.NotFound, match="node x not found"):
            before.node("x")
        c.nodes["w1"].kill()
        assert not c.peek().node("w1").alive and c.peek().node("w1").state == "ready"
        assert c.run(until=lambda c: c.peek().node("w1").state == "down" and c.peek().running("web") == 4)
        assert before.node("w1").alive, "it does not change"
        for text in (repr(c.peek()), c.peek()._repr_html_()):
            assert "web" in text and "w1" in text and "m1" in text


def test_a_peek_needs_no_leader_and_no_quorum() -> None:
    with sp.Swarm(managers=3, workers=1, seed=9) as c:
        assert c.services.create("nginx:1.10", name="web", replicas=4).wait()
        leader = c.peek().leader
        assert leader is not None
        c.nodes[leader].kill()
        at, hash_ = c.now, c.trace_hash
        seen = c.peek()
        assert seen.leader is None and len(seen.tasks) == 4 and not any(node.leader for node in seen.nodes)
        assert c.run(until=lambda c: c.peek().leader is not None)
        assert c.peek().term > seen.term - 1
        for name in ("m1", "m2"):
            c.nodes[name].kill()
        assert c.peek().leader is None and c.peek().service("web").wanted == 4
        c.nodes["m3"].kill()
        with pytest.raises(sp.Unreachable):
            c.peek()
        assert (at, hash_) != (c.now, c.trace_hash)


def test_no_event_shows_two_leaders_of_one_term() -> None:
    """What an invariant is made of: a peek after every event."""
    with sp.Swarm(managers=3, workers=1, seed=9) as c:
        leaders: dict[int, str] = {}

        def one_each(c: sp.Swarm) -> bool:
            for one in c.peek().raft:
                if one.role == "leader":
                    assert leaders.setdefault(one.term, one.node) == one.node
            return False

        for _ in range(3):
            leader = c.nodes.leader
            assert leader is not None
            leader.kill()
            c.run(until=one_each, timeout="3s")
            leader.restart()
            assert c.run(until=lambda c: c.nodes.leader is not None)
        assert len(leaders) >= 3


def test_nodes_of_their_own_are_looked_at_too() -> None:
    with sp.Node("a") as a, sp.Node("b") as b:
        a.swarm.init()
        b.swarm.join(a.swarm.join_token("worker"), a)
        c = sp.connect(a)
        before = c.now, c.trace_hash
        assert a.role == "manager" and a.state and a.is_leader and b.swarm.state == "active"
        assert a.id != b.id and len(c.nodes) == 2 and c.peek().leader == "a"
        assert (c.now, c.trace_hash) == before


def test_a_condition_is_not_asked_twice_of_the_same() -> None:
    with sp.Swarm(managers=3, workers=20, seed=9) as c:
        web = c.services.create("nginx:1.10", name="web", replicas=200)
        asked = []
        assert c.run(until=lambda c: asked.append(c._world.core.changes()) or web.running == 200)  # type: ignore[attr-defined,func-returns-value]
        assert len(asked) == len(set(asked)) > 10


@pytest.mark.parametrize("seed", range(20))
def test_what_only_the_lost_leader_knew_is_not_called_missing(seed: int) -> None:
    with sp.Swarm(managers=3, seed=seed) as c:
        web = c.services.create("nginx", name="web", replicas=4)
        c.nodes.leader.kill()
        looks: list[Callable[[], object]] = [
            lambda: web.running,
            lambda: web.spec,
            lambda: web.tasks,
            lambda: c.services["web"],
        ]
        for look in looks:
            with pytest.raises(sp.NoQuorum):
                look()
        with c.watch(service="web"):
            assert web.wait() and c.services["web"] == web


def test_a_condition_counts_a_thousand_tasks_without_reading_them(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    whole = Hub.tasks
    monkeypatch.setattr(Hub, "tasks", lambda hub, service: read.append(service) or whole(hub, service))
    with sp.Swarm(managers=3, workers=20, seed=1) as c:
        web = c.services.create("nginx", name="web", replicas=1000)
        assert c.run(until=lambda c: web.running == 1000)
        assert len(read) <= 1 and "1000/1000" in repr(web)
        assert web.running == 1000 == len(web.tasks.running)


def test_a_count_in_a_condition_is_the_count_outside() -> None:
    with sp.Swarm(managers=3, workers=3, seed=4) as c:
        web = c.services.create("nginx", name="web", replicas=8)
        assert web.wait()
        c.nodes["w1"].kill()
        seen: set[int] = set()

        def agree(c: sp.Swarm) -> bool:
            count = web.running
            seen.add(count)
            assert count == sum(task.state == "running" == task.desired_state for task in web.tasks.running)
            return False

        c.run(until=agree, timeout="20s")
        assert len(seen) > 1
        web.remove()
        with pytest.raises(sp.NotFound):
            c.run(until=lambda c: web.running == 0, timeout="1s")
