"""The simulator: a quiet swarm of five beside real time, 1,000 tasks on 100 nodes until all run, and a small
story with many seeds, as tests have it.
"""

from __future__ import annotations

import time

from bench.table import Row, median, milliseconds, show
from swarmpy import Swarm

ROUNDS, QUIET_SECONDS, STORIES = 5, 600, 200


def measure() -> list[Row]:
    quiet = median(_quiet(seed) for seed in range(1, ROUNDS + 1))
    big = [_thousand(seed) for seed in range(1, ROUNDS + 1)]
    stories = _stories()
    return [
        Row(
            "sim: quiet 5-node swarm",
            ">= 2,000x real time",
            f"{quiet:,.0f}x (n={ROUNDS} seeds)",
            quiet >= 2_000,
        ),
        Row(
            "sim: 100 nodes, 1,000 tasks created to running",
            "<= 0.5 s",
            f"p50 {milliseconds(median(big))}, max {milliseconds(max(big))} (n={ROUNDS} seeds)",
            median(big) <= 0.5,
        ),
        Row(
            f"sim: {STORIES} seeds of create 4, kill m1, wait_converged",
            "<= 1.5 s of CPU",
            f"{stories:.2f} s ({STORIES / stories:,.0f} seeds/s)",
            stories <= 1.5,
        ),
    ]


def _quiet(seed: int) -> float:
    with Swarm(managers=3, workers=2, seed=seed) as swarm:
        begun = time.perf_counter()
        swarm.sleep(QUIET_SECONDS)
        return QUIET_SECONDS / (time.perf_counter() - begun)


def _thousand(seed: int) -> float:
    with Swarm(managers=3, workers=97, seed=seed) as swarm:
        begun = time.perf_counter()
        web = swarm.services.create("nginx:1.10", name="web", replicas=1000)
        assert web.wait()
        return time.perf_counter() - begun


def _stories() -> float:
    begun = time.process_time()
    for seed in range(STORIES):
        with Swarm(managers=3, workers=2, seed=seed) as swarm:
            swarm.services.create("nginx", name="web", replicas=4).wait()
            swarm.nodes["m1"].kill()
            swarm.wait_converged()
    return time.process_time() - begun


if __name__ == "__main__":
    show(measure)
