"""A rolling update of 20 tasks, one after the other, no delay, monitored for 1 ms: what a step costs beyond
stopping one process and starting another by hand.
"""

from __future__ import annotations

import signal
import time

from bench.floors import replace_by_hand
from bench.swarm import Swarm, swarm, to_image
from bench.table import Row, median, milliseconds, show

TASKS, ROUNDS = 20, 5
MILLISECOND = 1_000_000


def measure() -> list[Row]:
    floor = replace_by_hand(signal.SIGTERM)
    config = {"Parallelism": 1, "Delay": 0, "Monitor": MILLISECOND, "Order": "stop-first"}
    with swarm() as s:
        s.create("web", TASKS, UpdateConfig=config)
        s.until_running("web", TASKS)
        took = [_update(s, f"nginx:1.{11 + i}") / TASKS for i in range(ROUNDS)]
    floor += replace_by_hand(signal.SIGTERM)
    hand = median(floor)
    over = [step - hand for step in took]
    return [
        Row(
            f"rolling update, {TASKS} tasks, parallelism 1: total / {TASKS} less stop + start of one",
            "p50 <= 20 ms",
            f"p50 {milliseconds(median(over))}, max {milliseconds(max(over))} (n={ROUNDS} updates)",
            median(over) <= 0.020,
            f"stop + start by hand {milliseconds(hand)}; a step is {median(took) / hand:.1f}x",
            "about 3.1 s",
        )
    ]


def _update(s: Swarm, image: str) -> float:
    begun = time.perf_counter()
    s.update_and_wait("web", to_image(image))
    return time.perf_counter() - begun


if __name__ == "__main__":
    show(measure)
