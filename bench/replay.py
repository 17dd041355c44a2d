"""A failed run, branched at earlier moments with fresh chance: since when was its failure inevitable?"""

from __future__ import annotations

import contextlib
import tempfile
import time
from pathlib import Path

import swarmpy as sp
from bench.table import Row, show


def measure() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        return [_inevitable(Path(folder, "broken.swarm"))]


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
    return Row("when_inevitable: 200 forks of a failed run of five nodes", "<= 3 s of CPU", seen, took <= 3)


if __name__ == "__main__":
    show(measure)
