"""One script, two worlds: the milestones of every slot come in the same order."""

from __future__ import annotations

from collections import defaultdict

import pytest

import swarmpy as sp

MILESTONES = {
    "assigned": "assigned",
    "running": "running",
    "failed": "over",
    "shutdown": "over",
}


def play(c: sp.Swarm) -> dict[str, list[tuple[str, str]]]:
    """Create, kill a task, scale, update, roll back; gives (image, milestone) of each slot, in order."""
    coming = c.events("task", since=0.0, timeout=float("inf"))
    web = c.services.create(
        "nginx:1.10",
        name="web",
        replicas=3,
        restart_delay=0,
        update=sp.Rolling(parallelism=1, monitor="300ms"),
        rollback=sp.Rolling(parallelism=1, monitor="300ms"),
    )
    assert web.wait()
    next(task for task in web.tasks if task.slot == 2).kill()
    assert web.wait()
    assert web.scale(4).wait()
    assert web.update(image="nginx:1.11").wait()
    assert {task.image for task in web.tasks.running} == {"nginx:1.11"}
    assert web.rollback().wait()
    assert [one.current for one in web.history()].count(True) == 1
    mark = c.services.create("nginx:1.10", name="mark")
    assert mark.wait()
    return milestones(coming)


def milestones(coming: object) -> dict[str, list[tuple[str, str]]]:
    """Reads events until the marker's task runs; each task passes each milestone once."""
    seen: dict[str, list[tuple[str, str]]] = defaultdict(list)
    passed = set()
    for event in coming:  # type: ignore[attr-defined]
        if event.attributes["service"] == "mark":
            if event.action == "running":
                break
            continue
        milestone = MILESTONES.get(event.action)
        if milestone and (event.id, milestone) not in passed:
            passed.add((event.id, milestone))
            seen[event.attributes["slot"]].append((event.attributes["image"], milestone))
    return dict(seen)


def life(image: str) -> list[tuple[str, str]]:
    return [(image, "assigned"), (image, "running"), (image, "over")]


EXPECTED = {
    "1": [*life("nginx:1.10"), *life("nginx:1.11"), *life("nginx:1.10")[:2]],
    "2": [*life("nginx:1.10"), *life("nginx:1.10"), *life("nginx:1.11"), *life("nginx:1.10")[:2]],
    "3": [*life("nginx:1.10"), *life("nginx:1.11"), *life("nginx:1.10")[:2]],
    "4": [*life("nginx:1.10"), *life("nginx:1.11"), *life("nginx:1.10")[:2]],
}


def in_order(slots: dict[str, list[tuple[str, str]]]) -> dict[str, list[tuple[str, str]]]:
    """A replacement may be assigned before the old task is over: that order is not promised."""
    return {slot: sorted_lives(steps) for slot, steps in sorted(slots.items())}


def sorted_lives(steps: list[tuple[str, str]]) -> list[tuple[str, str]]:
    ordered = list(steps)
    for i in range(len(ordered) - 1):
        if ordered[i][1] == "assigned" and ordered[i + 1][1] == "over":
            ordered[i], ordered[i + 1] = ordered[i + 1], ordered[i]
    return ordered


def test_the_script_in_virtual_time() -> None:
    with sp.Swarm(managers=3, workers=2, seed=11) as c:
        assert in_order(play(c)) == EXPECTED


@pytest.mark.real
def test_the_same_script_on_real_daemons() -> None:
    with sp.Swarm(managers=3, workers=2, mode="real") as c:
        assert in_order(play(c)) == EXPECTED
