"""kill -9 of a worker: until it is shown as down, and until its tasks run elsewhere. Restart delay 0."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

from bench.swarm import Swarm, swarm
from bench.table import Row, median, milliseconds, show

ROUNDS, TASKS = 8, 10


def measure() -> list[Row]:
    with swarm() as s:
        s.create("web", TASKS)
        s.until_running("web", TASKS)
        rounds = [_round(s) for _ in range(ROUNDS)]
    down, elsewhere = [first for first, _ in rounds], [second for _, second in rounds]
    return [
        Row("worker kill -9 -> Down", "<= 1 s", _text(down), max(down) <= 1, docker="9.5 s"),
        Row(
            "  -> its tasks run elsewhere",
            "<= 1.5 s",
            _text(elsewhere),
            max(elsewhere) <= 1.5,
            docker="16.5 s",
        ),
    ]


def _text(values: list[float]) -> str:
    return f"p50 {milliseconds(median(values))}, max {milliseconds(max(values))} (n={len(values)})"


def _again(spec: dict[str, Any]) -> None:
    spec["TaskTemplate"]["ForceUpdate"] = spec["TaskTemplate"].get("ForceUpdate", 0) + 1


def _round(s: Swarm) -> tuple[float, float]:
    worker, door = s.node("w1"), s.leader().door
    identity = next(n["ID"] for n in door.get("/nodes") if n["Description"]["Hostname"] == "w1")
    s.until(lambda: any(task["NodeID"] == identity for task in s.tasks("web")), "w1 has tasks")
    pid = worker.pid
    assert pid is not None
    begun = time.perf_counter()
    os.kill(pid, signal.SIGKILL)
    s.until(lambda: door.get(f"/nodes/{identity}")["Status"]["State"] == "down", "w1 is down")
    down = time.perf_counter() - begun

    def moved() -> bool:
        tasks = s.tasks("web")
        return len(tasks) == TASKS and all(task["NodeID"] != identity for task in tasks)

    s.until(moved, "its tasks run elsewhere")
    elsewhere = time.perf_counter() - begun
    s.until(lambda: not worker.alive, "it is dead")
    worker.start()
    s.until_whole()
    # Tasks do not move back by themselves: a forced update gives the worker some again.
    s.update_and_wait("web", _again)
    return down, elsewhere


if __name__ == "__main__":
    show(measure)
