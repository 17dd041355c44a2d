"""The simulator: a quiet swarm of five beside real time, 1,000 tasks on 100 nodes until all run, and a small
story with many seeds, as tests have it, and what checks cost after every event.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from bench.table import Row, median, milliseconds, show
from swarmpy import Peek, Swarm, inv

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
        _check_row("a Python lambda", 2_000, lambda swarm: swarm.check.always("few", _few)),
        _check_row("ready-made, each", 100, lambda swarm: swarm.check.always(*_READY), count=len(_READY)),
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


_READY = inv.all()[:7]


def _few(state: Peek) -> bool:
    return state.running("web") <= 5


def _check_row(what: str, most: int, add: Callable[[Swarm], None], *, count: int = 1) -> Row:
    """Beside the same run without it; the least of some rounds of each, since others use the machine too."""
    bare = min(_storm(lambda _swarm: None) for _ in range(ROUNDS))
    each = (min(_storm(add) for _ in range(ROUNDS)) - bare) / count * 1e9
    return Row(f"sim: check.always, {what}, per event", f"<= {most} ns", f"{each:.0f} ns", each <= most)


def _storm(add: Callable[[Swarm], None]) -> float:
    """Seconds of CPU an event takes while nodes die and a service is updated."""
    with Swarm(managers=3, workers=3, seed=7) as swarm:
        core = swarm._world.core  # type: ignore[attr-defined]
        add(swarm)
        events, begun = core.events(), time.process_time()
        web = swarm.services.create("nginx:1.10", name="web", replicas=4)
        for step in range(10):
            node = swarm.nodes["w1" if step % 2 else "m1"]
            node.kill()
            swarm.sleep("8s")
            web.update(image=f"nginx:1.1{step}")
            swarm.sleep("20s")
            node.restart()
            swarm.sleep("5s")
        return (time.process_time() - begun) / (core.events() - events)


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
