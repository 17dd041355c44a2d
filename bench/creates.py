"""Durable service creates (0 replicas) by HTTP, three managers, every answer after two disks have it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from bench.floors import durable_writes
from bench.swarm import ALIVE, Swarm, load, spec, swarm
from bench.table import Row, median, milliseconds, show

ROUNDS, SECONDS = 5, 1.5
PEER = "241/s"


def measure() -> list[Row]:
    rates: dict[int, list[float]] = {1: [], 64: []}
    times: list[float] = []
    leader_cpu: list[float] = []
    all_cpu: list[float] = []
    disk: list[float] = []
    first = count(step=1_000_000)
    for _ in range(ROUNDS):
        with swarm(workers=0) as s:
            disk += durable_writes(100)
            for connections, seen in rates.items():
                leader, before = s.leader().name, _cpu(s)
                result = _load(s, connections, first)
                spent = {name: time - before[name] for name, time in _cpu(s).items()}
                seen.append(result["rate"])
                if connections == 1:
                    times.append(result["p50"] / 1e6)
                    continue
                leader_cpu.append(spent[leader] / result["answered"])
                all_cpu.append(sum(spent.values()) / result["answered"])
    floor = median(disk)
    one, many = median(rates[1]), median(rates[64])
    return [
        Row(
            "durable service creates, 3 managers, 1 connection",
            ">= 500/s",
            f"{one:,.0f}/s (min {min(rates[1]):,.0f}), p50 {milliseconds(median(times))}",
            one >= 500,
            f"4 KiB write + fdatasync p50 {milliseconds(floor)}: {median(times) / floor:.1f}x",
            PEER,
        ),
        Row(
            "  64 connections",
            ">= 4,000/s",
            f"{many:,.0f}/s (min {min(rates[64]):,.0f})",
            many >= 4_000,
            f"{many * floor:.1f} creates per fdatasync time",
        ),
        Row(
            "  CPU per create then: the leader; all three",
            "",
            f"p50 {_micro(leader_cpu)} (min {min(leader_cpu) * 1e6:.0f}); {_micro(all_cpu)}",
            None,
        ),
    ]


def _micro(seconds: list[float]) -> str:
    return f"{median(seconds) * 1e6:.0f} us"


def _cpu(s: Swarm) -> dict[str, float]:
    """Seconds of CPU that each daemon has used, user and system."""
    return {node.name: _cpu_of(node.pid or 0) for node in s.nodes}


def _cpu_of(pid: int) -> float:
    """By the scheduler's own count, in nanoseconds: /proc/PID/stat counts ticks of 10 ms."""
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9


def _load(s: Swarm, connections: int, first: Iterator[int]) -> dict[str, float]:
    body = json.dumps(spec("s{n}", 0, ALIVE))
    url = s.leader().docker_host
    more = {"connections": connections, "seconds": SECONDS, "first": next(first)}
    result = load(url, method="POST", path="/services/create", body=body, **more)
    if result["failed"]:
        raise RuntimeError(f"{result['failed']} creates failed: {result['first_failure']}")
    return result


if __name__ == "__main__":
    show(measure)
