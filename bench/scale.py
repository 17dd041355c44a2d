"""A service of 9 tasks is scaled to 30; how long until all run."""

from __future__ import annotations

import time
from typing import Any

from bench.swarm import Events, is_running, swarm
from bench.table import Row, median, milliseconds, show

ROUNDS = 5


def measure() -> list[Row]:
    took = []
    with swarm() as s:
        s.create("web", 9)
        s.until_running("web", 9)
        for _ in range(ROUNDS):
            events = Events(s.leader())
            begun = time.perf_counter()
            s.update("web", lambda spec: _scale(spec, 30))
            moment = begun
            for _ in range(21):
                moment = events.wait(is_running("web"))
            took.append(moment - begun)
            events.close()
            s.update("web", lambda spec: _scale(spec, 9))
            s.until_running("web", 9)
    text = f"p50 {milliseconds(median(took))}, max {milliseconds(max(took))} (n={len(took)})"
    return [Row("service scaled 9 -> 30, all running", "<= 1 s", text, max(took) <= 1, docker="5.4 s")]


def _scale(spec: dict[str, Any], replicas: int) -> None:
    spec["Mode"]["Replicated"]["Replicas"] = replicas


if __name__ == "__main__":
    show(measure)
