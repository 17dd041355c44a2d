"""kill -9 of the leader; how long until a write is accepted by those that are left."""

from __future__ import annotations

import contextlib
import os
import signal
import time

from bench.swarm import ALIVE, Swarm, spec, swarm
from bench.table import Row, median, show, spread
from swarmpy.errors import SwarmError

ROUNDS = 20


def measure() -> list[Row]:
    with swarm() as s:
        took = [_round(s, number) for number in range(ROUNDS)]
    return [
        Row(
            "leader kill -9 -> first accepted write",
            "p50 <= 150 ms, max <= 500 ms",
            spread(took),
            median(took) <= 0.150 and max(took) <= 0.500,
            docker="11.0 s",
        )
    ]


def _round(s: Swarm, number: int) -> float:
    leader = s.leader()
    pid = leader.pid
    assert pid is not None
    others = [node for node in s.nodes if node.role == "manager" and node.name != leader.name]
    begun = time.perf_counter()
    os.kill(pid, signal.SIGKILL)
    took = _first_write(others, number, begun)
    s.until(lambda: not leader.alive, "it is dead")
    leader.start()
    s.until_whole()
    time.sleep(0.3)  # elections of the last round are over
    return took


def _first_write(others: list, number: int, begun: float) -> float:  # type: ignore[type-arg]
    attempt = 0
    while time.perf_counter() - begun < 30:
        attempt += 1
        door = others[attempt % 2].door
        with contextlib.suppress(SwarmError):
            door.post("/services/create", spec(f"s{number}-{attempt}", 0, ALIVE), timeout=5)
            return time.perf_counter() - begun
        time.sleep(0.001)
    raise RuntimeError("no write was accepted within 30 s")


if __name__ == "__main__":
    show(measure)
