"""Requests that fail while a service is updated start-first, 1,000 a second over all five nodes, each on a
connection of its own.
"""

from __future__ import annotations

import time

from bench.mesh import missing
from bench.swarm import begin_load, finish, swarm, to_image
from bench.table import Row, not_there, show

WHAT, MUST = "requests failed in that update, start-first, 1,000/s over five nodes", "0"
TASKS, PORT, UPDATES = 20, 18082, 3


def measure() -> list[Row]:
    config = {"Parallelism": 1, "Delay": 0, "Monitor": 1_000_000, "Order": "start-first"}
    with swarm() as s:
        if why := missing(s):
            return [not_there(WHAT, MUST, why)]
        ports = {"Ports": [{"TargetPort": 80, "PublishedPort": PORT}]}
        s.create("web", TASKS, UpdateConfig=config, EndpointSpec=ports)
        s.until_running("web", TASKS)
        time.sleep(0.5)
        urls = [f"tcp://{node.address}:{PORT}" for node in s.nodes]
        process = begin_load(*urls, rate=1000, connections=200, seconds=8, close=True)
        time.sleep(0.5)
        done = 0
        while done < UPDATES and process.poll() is None:
            s.update_and_wait("web", to_image(f"nginx:1.{11 + done}"))
            done += 1
        result = finish(process)
    asked = result["answered"] + result["failed"]
    p50, p99, worst = (f"{result[key] / 1000:.1f} ms" for key in ("p50", "p99", "max"))
    beside = f"p50 {p50}, p99 {p99}, max {worst}"
    if result["failed"]:
        beside = f"the first: {result['first_failure'][:60]}"
    text = f"{result['failed']} of {asked:,} in {done} updates of {TASKS} tasks"
    return [Row(WHAT, MUST, text, result["failed"] == 0 and done > 0, beside)]


if __name__ == "__main__":
    show(measure)
