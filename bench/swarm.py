"""A real swarm to measure, in a folder of its own, with what is needed to look at it closely."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from swarmpy._cluster.cluster import LocalCluster
from swarmpy._cluster.node import LocalNode
from swarmpy.errors import SwarmError

LOAD = Path(__file__).parent.parent / "build/release/cpp/tools/swarm_load/swarm_load"
ALIVE = "nginx:1.10"  # the small web server: a real process that is up in a millisecond


@contextlib.contextmanager
def swarm(managers: int = 3, workers: int = 2, net: str = "loopback") -> Iterator[Swarm]:
    home = tempfile.mkdtemp(prefix="swarmpy-bench-", dir="/tmp")
    before = os.environ.get("SWARMPY_HOME")
    os.environ["SWARMPY_HOME"] = home
    try:
        with LocalCluster.start(managers=managers, workers=workers, net=net) as cluster:
            yield Swarm(cluster)
    finally:
        shutil.rmtree(home, ignore_errors=True)
        del os.environ["SWARMPY_HOME"]
        if before is not None:
            os.environ["SWARMPY_HOME"] = before


class Swarm:
    def __init__(self, cluster: LocalCluster) -> None:
        self.cluster = cluster

    @property
    def nodes(self) -> list[LocalNode]:
        return self.cluster.nodes

    def node(self, name: str) -> LocalNode:
        return self.cluster.node(name)

    def leader(self) -> LocalNode:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            for node in self.nodes:
                with contextlib.suppress(SwarmError):
                    if node.role == "manager" and node.door.get("/swarmpy/v1/raft")["Role"] == "leader":
                        return node
            time.sleep(0.01)
        raise RuntimeError("no leader within 10 s")

    def create(self, name: str, replicas: int, image: str = ALIVE, **more: Any) -> str:
        return str(self.leader().door.post("/services/create", spec(name, replicas, image, **more))["ID"])

    def update(self, service: str, change: Callable[[dict[str, Any]], None]) -> None:
        door = self.leader().door
        found = door.get(f"/services/{service}")
        wanted = found["Spec"]
        change(wanted)
        door.post(f"/services/{service}/update?version={found['Version']['Index']}", wanted)

    def update_and_wait(self, service: str, change: Callable[[dict[str, Any]], None]) -> None:
        door = self.leader().door

        def over() -> bool:
            status = door.get(f"/services/{service}").get("UpdateStatus", {})
            return bool(status.get("State") == "completed")

        self.update(service, change)
        time.sleep(0.02)  # the status of the update before is gone by then
        self.until(over, "the update is over", 120)

    def tasks(self, service: str) -> list[dict[str, Any]]:
        """Those of its tasks that run and are meant to."""
        filters = json.dumps({"service": [service], "desired-state": ["running"]})
        found = self.leader().door.get(f"/tasks?filters={filters.replace(' ', '')}")
        return [task for task in found if task["Status"]["State"] == "running"]

    def until(self, holds: Callable[[], bool], what: str, timeout: float = 30.0) -> None:
        deadline = time.monotonic() + timeout
        while not holds():
            if time.monotonic() > deadline:
                raise RuntimeError(f"{what}: not so within {timeout:.0f} s")
            time.sleep(0.005)

    def until_running(self, service: str, count: int) -> None:
        self.until(lambda: len(self.tasks(service)) == count, f"{count} tasks run")

    def until_whole(self) -> None:
        """All nodes ready, and all managers in step with the leader."""

        def whole() -> bool:
            door = self.leader().door
            nodes = door.get("/nodes")
            managers = [node["ManagerStatus"] for node in nodes if "ManagerStatus" in node]
            return all(node["Status"]["State"] == "ready" for node in nodes) and all(
                manager["Reachability"] == "reachable" for manager in managers
            )

        self.until(whole, "the swarm is whole")


def to_image(image: str) -> Callable[[dict[str, Any]], None]:
    def change(spec: dict[str, Any]) -> None:
        spec["TaskTemplate"]["ContainerSpec"]["Image"] = image

    return change


def spec(
    name: str, replicas: int, image: str = ALIVE, constraints: list[str] | None = None, **more: Any
) -> dict[str, Any]:
    """A service's spec, as the API takes it; restart delay 0. `more`: other top-level fields."""
    task = {
        "ContainerSpec": {"Image": image, "StopGracePeriod": 10_000_000_000},
        "RestartPolicy": {"Condition": "any", "Delay": 0},
        "Placement": {"Constraints": constraints or []},
    }
    return {"Name": name, "TaskTemplate": task, "Mode": {"Replicated": {"Replicas": replicas}}, **more}


class Events:
    """The event stream of one node, read as soon as it comes."""

    def __init__(self, node: LocalNode) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.connect(node.docker_host.removeprefix("unix://"))
        self._socket.sendall(b"GET /swarmpy/v1/events HTTP/1.1\r\nHost: bench\r\n\r\n")
        self._rest = b""
        self._socket.settimeout(10)
        self._rest = self._socket.recv(65536).split(b"\r\n\r\n", 1)[1]

    def wait(self, wanted: Callable[[dict[str, Any]], bool], timeout: float = 10.0) -> float:
        """The moment at which an event came for which `wanted` is true."""
        deadline = time.monotonic() + timeout
        while True:
            while b"\n" in self._rest:
                line, self._rest = self._rest.split(b"\n", 1)
                if line.startswith(b"{") and wanted(json.loads(line)):
                    return time.perf_counter()
            self._socket.settimeout(max(0.001, deadline - time.monotonic()))
            self._rest += self._socket.recv(65536)

    def forget(self) -> None:
        """Leaves out what has come so far."""
        self._socket.settimeout(0.05)
        with contextlib.suppress(TimeoutError):
            while self._socket.recv(65536):
                pass
        self._rest = b""

    def close(self) -> None:
        self._socket.close()


def is_running(service: str) -> Callable[[dict[str, Any]], bool]:
    def wanted(event: dict[str, Any]) -> bool:
        if (event["Type"], event["Action"]) != ("task", "running"):
            return False
        return bool(event["Actor"]["Attributes"]["service"] == service)

    return wanted


def processes_of(swarm: Swarm, service: str) -> list[int]:
    """The pids of a service's running tasks, on all nodes."""
    found = []
    for node in swarm.nodes:
        for one in node.door.get("/containers/json"):
            if one["Labels"]["com.docker.swarm.service.name"] == service:
                pid = node.door.get(f"/containers/{one['Id']}/json")["State"]["Pid"]
                found += [pid] if pid else []
    return found


def load(*urls: str, **options: Any) -> dict[str, Any]:
    """Runs swarm_load; options are its own: connections=64, seconds=2, close=True."""
    return finish(begin_load(*urls, **options))


def begin_load(*urls: str, prefix: Sequence[str] = (), **options: Any) -> subprocess.Popen[bytes]:
    """`prefix`: what it is run by, in a task's namespace."""
    if not LOAD.exists():
        raise SystemExit(f"{LOAD} is missing: run make build")
    command: list[str] = [*prefix, str(LOAD), "http", *urls]
    for name, value in options.items():
        command += [f"--{name}"] if value is True else [f"--{name}", str(value)]
    return subprocess.Popen(command, stdout=subprocess.PIPE)


def finish(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    out, _ = process.communicate()
    return dict(json.loads(out))


def memory(pid: int) -> float:
    """Resident megabytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"process {pid} has no memory")
