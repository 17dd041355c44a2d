"""A run made again: to a moment 40 s in, and branched until its failure is known to be inevitable."""

from __future__ import annotations

import contextlib
import tempfile
import time
from pathlib import Path

import swarmpy as sp
from bench.table import Row, median, milliseconds, show

ROUNDS, LENGTH = 5, 40


def measure() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        return [_to_a_moment(Path(folder, "long.swarm")), _inevitable(Path(folder, "broken.swarm"))]


def _to_a_moment(path: Path) -> Row:
    """A busy run: an update, a leader that dies, and a worker that comes and goes."""
    with sp.Swarm(managers=3, workers=2, seed=7) as c:
        web = c.services.create("nginx:1.10", name="web", replicas=6)
        web.wait()
        while c.now < LENGTH:
            c.faults.kill("leader", for_="2s")
            c.sleep("3s")
            with c.faults.freeze("w1"):
                web.update(image=f"nginx:1.{int(c.now)}")
                c.sleep("3s")
        c.save(path)
    took = [_timed(path) for _ in range(ROUNDS)]
    steps = sp.replay(path).seek(LENGTH).steps_taken
    seen = f"p50 {milliseconds(median(took))}, max {milliseconds(max(took))} (n={ROUNDS})"
    return Row(f"replay: a file to {LENGTH} s", "<= 0.2 s", seen, median(took) <= 0.2, f"{steps} steps")


def _timed(path: Path) -> float:
    begun = time.perf_counter()
    sp.replay(path).seek(LENGTH).peek()
    return time.perf_counter() - begun


def _inevitable(path: Path) -> Row:
    with sp.Swarm(managers=3, workers=2, seed=5) as c:
        c.services.create("nginx", name="web", replicas=4).wait()
        c.check.always(sp.inv.at_least_running("web", 4))
        c.sleep("2s")
        with contextlib.suppress(sp.InvariantBroken), c.faults.freeze("w1"):
            c.sleep("40s")
        c.save(path)
    begun = time.process_time()
    found = sp.when_inevitable(path, forks=200, seconds=60)
    took = time.process_time() - begun
    seen = f"{took:.2f} s, {found.forks} forks"
    return Row("replay: when_inevitable, five nodes, 200 forks", "<= 3 s of CPU", seen, took <= 3)


if __name__ == "__main__":
    show(measure)
