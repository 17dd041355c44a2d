"""Real managers whose disks lose what they promised, and the way out of a lost majority."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local import Docker, eventually, needs_docker, own_home, swarmpy
from swarmpy import SwarmError
from swarmpy._cluster import LocalCluster, LocalNode

pytestmark = pytest.mark.real
LOCAL = {"Swarmpy-Consistency": "local"}


@pytest.fixture
def trio() -> Iterator[list[LocalNode]]:
    """Three managers that have acknowledged ten services; the first one leads."""
    with own_home(), LocalCluster.start("loss", managers=3, workers=0) as cluster:
        for number in range(10):
            cluster.nodes[0].door.post("/services/create", service(f"s{number}"))
        yield cluster.nodes


def service(name: str, replicas: int = 0) -> dict[str, object]:
    task = {"ContainerSpec": {"Image": "nginx:1.10"}}
    return {"Name": name, "TaskTemplate": task, "Mode": {"Replicated": {"Replicas": replicas}}}


def names_on(node: LocalNode) -> set[str]:
    return {one["Spec"]["Name"] for one in node.door.get("/services", headers=LOCAL)}


def raft(node: LocalNode) -> dict[str, Any]:
    answer: dict[str, Any] = node.door.get("/swarmpy/v1/raft")
    return answer


def swarm_of(node: LocalNode) -> dict[str, Any]:
    answer: dict[str, Any] = node.door.get("/info")["Swarm"]
    return answer


def cut_newest_log(node: LocalNode, keep: float) -> None:
    """As after a power loss on a disk that lies about flushes."""
    newest = max(Path(node.data_root).rglob("raft/*.log"), key=lambda path: path.stat().st_mtime)
    os.truncate(newest, int(newest.stat().st_size * keep))


def is_voter(node: LocalNode, at: LocalNode) -> bool:
    members = at.door.get("/nodes")
    mine = [one for one in members if one["Description"]["Hostname"] == node.name]
    return [one.get("ManagerStatus", {}).get("Reachability") for one in mine] == ["reachable"]


def has_acknowledged(node: LocalNode, leader: LocalNode) -> bool:
    """What it has applied it may not have promised yet."""
    state = raft(leader)
    mine = next(one for one in state["Members"].values() if one["Name"] == node.name)
    return bool(mine["Match"] >= state["LastIndex"])


def take_part_again(node: LocalNode, former: int, at: LocalNode) -> None:
    def holds() -> bool:
        state = swarm_of(node)
        with contextlib.suppress(SwarmError):  # as long as it takes no part
            return state["ControlAvailable"] and not state["Error"] and raft(node)["Id"] != former
        return False

    eventually(node.door, holds, f"{node.name} is a new member")
    eventually(at.door, lambda: is_voter(node, at), f"{node.name} is reachable as a manager")
    eventually(node.door, lambda: names_on(node) >= names_on(at), f"{node.name} has all services")


def test_a_manager_whose_log_lost_its_tail_is_a_new_member(trio: list[LocalNode]) -> None:
    leader, victim, _ = trio
    former = raft(victim)["Id"]
    victim.kill()
    cut_newest_log(victim, 0.6)
    victim.start()
    take_part_again(victim, former, leader)
    assert "It does not vote" in victim.log.read_text()
    assert len(names_on(victim)) == 10


def test_what_was_acknowledged_is_not_outvoted_by_a_lost_tail(trio: list[LocalNode]) -> None:
    """One acknowledges nothing with a member that forgot; the third, which remembers, brings all back."""
    leader, victim, third = trio
    third.kill()
    for number in range(10, 20):
        leader.door.post("/services/create", service(f"s{number}"))
    former = raft(victim)["Id"]
    leader.kill()
    victim.kill()
    cut_newest_log(victim, 0.6)
    victim.start()
    third.start()
    with pytest.raises(SwarmError):
        third.door.post("/services/create", service("nobody-counts-this"), timeout=5)
    assert swarm_of(victim)["Error"]
    leader.start()
    take_part_again(victim, former, leader)
    for node in trio:
        eventually(node.door, lambda n=node: len(names_on(n)) >= 20, f"{node.name} has all twenty")


def go_back(victim: LocalNode, leader: LocalNode, folder: Path) -> None:
    """The victim starts again with this folder as it was five acknowledged services ago."""
    victim.kill()
    copy = folder.with_name(folder.name + "-of-an-earlier-day")
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("*.sock"))
    victim.start()
    eventually(victim.door, lambda: is_voter(victim, leader), "the follower is back")
    for number in range(10, 15):
        leader.door.post("/services/create", service(f"s{number}"))
    eventually(victim.door, lambda: len(names_on(victim)) == 15, "the follower has all fifteen")
    eventually(leader.door, lambda: has_acknowledged(victim, leader), "the leader counts on it")
    victim.kill()
    shutil.rmtree(folder)
    copy.rename(folder)
    victim.start()


def test_a_follower_with_an_older_mark_does_not_take_part(trio: list[LocalNode]) -> None:
    """Its RocksDB is of an earlier day, its mark is not."""
    leader, victim, _ = trio
    former = raft(victim)["Id"]
    go_back(victim, leader, next(Path(victim.data_root).rglob("raft")))
    take_part_again(victim, former, leader)


def test_a_follower_with_an_older_copy_of_its_data_root_is_a_new_member(trio: list[LocalNode]) -> None:
    """Its mark is as old as its log: only the leader, which counts on more, can know."""
    leader, victim, _ = trio
    former = raft(victim)["Id"]
    go_back(victim, leader, Path(victim.data_root))
    take_part_again(victim, former, leader)
    assert "it looks like an older copy of its data root" in victim.log.read_text()
    assert len(names_on(victim)) == 15


@needs_docker
def test_one_manager_goes_on_alone_when_it_is_told_to(trio: list[LocalNode], tmp_path: Path) -> None:
    leader, *others = trio
    leader.door.post("/services/create", service("web", 2))
    docker = Docker(leader, tmp_path)
    refused = docker.refused("swarm", "init", "--force-new-cluster")
    assert "nothing to recover" in refused, refused
    for node in others:
        node.kill()
    docker("swarm", "init", "--force-new-cluster", "--advertise-addr", leader.address)
    assert len(names_on(leader)) == 11
    leader.door.post("/services/create", service("after"))

    def runs() -> bool:
        tasks = leader.door.get('/tasks?filters={"desired-state":["running"]}')
        return [one["Status"]["State"] for one in tasks] == ["running"] * 2

    eventually(leader.door, runs, "web's tasks run on the one that is left")
    others[0].start()
    nodes = leader.door.get("/nodes")
    assert [one["Spec"]["Role"] for one in nodes].count("manager") == 1
    eventually(
        others[0].door,
        lambda: not swarm_of(others[0])["ControlAvailable"] or bool(swarm_of(others[0])["Error"]),
        "a manager of before takes no part",
    )
    assert "after" in names_on(leader)


def test_the_command_recover_shows_refuses_and_does(trio: list[LocalNode]) -> None:
    leader, *others = trio
    first = swarmpy("recover")
    assert first.returncode == 1
    assert "nothing to recover" in first.stderr
    for node in others:
        node.kill()
    lost = [word for node in others for word in ("--lost", node.name)]
    eventually(leader.door, lambda: "away" in swarmpy("recover").stderr, "it says who is away")
    shown = swarmpy("recover", *lost)
    assert (shown.returncode, "--yes" in shown.stdout) == (0, True), shown
    done = swarmpy("recover", *lost, "--yes")
    assert done.returncode == 0, done
    assert len(names_on(leader)) == 10
    leader.door.post("/services/create", service("after"))
