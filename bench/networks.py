"""Overlay networks of real nodes, each in a network namespace: what a task of them sees."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import Any

from bench.swarm import Swarm, begin_load, finish, swarm, to_image
from bench.table import Row, median, not_there, share, show
from swarmpy._cluster.hub import NotGranted

FAILED, ANSWER, LOOKUP, CHANGE = (
    "requests failed in a rolling update, 1,000/s through an overlay's virtual address",
    "name server of a task: an answer",
    "... getaddrinfo in a task",
    "a backend more -> all 5 nodes' names have it",
)
TASKS, UPDATES, CHANGES = 10, 3, 20
# Asks a raw question, then the C library, again and again; prints seconds.
ASK = """
import json, socket, struct, time
question = struct.pack(">HHHHHH", 1, 0x100, 1, 0, 0, 0) + b"\\3web\\0" + struct.pack(">HH", 1, 1)
answers, lookups = [], []
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
    server.connect(("127.0.0.11", 53))
    for _ in range(5000):
        began = time.perf_counter()
        server.send(question)
        server.recv(512)
        answers.append(time.perf_counter() - began)
for _ in range(500):
    began = time.perf_counter()
    socket.getaddrinfo("web", 80, type=socket.SOCK_STREAM)
    lookups.append(time.perf_counter() - began)
print(json.dumps([answers, lookups]))
"""
# Prints the wall time of each change of how many addresses tasks.web has; ends with its input.
WATCH = """
import select, socket, struct, sys, time
question = struct.pack(">HHHHHH", 1, 0x100, 1, 0, 0, 0) + b"\\5tasks\\3web\\0" + struct.pack(">HH", 1, 1)
before = None
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
    server.connect(("127.0.0.11", 53))
    while not select.select([sys.stdin], [], [], 0.0005)[0]:
        server.send(question)
        count = struct.unpack_from(">H", server.recv(4096), 6)[0]
        if count != before:
            print(count, time.time(), flush=True)
        before = count
"""


def measure() -> list[Row]:
    try:
        with swarm(net="namespaces") as s:
            network = s.leader().door.post("/networks/create", {"Name": "front", "Driver": "overlay"})["Id"]
            s.create(
                "web", TASKS, **_on(network), UpdateConfig={"Monitor": 1_000_000, "Order": "start-first"}
            )
            s.create("look", 5, **_on(network), Mode={"Global": {}})
            s.until_running("web", TASKS)
            s.until_running("look", 5)
            return [_failed(s), *_names(s), _change(s)]
    except NotGranted as error:
        return [not_there(FAILED, "0", error.message)]


def _on(network: str) -> dict[str, Any]:
    return {"Networks": [{"Target": network}]}


def _inside(task: dict[str, Any]) -> list[str]:
    return ["nsenter", "-t", str(task["Status"]["ContainerStatus"]["PID"]), "-n", "-m"]


def _failed(s: Swarm) -> Row:
    look = s.tasks("look")[0]
    vip = s.leader().door.get("/services/web")["Endpoint"]["VirtualIPs"][0]["Addr"].partition("/")[0]
    process = begin_load(
        f"tcp://{vip}:80", rate=1000, connections=200, seconds=8, close=True, prefix=_inside(look)
    )
    done = 0
    while done < UPDATES and process.poll() is None:
        s.update_and_wait("web", to_image(f"nginx:1.{11 + done}"))
        done += 1
    result = finish(process)
    asked = result["answered"] + result["failed"]
    text = f"{result['failed']} of {asked:,} in {done} updates of {TASKS} tasks"
    p50, p99, worst = (f"{result[key] / 1000:.1f} ms" for key in ("p50", "p99", "max"))
    beside = result.get("first_failure", "")[:60] or f"p50 {p50}, p99 {p99}, max {worst}"
    return Row(FAILED, "0", text, result["failed"] == 0 and done > 0, beside)


def _names(s: Swarm) -> list[Row]:
    command = [*_inside(s.tasks("look")[0]), sys.executable, "-c", ASK]
    answers, lookups = json.loads(
        subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    )
    answer, lookup = median(answers) * 1e6, median(lookups) * 1e3
    tail = f"p99 {share(answers, 0.99) * 1e6:.0f} us, by a Python client"
    return [
        Row(ANSWER, "p50 <= 30 us", f"p50 {answer:.0f} us", answer <= 30, tail),
        Row(LOOKUP, "<= 0.5 ms", f"p50 {lookup:.2f} ms", lookup <= 0.5, ""),
    ]


def _change(s: Swarm) -> Row:
    """From the moment at which the leader has stored that a task runs, until the last node names it."""
    watches = [
        subprocess.Popen(
            [*_inside(task), sys.executable, "-c", WATCH],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for task in s.tasks("look")
    ]
    stored: dict[int, float] = {}
    for count in range(TASKS + 1, TASKS + 1 + CHANGES):
        s.update("web", lambda spec, n=count: spec["Mode"]["Replicated"].update(Replicas=n))
        s.until_running("web", count)
        stored[count] = max(_seconds(task["Status"]["AppliedAt"]) for task in s.tasks("web"))
        time.sleep(0.05)
    said = [process.communicate("")[0].splitlines() for process in watches]
    seen = [{int(a): float(b) for a, b in (line.split() for line in lines)} for lines in said]
    took = [
        max(one[count] for one in seen) - when
        for count, when in stored.items()
        if all(count in one for one in seen)
    ]
    p50, worst = median(took) * 1e3, max(took) * 1e3
    return Row(CHANGE, "<= 20 ms", f"p50 {p50:.1f} ms, max {worst:.1f} ms (n={len(took)})", p50 <= 20, "")


def _seconds(stamp: str) -> float:
    from datetime import datetime

    whole, _, part = stamp.rstrip("Z").partition(".")
    return datetime.fromisoformat(whole + "+00:00").timestamp() + float(f"0.{part or 0}")


if __name__ == "__main__":
    show(measure)
