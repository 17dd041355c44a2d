"""Memory of idle daemons with 9 tasks, what `import swarmpy` costs, and how soon five daemons are a swarm."""

from __future__ import annotations

import subprocess
import sys
import time

from bench.swarm import memory, swarm
from bench.table import Row, median, milliseconds, show

IMPORTS, STARTS = 21, 5


def measure() -> list[Row]:
    return [*_memory(), _import(), _start()]


def _memory() -> list[Row]:
    with swarm() as s:
        s.create("web", 9)
        s.until_running("web", 9)
        time.sleep(5)
        seen = {node.name: memory(node.pid or 0) for node in s.nodes}
    managers = [size for name, size in seen.items() if name.startswith("m")]
    workers = [size for name, size in seen.items() if name.startswith("w")]
    docker = "92-100 MB"
    manager = Row(
        "RSS of a manager, idle, 9 tasks", "<= 30 MB", _sizes(managers), max(managers) <= 30, docker=docker
    )
    worker = Row("RSS of a worker", "<= 15 MB", _sizes(workers), max(workers) <= 15, docker=docker)
    return [manager, worker]


def _sizes(sizes: list[float]) -> str:
    return ", ".join(f"{size:.1f}" for size in sizes) + " MB"


def _import() -> Row:
    bare, ours = [], []
    for _ in range(IMPORTS):
        bare.append(_python("pass"))
        ours.append(_python("import swarmpy"))
    over = median(ours) - median(bare)
    text = f"p50 +{milliseconds(over)} (n={IMPORTS} pairs)"
    beside = f"bare interpreter {milliseconds(median(bare))}"
    return Row("import swarmpy over bare Python", "<= 20 ms", text, over <= 0.020, beside)


def _python(script: str) -> float:
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", script], check=True)
    return time.perf_counter() - begun


def _start() -> Row:
    took = []
    for _ in range(STARTS):
        begun = time.perf_counter()
        with swarm():
            took.append(time.perf_counter() - begun)
    text = f"p50 {milliseconds(median(took))}, max {milliseconds(max(took))} (n={STARTS})"
    return Row("five daemons up and formed", "<= 1 s", text, median(took) <= 1, docker="tens of s")


if __name__ == "__main__":
    show(measure)
