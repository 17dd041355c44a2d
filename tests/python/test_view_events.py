"""What a view remembers is what the swarm's events say, change by change, whenever it looked."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from itertools import groupby

import pytest

import swarmpy as sp
from swarmpy._connection.base import Connection
from swarmpy._view import recorder
from swarmpy._view.model import Sample

WORLDS = [pytest.param("sim", id="sim"), pytest.param("real", id="real", marks=pytest.mark.real)]


@pytest.fixture(autouse=True)
def nothing_on_screens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWARMPY_DISPLAY", "static")


def told(c: sp.Swarm, since: float) -> list[tuple[float, int]]:
    """(when, how many tasks run and are meant to), counted from events alone, from `since` on."""
    down: set[str] = set()
    tasks: dict[str, tuple[bool, str]] = {}  # does it run, is it meant to, and where
    curve: list[tuple[float, int]] = []
    for at, together in groupby(c.events(["node", "task"]), lambda event: event.at):
        for event in together:
            facts = event.attributes
            if event.kind == "node" and "state.new" in facts:
                (down.add if facts["state.new"] == "down" else down.discard)(event.id)
            if event.kind == "task":
                runs = event.action == facts.get("desired_state") == "running"
                tasks[event.id] = runs, facts.get("node.id", "")
        if at >= since:
            curve.append((at, sum(runs and node not in down for runs, node in tasks.values())))
    return curve


def changes_of(curve: Iterable[tuple[float, int]]) -> list[tuple[float, int]]:
    """Without what is no change."""
    out: list[tuple[float, int]] = []
    for at, count in curve:
        if not out or out[-1][1] != count:
            out.append((round(at, 6), count))
    return out


def running(samples: Iterable[Sample]) -> list[tuple[float, int]]:
    return changes_of((one.at, sum(one.running.values())) for one in samples)


def web(c: sp.Swarm, replicas: int, parallelism: int) -> sp.Service:
    made = c.services.create(
        "nginx:1.10",
        name="web",
        replicas=replicas,
        restart_delay="1s",
        update=sp.Rolling(parallelism=parallelism, delay="200ms", monitor="100ms"),
    )
    assert made.wait()
    return made


def lives(watcher: recorder.Recorder) -> list[tuple[object, ...]]:
    return [dataclasses.astuple(life) for life in watcher.history.lives.values() if life.ended is None]


@pytest.mark.parametrize("seed", range(12))
def test_an_updates_curve_is_what_its_events_say(seed: int) -> None:
    with sp.Swarm(managers=3, workers=2, seed=seed) as c:
        service = web(c, replicas=9, parallelism=3)
        began = c.now
        with c.watch() as view:
            assert service.update(image="nginx:1.11").wait()
            c.sleep("1s")
        seen = running(view.history.samples)
        assert min(count for _, count in seen) == min(count for _, count in told(c, began)) == 6
        assert seen[1:] == changes_of([(began, 9), *told(c, began)])[1:]
        assert view.frame.services[0].running == service.running == 9


@pytest.mark.parametrize("seed", range(8))
def test_so_is_that_of_a_node_that_dies_and_returns(seed: int) -> None:
    with sp.Swarm(managers=3, workers=3, seed=seed) as c:
        service = web(c, replicas=9, parallelism=3)
        began = c.now
        with c.watch("tasks", "timeline") as view:
            c.nodes["w1"].kill()
            assert service.wait()
            c.nodes["w1"].restart()
            c.nodes.leader.kill()
            service.tasks.running[0].kill()
            c.sleep("6s")
        seen = running(view.history.samples)
        assert seen[1:] == changes_of([(began, 9), *told(c, began)])[1:]
        assert min(count for _, count in seen) < 9 == seen[-1][1]
        marks = [mark.text for mark in view.history.marks]
        downs = [event.at for event in c.events("node", since=began)
                 if event.attributes.get("state.new") == "down"]  # fmt: skip
        assert [mark.at for mark in view.history.marks if mark.text.endswith("is down")] == downs
        assert marks.count("w1 killed") == 1 and any(text.endswith(" leads") for text in marks)


@pytest.mark.real
def test_the_real_worlds_too() -> None:
    with sp.Swarm(managers=3, workers=2, mode="real") as c:
        service = web(c, replicas=9, parallelism=3)
        began = c.now
        with c.watch() as view:
            assert service.update(image="nginx:1.11").wait()
            c.nodes["w1"].kill()
            c.nodes.leader.kill()
            c.run(until=lambda c: c.nodes["w1"].state == "down" and service.running == 9, timeout="30s")
            assert service.wait(timeout="30s")
        seen = running(view.history.samples)
        assert min(count for _, count in seen) == min(count for _, count in told(c, began))
        assert seen[1:] == changes_of([(began, 9), *told(c, began)])[1:]


def test_a_dip_between_two_looks_is_seen_whoever_is_asked() -> None:
    """A look after ten seconds sees the same as a look at every tenth of one."""
    with sp.Swarm(managers=3, workers=2, seed=4) as c:
        service = web(c, replicas=9, parallelism=3)
        rarely, often = recorder.Recorder(c._world), recorder.Recorder(c._world)
        rarely.look()
        often.look()
        service.update(image="nginx:1.11")
        for _ in range(100):
            c.sleep("100ms")
            often.look()
        c.nodes["m1"].kill()
        rarely.look()
        often.look()
        assert running(rarely.history.samples)[1:] == running(often.history.samples)[1:]
        assert min(count for _, count in running(rarely.history.samples)) == 6
        assert lives(rarely) == lives(often)


def test_what_is_no_longer_kept_is_asked_for_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    with sp.Swarm(managers=3, workers=2, seed=4) as c:
        service = web(c, replicas=4, parallelism=1)
        paths: list[str] = []
        ask = recorder._ask

        def noted(door: Connection, path: str, query: Mapping[str, object] | None = None) -> bytes:
            paths.append(path)
            return ask(door, path, query)

        monkeypatch.setattr(recorder, "_ask", noted)
        watcher = recorder.Recorder(c._world)
        watcher.look()
        assert [path for path in paths if path == "/tasks"] == ["/tasks"]
        service.scale(6).wait()
        watcher.look()
        assert paths.count("/tasks") == 1, "only what changed"
        watcher._cursor = 0  # as if all that was kept had been pushed out
        service.scale(7).wait()
        assert watcher.look()
        assert paths.count("/tasks") == 2
        assert len(watcher.frame.tasks) == 7 and watcher.frame.services[0].running == 7


def test_the_cost_of_a_look_goes_with_what_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    with sp.Swarm(managers=3, workers=5, seed=4) as c:
        web(c, replicas=400, parallelism=1)
        other = c.services.create("nginx:1.10", name="other", replicas=1)
        other.wait()
        sizes: list[int] = []
        ask = recorder._ask

        def measured(door: Connection, path: str, query: Mapping[str, object] | None = None) -> bytes:
            body = ask(door, path, query)
            sizes.append(len(body))
            return body

        watcher = recorder.Recorder(c._world)
        watcher.look()
        monkeypatch.setattr(recorder, "_ask", measured)
        other.tasks.running[0].kill()
        c.sleep("2s")
        watcher.look()
        assert sum(sizes) < 30_000, "400 tasks are 400 kB"


def test_no_task_outlives_its_daemon_in_the_picture() -> None:
    """Nor one whose daemon was back before anybody looked."""
    with sp.Swarm(managers=3, workers=2, seed=5) as c:
        service = web(c, replicas=6, parallelism=1)
        with c.watch("timeline") as view:
            c.sleep("1s")
            old = {task.id for task in service.tasks.running if task.node == "w1"}
            began = c.now
            c.nodes["w1"].restart()
            back = c.now
            c.sleep("4s")
            assert service.wait()
        ended = {life.id: life.ended for life in view.history.lives.values() if life.ended is not None}
        assert old and set(ended) == old
        assert all(began <= at <= back for at in ended.values())


@pytest.mark.parametrize("seed", range(4))
def test_a_leader_of_less_than_a_tenth_of_a_second_is_seen(seed: int) -> None:
    with sp.Swarm(managers=5, seed=seed) as c:
        led: list[tuple[str, float]] = []
        with c.watch("timeline") as view:
            c.sleep("1s")
            for _ in range(2):
                before = c.nodes.leader
                assert before is not None
                before.kill()
                assert c.run(until=lambda c, old=before: c.nodes.leader not in (None, old), timeout="10s")
                now = c.nodes.leader
                assert now is not None
                led.append((f"{now.name} leads", c.now))
            c.sleep("1s")
        marks = [mark for mark in view.history.marks if mark.kind == "leader"]
        assert [mark.text for mark in marks] == [text for text, _ in led]
        assert all(abs(mark.at - at) < 0.05 for mark, (_, at) in zip(marks, led, strict=True))


def test_more_at_once_than_managers_keep_is_no_flat_line() -> None:
    """Thousands of changes in a moment: all 700 tasks are replaced at once."""
    with sp.Swarm(managers=3, workers=20, seed=2) as c:
        service = web(c, replicas=700, parallelism=0)
        with c.watch("tasks") as view:
            c.sleep("1s")
            assert service.update(image="nginx:1.11").wait()
        counts = [count for _, count in running(view.history.samples)]
        assert min(counts) < 70 and counts[-1] == 700


def test_a_gap_is_bridged_by_what_tasks_say_of_themselves() -> None:
    with sp.Swarm(managers=3, workers=2, seed=4) as c:
        service = web(c, replicas=9, parallelism=3)
        watcher = recorder.Recorder(c._world)
        watcher.look()
        began = c.now
        assert service.update(image="nginx:1.11").wait()
        watcher._cursor = 0  # as if all that was kept had been pushed out
        assert watcher.look()
        seen = running(watcher.history.samples)
        assert min(count for _, count in seen) == min(count for _, count in told(c, began)) == 6
        assert seen[-1][1] == 9


@pytest.mark.real
def test_a_history_can_be_read_while_it_grows() -> None:
    with sp.Swarm(managers=1, workers=1, mode="real") as c:
        service = web(c, replicas=1, parallelism=1)
        with c.watch() as view:
            for replicas in range(2, 14):
                service.scale(replicas)
                for _ in range(50):
                    history = view.history
                    assert sum(1 for _ in history.samples) == len(history.samples)
                    assert len([life for life in history.lives.values() if life.created]) == len(
                        history.lives
                    )
                    assert len(view.frame.tasks) <= 14
