"""`GET /tasks` of 100,000 tasks again and again, and how long another request waits meanwhile."""

from __future__ import annotations

import socket
import threading
import time

from bench.swarm import ALIVE, Swarm, swarm
from bench.table import Row, median, milliseconds, share, show

TASKS, LISTS = 100_000, 5
NOWHERE = ["node.labels.nowhere==here"]


def measure() -> list[Row]:
    with swarm(managers=1, workers=0) as s:
        s.create("many", TASKS, ALIVE, constraints=NOWHERE)
        s.until(lambda: _count(s) == TASKS, f"{TASKS:,} tasks are there", 300)
        _settle(s)
        lists: list[float] = []
        reader = threading.Thread(target=_read_lists, args=(s, lists))
        quiet = _pings(s, until=time.monotonic() + 0.5)
        reader.start()
        waits = _pings(s, while_alive=reader)
        reader.join()
    return [
        Row(
            "another request, while 100,000 tasks are listed",
            "max <= 25 ms",
            f"p50 {milliseconds(median(waits))}, p99 {milliseconds(share(waits, 0.99))}, "
            f"max {milliseconds(max(waits))} (n={len(waits)})",
            max(waits) <= 0.025,
            f"with no list: p50 {milliseconds(median(quiet))}",
        ),
        Row("  the list itself", "", f"p50 {milliseconds(median(lists))} (n={LISTS})", None),
    ]


def _socket(s: Swarm) -> socket.socket:
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    made.connect(s.leader().docker_host.removeprefix("unix://"))
    return made


def _answer(at: socket.socket, path: str) -> int:
    """The bytes of an answer's body, which is read and thrown away."""
    at.sendall(f"GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n".encode())
    head = b""
    while b"\r\n\r\n" not in head:
        head += at.recv(65536)
    head, rest = head.split(b"\r\n\r\n", 1)
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    size = int(fields[b"content-length"])
    left, room = size - len(rest), bytearray(1 << 20)
    while left > 0:
        left -= at.recv_into(room)
    return size


def _count(s: Swarm) -> int:
    found = s.leader().door.get('/services?status=true&filters={"name":["many"]}')
    with _socket(s) as at:
        return TASKS if _answer(at, "/tasks") > 500 * TASKS * len(found) else 0


def _settle(s: Swarm) -> None:
    """Until the scheduler has said of all of them that they fit nowhere."""
    before = -1
    while before != (before := s.leader().door.get("/swarmpy/v1/raft")["Applied"]):
        time.sleep(1)


def _read_lists(s: Swarm, took: list[float]) -> None:
    with _socket(s) as at:
        for _ in range(LISTS):
            begun = time.perf_counter()
            _answer(at, "/tasks")
            took.append(time.perf_counter() - begun)


def _pings(s: Swarm, until: float = 0.0, while_alive: threading.Thread | None = None) -> list[float]:
    waits = []
    with _socket(s) as at:
        while while_alive.is_alive() if while_alive else time.monotonic() < until:
            begun = time.perf_counter()
            _answer(at, "/_ping")
            waits.append(time.perf_counter() - begun)
            time.sleep(0.001)
    return waits


if __name__ == "__main__":
    show(measure)
