"""A task's process is killed; how long until its replacement runs. Restart delay 0."""

from __future__ import annotations

import os
import random
import signal
import time

from bench.floors import replace_by_hand
from bench.swarm import Events, is_running, processes_of, swarm
from bench.table import Row, median, milliseconds, share, show, spread

ROUNDS = 100


def measure() -> list[Row]:
    took = []
    floor = replace_by_hand(signal.SIGKILL)
    with swarm() as s:
        s.create("web", 5)
        s.until_running("web", 5)
        events = Events(s.leader())
        for _ in range(ROUNDS):
            pid = random.choice(processes_of(s, "web"))
            events.forget()
            begun = time.perf_counter()
            os.kill(pid, signal.SIGKILL)
            took.append(events.wait(is_running("web")) - begun)
            s.until_running("web", 5)
        events.close()
    floor += replace_by_hand(signal.SIGKILL)
    return [
        Row(
            "task killed -> replacement runs",
            "p50 <= 10 ms, p99 <= 100 ms",
            spread(took),
            median(took) <= 0.010 and share(took, 0.99) <= 0.100,
            f"kill -> respawn by hand {milliseconds(median(floor))}: {median(took) / median(floor):.1f}x",
            "0.08-0.4 s",
        )
    ]


if __name__ == "__main__":
    show(measure)
