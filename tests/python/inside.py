"""Running programs in the namespaces of a task."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import swarmpy as sp
from swarmpy._cluster import LocalCluster

CONNECT = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=float(sys.argv[3])).close()
    print("connected")
except OSError as error:
    print(type(error).__name__)
"""
ASK = """
import http.client, sys
for _ in range(int(sys.argv[2])):
    connection = http.client.HTTPConnection(sys.argv[1], timeout=5)
    connection.request("GET", "/")
    text = connection.getresponse().read().decode()
    print(next(line.split()[1] for line in text.splitlines() if line.startswith("task:")))
    connection.close()
"""
# Asks until its input ends; then it says how often, and what went wrong.
LOAD = """
import http.client, json, select, sys
count, failed = 0, []
while not select.select([sys.stdin], [], [], 0.001)[0]:
    count += 1
    try:
        connection = http.client.HTTPConnection(sys.argv[1], timeout=5)
        connection.request("GET", "/")
        if connection.getresponse().status != 200:
            failed.append("status")
        connection.close()
    except OSError as error:
        failed.append(repr(error))
print(json.dumps([count, failed]))
"""
RESOLVE = """
import socket, sys
try:
    found = {one[4][0] for one in socket.getaddrinfo(sys.argv[1], None, socket.AF_INET)}
except OSError as error:
    found = {f"{type(error).__name__}"}
print(*sorted(found))
"""


def serve(swarm: sp.Swarm, name: str, *networks: str, **more: object) -> sp.Service:
    """A service of the small web server on these networks; it runs."""
    service = swarm.services.create("nginx", name=name, networks=list(networks), **more)
    assert service.wait()
    return service


def running(cluster: LocalCluster, service: sp.Service) -> list[dict[str, Any]]:
    """The service's tasks that run, as the API has them."""
    tasks = cluster.nodes[0].door.get("/tasks")
    return [one for one in tasks if one["ServiceID"] == service.id and one["Status"]["State"] == "running"]


def pid_of(task: dict[str, Any]) -> int:
    return int(task["Status"]["ContainerStatus"]["PID"])


@dataclass
class Load:
    count: int = 0
    failed: list[str] = field(default_factory=list)


class Inside:
    """The network and mount namespaces of a task's process, with this machine's programs in them."""

    def __init__(self, task: dict[str, Any]) -> None:
        self.pid = pid_of(task)

    def run(self, *words: str) -> str:
        command = ["nsenter", "-t", str(self.pid), "-n", "-m", *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout.strip()

    def python(self, code: str, *words: object) -> str:
        return self.run(sys.executable, "-c", code, *map(str, words))

    def connects(self, host: str, port: int = 80, patience: float = 1.0) -> bool:
        return self.python(CONNECT, host, port, patience) == "connected"

    def resolve(self, name: str) -> set[str]:
        return set(self.python(RESOLVE, name).split())

    @contextmanager
    def load(self, host: str) -> Iterator[Load]:
        """Requests, about five hundred a second, while the body runs."""
        command = ["nsenter", "-t", str(self.pid), "-n", "-m", sys.executable, "-c", LOAD, host]
        done = Load()
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            try:
                yield done
            finally:
                said, _ = process.communicate(input="", timeout=60)
                done.count, done.failed = json.loads(said)

    def ask(self, host: str, times: int = 1) -> list[str]:
        """The ids of the tasks that answered."""
        return self.python(ASK, host, times).split()
