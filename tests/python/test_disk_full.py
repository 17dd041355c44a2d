"""Real managers, each on a small file system that fills up: no daemon ends, no acknowledged write is lost,
and all goes on by itself when there is room."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local import eventually, own_home
from swarmpy import SwarmError
from swarmpy._cluster import LocalCluster, LocalNode

LOCAL = {"Swarmpy-Consistency": "local"}
MEGABYTES = 48


def may_mount() -> bool:
    if os.geteuid() != 0:
        return False
    tried = subprocess.run(
        ["unshare", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, check=False
    )
    return tried.returncode == 0


pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not may_mount(), reason="file systems are mounted as root only"),
]


@pytest.fixture
def trio() -> Iterator[list[LocalNode]]:
    """Three managers; each has a small disk, which it found at its second start."""
    with (
        own_home(),
        LocalCluster.start("full", managers=3, workers=0) as cluster,
        contextlib.ExitStack() as mounts,
    ):
        for node in cluster.nodes:
            node.kill()
            onto_small_disk(node.data_root, mounts)
            node.start()
        first = cluster.nodes[0]
        eventually(first.door, lambda: len(reachable(first)) == 3, "all managers are back")
        first.door.post("/services/create", service("web", 3))
        eventually(first.door, lambda: running(first) == 3, "web runs")
        yield cluster.nodes
        for node in cluster.nodes:
            node.kill()


def onto_small_disk(root: Path, mounts: contextlib.ExitStack) -> None:
    before = root.with_name(f"{root.name}-before")
    root.rename(before)
    root.mkdir(mode=0o700)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m,mode=700", "none", root], check=True)
    mounts.callback(subprocess.run, ["umount", "--lazy", root], check=True)
    subprocess.run(["cp", "-a", f"{before}/.", root], check=True)


def service(name: str, replicas: int = 0, size: int = 0) -> dict[str, object]:
    task = {"ContainerSpec": {"Image": "nginx:1.10", "Labels": {"padding": "x" * size}}}
    return {"Name": name, "TaskTemplate": task, "Mode": {"Replicated": {"Replicas": replicas}}}


def swarm_of(node: LocalNode) -> dict[str, Any]:
    answer: dict[str, Any] = node.door.get("/info")["Swarm"]
    return answer


def names_on(node: LocalNode) -> set[str]:
    return {one["Spec"]["Name"] for one in node.door.get("/services", headers=LOCAL)}


def reachable(at: LocalNode) -> set[str]:
    return {
        one["Description"]["Hostname"]
        for one in at.door.get("/nodes")
        if one.get("ManagerStatus", {}).get("Reachability") == "reachable"
    }


def running(at: LocalNode) -> int:
    tasks = at.door.get('/tasks?filters={"desired-state":["running"]}')
    return sum(one["Status"]["State"] == "running" for one in tasks)


def processes(node: LocalNode) -> list[str]:
    return sorted(one["Id"] for one in node.door.get("/containers/json"))


def fill(node: LocalNode) -> Path:
    """Takes all the room that is left."""
    ballast = node.data_root / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        for piece in (1 << 16, 1 << 12):
            with contextlib.suppress(OSError):
                while True:
                    file.write(b"\0" * piece)
    return ballast


def takes_part(node: LocalNode) -> bool:
    state = swarm_of(node)
    return bool(state["ControlAvailable"]) and not state["Error"]


def write_until(node: LocalNode, done: Callable[[], bool], names: set[str]) -> None:
    """Services at one node, one after the other. `names` gets those that were acknowledged."""
    end = time.monotonic() + 60
    number = len(names)
    while not done():
        assert time.monotonic() < end, "the disk is not full"
        number += 1
        with contextlib.suppress(SwarmError):
            node.door.post("/services/create", service(f"{node.name}-{number}", size=30_000), timeout=10)
            names.add(f"{node.name}-{number}")


def stays_aside(node: LocalNode) -> bool:
    return "No space left on device" in swarm_of(node)["Error"]


def answers(node: LocalNode, names: set[str]) -> bool:
    """Not before its agent has found the leader."""
    with contextlib.suppress(SwarmError):
        return {one["Spec"]["Name"] for one in node.door.get("/services")} >= names
    return False


def all_have(nodes: list[LocalNode], names: set[str]) -> None:
    for node in nodes:
        eventually(node.door, lambda n=node: takes_part(n), f"{node.name} takes part")
        eventually(
            node.door, lambda n=node: names_on(n) >= names, f"{node.name} has all that was acknowledged"
        )


def leader_of(nodes: list[LocalNode]) -> LocalNode:
    hostnames = {
        one["Description"]["Hostname"]
        for one in nodes[0].door.get("/nodes")
        if one.get("ManagerStatus", {}).get("Leader")
    }
    return next(node for node in nodes if node.name in hostnames)


@pytest.mark.parametrize("leads", [False, True], ids=["a follower", "the leader"])
def test_one_of_three_is_full(trio: list[LocalNode], leads: bool) -> None:
    leader = leader_of(trio)
    victim = leader if leads else next(node for node in trio if node is not leader)
    other = next(node for node in trio if node not in (leader, victim))
    pids = [node.pid for node in trio]
    tasks = processes(victim)
    ballast = fill(victim)
    acknowledged: set[str] = {"web"}
    write_until(other, lambda: stays_aside(victim), acknowledged)
    eventually(other.door, lambda: victim.name not in reachable(other), "it is unreachable for the others")
    assert processes(victim) == tasks, "its tasks live"
    eventually(victim.door, lambda: answers(victim, acknowledged), "the leader answers for it")
    enough = len(acknowledged) + 5
    write_until(other, lambda: len(acknowledged) >= enough, acknowledged)
    ballast.unlink()
    all_have(trio, acknowledged)
    eventually(other.door, lambda: victim.name in reachable(other), "it is reachable")
    assert [node.pid for node in trio] == pids, "no daemon has ended"
    assert "goes on by itself" in victim.log.read_text()


def test_all_are_full(trio: list[LocalNode]) -> None:
    pids = [node.pid for node in trio]
    tasks = [processes(node) for node in trio]
    ballasts = [fill(node) for node in trio]
    acknowledged: set[str] = {"web"}
    write_until(trio[1], lambda: sum(stays_aside(node) for node in trio) >= 2, acknowledged)
    with pytest.raises(SwarmError):
        trio[0].door.post("/services/create", service("nobody-counts-this"), timeout=10)
    assert [processes(node) for node in trio] == tasks, "tasks live"
    for ballast in ballasts:
        ballast.unlink()
    all_have(trio, acknowledged)
    trio[2].door.post("/services/create", service("after"))
    assert [node.pid for node in trio] == pids, "no daemon has ended"


def test_a_damaged_log_starts_says_so_and_heals(trio: list[LocalNode]) -> None:
    leader = leader_of(trio)
    victim = next(node for node in trio if node is not leader)
    for number in range(20):
        leader.door.post("/services/create", service(f"s{number}"))
    eventually(victim.door, lambda: len(names_on(victim)) == 21, "the follower has all")
    victim.kill()
    newest = max((victim.data_root / "raft").glob("*.log"), key=lambda path: path.stat().st_size)
    content = bytearray(newest.read_bytes())
    content[len(content) // 2] ^= 0x5A
    newest.write_bytes(content)
    victim.start()
    eventually(victim.door, lambda: takes_part(victim), "it is a new member")
    assert "it is damaged" in victim.log.read_text()
    eventually(victim.door, lambda: len(names_on(victim)) == 21, "the others gave all back")
    eventually(leader.door, lambda: len(reachable(leader)) == 3, "three managers are reachable")
