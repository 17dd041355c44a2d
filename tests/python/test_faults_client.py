"""Impatient users: Ctrl-C in any wait, and swarms made and killed by the hundred. Nothing stays behind.

SWARMPY_CYCLES=200 is the long run; a few are enough to see a leak.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import swarmpy as sp
from ctrl_c import pressed_ctrl_c
from local import mentions, own_home
from swarmpy._cluster import LocalCluster

pytestmark = pytest.mark.real

CYCLES = int(os.environ.get("SWARMPY_CYCLES", "8"))
AT_ONCE = 0.2  # seconds


@pytest.fixture(scope="module")
def c() -> Iterator[sp.Swarm]:
    with own_home(), sp.Swarm(managers=1, workers=1, mode="real", name="impatient") as swarm:
        assert swarm.services.create("nginx", name="page", ports=["8080:80"]).wait()
        swarm.run(until=page_comes, timeout="10s")
        yield swarm


def page_comes(c: sp.Swarm) -> bool:
    try:
        return c.http.get("m1:8080").status == 200
    except sp.Unreachable:  # the node has not heard of the port yet
        return False


WAITS: dict[str, Callable[[sp.Swarm, sp.Service], object]] = {
    "sleep": lambda c, _: c.sleep("1h"),
    "run until": lambda c, _: c.run(until=lambda c: False, timeout="1h"),
    "service.wait": lambda _, pending: pending.wait(timeout="1h"),
    "wait_converged": lambda c, _: c.wait_converged(timeout="1h"),
    "events": lambda c, _: list(c.events("task", timeout="1h")),
    "http.get": lambda c, _: [c.http.get("m1:8080") for _ in range(10**9)],
    "logs": lambda _, pending: list(pending.logs(follow=True, timeout="1h")),
}


# Interrupted inside socket.create_connection(), Python itself leaves the socket to be collected.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("name", WAITS)
def test_ctrl_c_comes_back_at_once_and_the_swarm_goes_on(c: sp.Swarm, name: str) -> None:
    pending = c.services.create("nginx", name="pending", constraints=["node.labels.nowhere==1"])
    with pressed_ctrl_c(after=0.4, ends_within=AT_ONCE):
        WAITS[name](c, pending)
    pending.remove()
    web = c.services.create("nginx", name="web", replicas=2)
    assert web.wait()
    web.remove()


SIM_WAITS: dict[str, Callable[[sp.Swarm, sp.Service], object]] = {
    "run until": lambda c, _: c.run(until=lambda c: False, timeout="100000h"),
    "service.wait": lambda _, pending: pending.wait(timeout="100000h"),
    "wait_converged": lambda c, _: c.wait_converged(timeout="100000h"),
    "sleep": lambda c, _: c.sleep("100000h"),
    "http.get": lambda c, _: [c.http.get("m1:8080") for _ in range(10**9)],
}


@pytest.mark.parametrize("name", SIM_WAITS)
def test_ctrl_c_in_virtual_time(name: str) -> None:
    with sp.Swarm(managers=3, workers=2, seed=1) as c:
        c.services.create("nginx", name="web", replicas=2, ports=["8080:80"]).wait()
        pending = c.services.create("nginx", name="pending", constraints=["node.labels.nowhere==1"])
        with pressed_ctrl_c(after=0.4, ends_within=AT_ONCE):
            SIM_WAITS[name](c, pending)
        pending.remove()
        assert c.services.create("nginx", name="other", replicas=2).wait()


SCRIPT = """
import swarmpy as sp
with sp.Swarm(managers=1, workers=1, mode="real", name="cut-short") as c:
    web = c.services.create("nginx", replicas=2)
    assert web.wait()
    print("waiting", flush=True)
    c.run(until=lambda c: False, timeout="1h")
"""


def test_ctrl_c_leaves_the_with_and_nothing_stays() -> None:
    with own_home() as home:
        python = subprocess.Popen(
            [sys.executable, "-c", SCRIPT], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert python.stdout is not None and python.stdout.readline() == "waiting\n"
        python.send_signal(signal.SIGINT)
        _, said = python.communicate(timeout=20)
        assert python.returncode == -signal.SIGINT and said.rstrip().endswith("KeyboardInterrupt"), said
        assert mentions(str(home)) == [] and not home.exists()


@pytest.mark.parametrize("after", [0.0, 0.05, 0.1, 0.2, 0.3])
def test_ctrl_c_while_it_is_made_leaves_nothing_either(after: float) -> None:
    script = SCRIPT.replace("import swarmpy as sp", "import swarmpy as sp\nprint('begun', flush=True)")
    with own_home() as home:
        python = subprocess.Popen(
            [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert python.stdout is not None and python.stdout.readline() == "begun\n"
        threading.Timer(after, python.send_signal, [signal.SIGINT]).start()
        _press_again_if_python_lost_it(python)
        assert mentions(str(home)) == []
        assert LocalCluster.all() == []
        assert not home.exists()


def _press_again_if_python_lost_it(python: subprocess.Popen[str]) -> None:
    """CPython drops a KeyboardInterrupt inside the callback of a weak reference, such as its imports have."""
    try:
        python.communicate(timeout=10)
    except subprocess.TimeoutExpired:
        python.send_signal(signal.SIGINT)
        _, said = python.communicate(timeout=10)
        assert "Exception ignored in" in said


def test_swarms_made_and_killed_leak_nothing() -> None:
    with own_home() as home:
        once()  # what stays for ever is there now
        before = held()
        for _ in range(CYCLES):
            sockets = once()
            assert not home.exists() and not sockets.exists()
            assert mentions(str(home)) == []
        assert held() == before
        assert str(home) not in Path("/proc/net/unix").read_text()


def once() -> Path:
    """Where its sockets were: other swarms of this machine come and go meanwhile."""
    cluster = LocalCluster.start("cycle", managers=1, workers=1)
    door = cluster.nodes[0].door
    task = {"ContainerSpec": {"Image": "nginx:1.10"}}
    door.post("/services/create", {"Name": "web", "TaskTemplate": task, "Mode": {"Global": {}}})
    door.until(lambda: sum(t["Status"]["State"] == "running" for t in door.get("/tasks")) == 2, 20, "it runs")
    sockets = cluster.nodes[0].sockets
    for node in cluster.nodes:
        node.kill()
    cluster.close()
    return sockets


def held() -> dict[str, int]:
    """What this process holds because of swarms."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return {
        "descriptors": sum(1 for _ in Path("/proc/self/fd").iterdir()),
        "threads": threading.active_count(),
        "children": len(children),
    }
