"""GET /services (one service) at 64 connections, beside nginx serving the same bytes; turn about."""

from __future__ import annotations

from bench.peers import static_server
from bench.swarm import load, swarm
from bench.table import Row, median, show

PAIRS, SECONDS = 5, 1.0


def measure() -> list[Row]:
    ours, theirs = [], []
    with swarm() as s:
        s.create("web", 0)
        leader = s.leader()
        with static_server(leader.door.text("/services").encode()) as (name, url):
            for _ in range(PAIRS):
                ours.append(_rate(leader.docker_host, "/services"))
                theirs.append(_rate(url, "/"))
    ratio = median(ours) / median(theirs)
    return [
        Row(
            "GET /services (1 service), 64 connections, linearizable",
            ">= 0.5x nginx, same bytes",
            f"{median(ours):,.0f}/s",
            ratio >= 0.5 if name == "nginx" else None,  # another peer is not the one that the goal names
            f"{name} {median(theirs):,.0f}/s: {ratio:.2f}x",
        )
    ]


def _rate(url: str, path: str) -> float:
    result = load(url, connections=64, seconds=SECONDS, path=path)
    if result["failed"]:
        raise RuntimeError(f"{url}: {result['failed']} failed: {result['first_failure']}")
    return float(result["rate"])


if __name__ == "__main__":
    show(measure)
