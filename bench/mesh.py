"""The routing mesh beside a direct connection: latency added, bulk, connections a second; for a task on the
node that is asked, and on another one. Beside it nginx and haproxy where they are installed, and two bare
relays in a row: the floor of a way through two nodes.
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable
from typing import Any

from bench.peers import proxies, two_relays
from bench.swarm import LOAD, Swarm, load, swarm
from bench.table import Row, median, not_there, show

PAIRS, SECONDS = 5, 0.8
# The scheduler takes its time to settle four processes on two cores: more rounds.
LATENCY_PAIRS, LATENCY_SECONDS = 11, 0.5
SMALL, BULK = 64, 1 << 20
HOME, OTHER = "w1", "w2"  # where the task is, and a node that has none


def measure() -> list[Row]:
    with swarm() as s:
        if why := missing(s):
            return [
                not_there("mesh: latency, bulk, connections/s", "<= 60 us; >= 0.5x; >= 0.4x, >= 0.25x", why)
            ]
        small = _Backend(s, "small", 18080, SMALL)
        bulk = _Backend(s, "bulk", 18081, BULK)
        with (
            proxies(small.direct) as peers_small,
            proxies(bulk.direct, 18711) as peers_bulk,
            two_relays(small.direct, 18721) as floor_small,
            two_relays(bulk.direct, 18731) as floor_bulk,
        ):
            peers_bulk["two bare relays"] = floor_bulk
            rows = _latency(small, {**peers_small, "two bare relays": floor_small})
            rows += _ratios("bulk", bulk, peers_bulk, _bulk, {HOME: 0.5, OTHER: 0.5}, "nginx stream 0.65x")
            wanted = {HOME: 0.4, OTHER: 0.25}
            rows += _ratios("connections/s", small, peers_small, _connections, wanted, "haproxy 0.53x")
        return rows


def missing(s: Swarm) -> str:
    """Why there is no mesh to measure; empty when there is one."""
    s.create("probe", 1, EndpointSpec={"Ports": [{"TargetPort": 80, "PublishedPort": 18079}]})
    s.until_running("probe", 1)
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            socket.create_connection((s.nodes[0].address, 18079), timeout=1).close()
            return ""
        time.sleep(0.05)
    return "nobody listens on a published port"


class _Backend:
    """A service of one task on HOME that serves so many bytes, published on every node."""

    def __init__(self, s: Swarm, name: str, port: int, size: int) -> None:
        image = f"bench-{name}:1"
        command = [str(LOAD), "serve", "task", "--bytes", str(size)]
        for node in s.nodes:
            node.door.post("/swarmpy/v1/images", {"Reference": image, "Command": command})
        more: dict[str, Any] = {"EndpointSpec": {"Ports": [{"TargetPort": 80, "PublishedPort": port}]}}
        s.create(name, 1, image, constraints=[f"node.hostname=={HOME}"], **more)
        s.until_running(name, 1)
        one = next(c for c in s.node(HOME).door.get("/containers/json") if c["Image"] == image)
        network = next(iter(one["NetworkSettings"]["Networks"].values()))
        self.direct = f"{network['IPAddress']}:80"
        self.at = {name: f"{s.node(name).address}:{port}" for name in (HOME, OTHER)}
        s.until(lambda: all(_answers(address) for address in self.at.values()), "the mesh answers")


def _answers(address: str) -> bool:
    return bool(load(f"tcp://{address}", requests=1, seconds=1)["answered"])


def _turn_about(
    backend: _Backend, peers: dict[str, str], measure: Callable[[str], float], rounds: int = PAIRS
) -> dict[str, float]:
    """Medians, by the door that was asked; each round asks all of them, and the first does not count."""
    ways = {"direct": backend.direct, **backend.at, **peers}
    seen: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(1 + rounds):
        for name, address in ways.items():
            seen[name].append(measure(f"tcp://{address}"))
    return {name: median(values[1:]) for name, values in seen.items()}


def _checked(url: str, seconds: float = SECONDS, **options: Any) -> dict[str, Any]:
    result = load(url, seconds=seconds, **options)
    if result["failed"] or not result["answered"]:
        raise RuntimeError(f"{url}: {result['failed']} failed: {result['first_failure']}")
    return result


def _p50(url: str) -> float:
    return float(_checked(url, LATENCY_SECONDS)["p50"])


def _bulk(url: str) -> float:
    result = _checked(url)
    return float(result["bytes"] / result["seconds"] * 8 / 1e9)


def _connections(url: str) -> float:
    return float(_checked(url, connections=32, close=True)["rate"])


def _place(node: str) -> str:
    return "local task" if node == HOME else "remote task"


def _latency(backend: _Backend, peers: dict[str, str]) -> list[Row]:
    seen = _turn_about(backend, peers, _p50, LATENCY_PAIRS)
    direct = seen["direct"]
    others = (f"{name} +{seen[name] - direct:.0f} us" for name in peers)
    beside = "; ".join([f"direct {direct:.0f} us", *others])
    return [
        Row(
            f"mesh: latency added, {_place(node)}",
            "p50 <= 60 us",
            f"+{seen[node] - direct:.0f} us",
            seen[node] - direct <= 60,
            beside,
            "nginx stream 23 us",
        )
        for node in backend.at
    ]


def _ratios(
    what: str,
    backend: _Backend,
    peers: dict[str, str],
    measure: Callable[[str], float],
    wanted: dict[str, float],
    docker: str,
) -> list[Row]:
    seen = _turn_about(backend, peers, measure)
    direct = seen["direct"]
    unit = "Gbit/s" if what == "bulk" else "/s"
    digits = ",.1f" if what == "bulk" else ",.0f"
    others = (f"{name} {seen[name] / direct:.2f}x" for name in peers)
    beside = "; ".join([f"direct {direct:{digits}} {unit}", *others])
    return [
        Row(
            f"mesh: {what}, {_place(node)}",
            f">= {wanted[node]}x direct",
            f"{seen[node]:{digits}} {unit}: {seen[node] / direct:.2f}x",
            seen[node] / direct >= wanted[node],
            beside,
            docker,
        )
        for node in backend.at
    ]


if __name__ == "__main__":
    show(measure)
