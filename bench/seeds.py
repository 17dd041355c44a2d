"""Many seeds of one test: `@sp.test` beside the same story in the C++ scenario runner, 200 seeds of small
tests, seeds of chaos with all checkers, a failure of fourteen faults until its smallest run is found, and a
replay to a point 40 s in.
"""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import swarmpy as sp
from bench.table import Row, not_there, show

SEEDS, ROUNDS = 200, 3
STORY = """seed {seed}
swarm managers=3 workers=2
service create web nginx replicas=4
converge
service scale web 6
converge
crash w1
converge
start w1
until node w1 ready
service scale web 3
converge
crash m1
converge
service scale web 5
converge
start m1
until node m1 ready
service scale web 8
converge
run 2s
"""
ENDED = "----\n"


def story(swarm: sp.Swarm) -> None:
    """The same twenty steps."""
    web = swarm.services.create("nginx", name="web", replicas=4)
    swarm.wait_converged()
    web.scale(6)
    swarm.wait_converged()
    swarm.nodes["w1"].kill()
    swarm.wait_converged()
    swarm.nodes["w1"].restart()
    swarm.run(until=lambda c: c.nodes["w1"].state == "ready")
    web.scale(3)
    swarm.wait_converged()
    swarm.nodes["m1"].kill()
    swarm.wait_converged()
    web.scale(5)
    swarm.wait_converged()
    swarm.nodes["m1"].restart()
    swarm.run(until=lambda c: c.nodes["m1"].state == "ready")
    web.scale(8)
    swarm.wait_converged()
    swarm.sleep("2s")


def leader_loss(swarm: sp.Swarm) -> None:
    swarm.services.create("nginx", name="web", replicas=4).wait()
    swarm.nodes["m1"].kill()
    swarm.wait_converged()


def update_under_node_loss(swarm: sp.Swarm) -> None:
    web = swarm.services.create("nginx:1.10", name="web", replicas=4)
    web.wait()
    web.update(image="nginx:1.11")
    swarm.nodes["w1"].kill()
    swarm.wait_converged()


def two_of_fourteen(swarm: sp.Swarm) -> None:
    """Wrong on purpose: it takes w2 and w4."""
    swarm.services.create("nginx", name="web", replicas=4).wait()
    for name in ("w1", "w3", "w2", "w5", "m3", "w1", "w3", "w5", "w1", "w3", "w5", "w1", "w4", "w5"):
        swarm.nodes[name].kill()
        swarm.sleep("100ms")
        if name not in ("w2", "w4"):
            swarm.nodes[name].restart()
    assert swarm.nodes["w2"].alive or swarm.nodes["w4"].alive


def measure() -> list[Row]:
    return [_beside_bare(), _small(), _chaos(), _shrinking(), _replaying()]


def _beside_bare() -> Row:
    """The least of some rounds of each, turn about: others use the machine too."""
    what, must = f"sp.test: {SEEDS} seeds of a test of 20 calls", ">= 0.7x of bare C++"
    program = _program("swarm_scenario")
    if program is None:
        return not_there(what, must, "swarm_scenario is not built")
    rounds = [(_cpu(lambda: _run(story, managers=3, workers=2)), _bare(program)) for _ in range(ROUNDS)]
    ours, bare = (min(took) for took in zip(*rounds, strict=True))
    told = f"{SEEDS / ours:,.0f} seeds/s of CPU ({ours:.2f} s)"
    beside = f"swarm_scenario {SEEDS / bare:,.0f} seeds/s; {bare / ours:.2f}x"
    return Row(what, must, told, bare / ours >= 0.7, beside)


def _small() -> Row:
    tests = (leader_loss, update_under_node_loss)
    took = {one.__name__: min(_cpu(lambda one=one: _run(one)) for _ in range(ROUNDS)) for one in tests}
    told = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in took.items())
    return Row(f"sp.test: {SEEDS} seeds of a small test", "<= 2 s of CPU", told, max(took.values()) <= 2)


def _chaos() -> Row:
    """Of one core that has nothing else to do; two of them are two such processes."""
    what, must = "swarm_sim: five-node chaos seeds of 10 s, all checkers", ">= 30/s of CPU, 60/s on two cores"
    program = _program("swarm_sim")
    if program is None:
        return not_there(what, must, "swarm_sim is not built")
    command = [program, "--seeds", str(SEEDS), "--seconds", "10", "--jobs", "1"]
    took = min(_cpu_of(command) for _ in range(ROUNDS))
    return Row(what, must, f"{SEEDS / took:,.0f}/s of CPU", SEEDS / took >= 30)


def _shrinking() -> Row:
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        failure = sp.test(seeds=1)(two_of_fourteen).run(report=folder).failures[0]
        took = time.perf_counter() - begun
    shrunk = failure.shrunk
    fine = shrunk is not None and len(shrunk.faults) == 2 and shrunk.minimal
    told = f"{took:.2f} s, {shrunk.runs if shrunk else 0} runs, 14 -> {len(shrunk.faults) if shrunk else 14}"
    return Row("sp.test: 14 faults to the 2 that matter", "<= 5 s", told, fine and took <= 5)


def _replaying() -> Row:
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "run.swarm")
        with sp.Swarm(managers=3, workers=2, seed=7) as swarm:
            story(swarm)
            swarm.sleep("60s")
            swarm.save(path)
        took = min(_cpu(lambda: sp.replay(path).seek("40s")) for _ in range(ROUNDS))
    return Row("replay of a journal to a point 40 s in", "<= 0.2 s", f"{took:.3f} s", took <= 0.2)


def _run(test: Callable[[sp.Swarm], None], managers: int = 3, workers: int = 5) -> None:
    made = sp.test(seeds=SEEDS, managers=managers, workers=workers, executor="here", progress=False)(test)
    made.run().check()


def _cpu(work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


def _bare(program: str) -> float:
    """The same steps and seeds in one process without Python."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{seed}.txt" for seed in range(SEEDS)]
        for seed, path in enumerate(paths):
            path.write_text(STORY.format(seed=seed) + ENDED)
        return _cpu_of([program, *map(str, paths)])


def _program(name: str) -> str | None:
    return shutil.which(name, path=str(Path(sys.executable).parent))


def _cpu_of(command: list[str]) -> float:
    before = _of_children()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "unknown" not in done.stdout, done.stdout[:300]
    return _of_children() - before


def _of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    show(measure)
