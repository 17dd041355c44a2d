"""The story, told by the stock docker CLI to five real daemons: Docker's words in, Docker's words out.

The chapters below are one story: each goes on where the one before it ended, on the same five daemons.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import Docker, eventually, needs_docker, own_home
from swarmpy._cluster import LocalCluster

pytestmark = [pytest.mark.real, needs_docker]

NOT_A_MANAGER = (
    'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node '
    "to swarm and try again."
)
ONLY_A_WORKER = (
    "This node is not a swarm manager. Worker nodes can't be used to view or modify cluster state."
)
ALREADY_MEMBER = (
    'This node is already part of a swarm. Use "docker swarm leave" to leave this swarm and join another one.'
)
HELLO = "while true; do echo Hello Docker; sleep 1; done"
TOKEN = r"SWMTKN-1-[0-9a-z]{50}-[0-9a-z]{25}"


class Stage:
    def __init__(self, cluster: LocalCluster, config: Path) -> None:
        self.cluster = cluster
        self.m1, self.m2, self.m3, self.w1, self.w2 = (Docker(node, config) for node in cluster.nodes)
        self.all = {"m1": self.m1, "m2": self.m2, "m3": self.m3, "w1": self.w1, "w2": self.w2}

    @property
    def manager(self) -> Docker:
        """A manager that lives."""
        return next(one for one in (self.m1, self.m2, self.m3) if one.node.alive)

    def tasks(self, service: str) -> list[dict[str, str]]:
        return self.manager.rows("service", "ps", "--no-trunc", service)

    def running(self, service: str) -> list[dict[str, str]]:
        return [
            task
            for task in self.tasks(service)
            if task["DESIRED STATE"] == "Running" and task["CURRENT STATE"].startswith("Running")
        ]

    def on_the_fullest_node(self, service: str) -> dict[str, str]:
        """A running task, on the node that has most of them."""
        tasks = self.running(service)
        nodes = [task["NODE"] for task in tasks]
        return max(tasks, key=lambda task: nodes.count(task["NODE"]))

    def replicas(self, service: str) -> str:
        rows = self.manager.rows("service", "ls", "--filter", f"name={service}")
        return next((row["REPLICAS"] for row in rows if row["NAME"] == service), "")

    def wait_replicas(self, service: str, wanted: str) -> None:
        eventually(
            self.manager.node.door, lambda: self.replicas(service) == wanted, f"{service} has {wanted}"
        )

    def wait_pretty(self, service: str, text: str) -> None:
        eventually(
            self.manager.node.door,
            lambda: text in self.manager("service", "inspect", "--pretty", service),
            f"{text!r} is shown of {service}",
        )

    def status(self, hostname: str) -> str:
        return next(
            (row["STATUS"] for row in self.manager.rows("node", "ls") if row["HOSTNAME"] == hostname), "gone"
        )

    def wait_status(self, hostname: str, wanted: str) -> None:
        eventually(self.manager.node.door, lambda: self.status(hostname) == wanted, f"{hostname} is {wanted}")

    def container_of(self, task: dict[str, str]) -> tuple[Docker, str]:
        """Where a task runs, and its container's id there."""
        on = self.all[task["NODE"]]
        name = f"{task['NAME']}.{task['ID']}"
        return on, on("container", "ls", "-q", "--filter", f"name={name}")


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with own_home(), LocalCluster.start("story", init=False) as cluster:
        yield Stage(cluster, tmp_path_factory.mktemp("docker-config"))


def test_before_there_is_no_swarm(stage: Stage) -> None:
    for docker in stage.all.values():
        assert "Swarm: inactive" in docker("info")
    assert "swarmpy" in stage.m1("version") or "Version:" in stage.m1("version")
    assert NOT_A_MANAGER in stage.m1.refused("node", "ls")


def test_init(stage: Stage) -> None:
    address = stage.m1.node.address
    said = stage.m1("swarm", "init", "--advertise-addr", address)
    assert re.match(
        r"Swarm initialized: current node \([0-9a-z]{25}\) is now a manager\.\n\n"
        r"To add a worker to this swarm, run the following command:\n\n"
        rf"    docker swarm join --token {TOKEN} {re.escape(address)}:2377\n\n",
        said,
    )
    assert "Swarm: active" in stage.m1("info")
    assert ALREADY_MEMBER in stage.m1.refused("swarm", "init", "--advertise-addr", address)


def test_a_wrong_token_joins_nothing(stage: Stage) -> None:
    remote = f"{stage.m1.node.address}:2377"
    token = stage.m1("swarm", "join-token", "-q", "worker")
    head, digest, secret = token.rsplit("-", 2)
    wrong = {
        "nonsense": "invalid join token",
        f"{head}-{digest}-{'0' * 25}": "valid join token is necessary to join this cluster",
        f"{head}-{'1' * 50}-{secret}": "remote CA does not match fingerprint",
    }
    for bad, text in wrong.items():
        assert text in stage.w1.refused("swarm", "join", "--token", bad, remote)
        assert "Swarm: inactive" in stage.w1("info")


def test_join(stage: Stage) -> None:
    remote = f"{stage.m1.node.address}:2377"
    worker = stage.m1("swarm", "join-token", "-q", "worker")
    manager = stage.m1("swarm", "join-token", "-q", "manager")
    assert worker in stage.m1("swarm", "join-token", "worker")
    for docker in (stage.w1, stage.w2):
        assert docker("swarm", "join", "--token", worker, remote) == "This node joined a swarm as a worker."
    for docker in (stage.m2, stage.m3):
        assert docker("swarm", "join", "--token", manager, remote) == "This node joined a swarm as a manager."
    assert ALREADY_MEMBER in stage.w1.refused("swarm", "init")
    assert ALREADY_MEMBER in stage.w1.refused("swarm", "join", "--token", worker, remote)


def test_node_ls(stage: Stage) -> None:
    for name in ("m1", "m2", "m3", "w1", "w2"):
        stage.wait_status(name, "Ready")
    rows = {row["HOSTNAME"]: row for row in stage.m2.rows("node", "ls")}
    assert list(rows) == ["m1", "m2", "m3", "w1", "w2"]
    assert {row["AVAILABILITY"] for row in rows.values()} == {"Active"}
    standing = [rows[name]["MANAGER STATUS"] for name in rows]
    assert standing == ["Leader", "Reachable", "Reachable", "", ""]
    assert rows["m2"]["ID"].endswith("*")
    assert ONLY_A_WORKER in stage.w1.refused("node", "ls")
    assert "Managers: 3\n  Nodes: 5" in stage.m1("info")


def test_a_first_service(stage: Stage) -> None:
    service = stage.m1(
        "service", "create", "--detach", "--no-resolve-image", "ubuntu:14.04", "/bin/bash", "-c", HELLO
    )
    (row,) = [row for row in stage.m1.rows("service", "ls") if service.startswith(row["ID"])]
    name = row["NAME"]
    assert re.fullmatch(r"[a-z]+_[a-z0-9]+", name)
    stage.wait_replicas(name, "1/1")
    (task,) = stage.tasks(name)
    assert task["DESIRED STATE"] == "Running"
    on, container = stage.container_of(task)
    assert container
    assert on("container", "ls", "--format", "{{.Names}}", "--filter", f"id={container}") == (
        f"{name}.1.{task['ID']}"
    )
    eventually(
        stage.m1.node.door, lambda: "Hello Docker" in stage.m2("service", "logs", name), "its log says hello"
    )
    assert "Hello Docker" in on("logs", container)
    assert json.loads(on("inspect", container))[0]["State"]["Running"] is True
    assert stage.m2("service", "rm", name) == name
    eventually(stage.m1.node.door, lambda: not on("ps", "-aq"), "its container is gone")


def test_replicas_and_scale(stage: Stage) -> None:
    stage.m1(
        "service", "create", "--no-resolve-image", "--quiet", "--name", "myweb", "--replicas", "2", "nginx"
    )
    assert stage.replicas("myweb") == "2/2"
    (row,) = stage.m3.rows("service", "ls", "--filter", "name=myweb")
    assert (row["MODE"], row["IMAGE"]) == ("replicated", "nginx:latest")
    assert "myweb scaled to 3" in stage.m3("service", "scale", "myweb=3")
    assert stage.replicas("myweb") == "3/3"
    assert len({task["NODE"] for task in stage.running("myweb")}) == 3
    assert "Replicas:\t3" in stage.m1("service", "inspect", "--pretty", "myweb")
    assert (
        json.loads(stage.m1("service", "inspect", "myweb"))[0]["Spec"]["Mode"]["Replicated"]["Replicas"] == 3
    )
    assert "name conflicts with an existing object" in stage.m1.refused(
        "service", "create", "-d", "--no-resolve-image", "--name", "myweb", "nginx"
    )
    assert "no such service: nosuch" in stage.m1.refused("service", "inspect", "nosuch")


def test_a_global_service(stage: Stage) -> None:
    stage.m1(
        "service", "create", "-d", "--no-resolve-image", "--name", "everywhere", "--mode", "global", "httpd"
    )
    stage.wait_replicas("everywhere", "5/5")
    assert {task["NODE"] for task in stage.running("everywhere")} == set(stage.all)
    assert "everywhere" in stage.m1("node", "ps", "w1")
    stage.m1("service", "rm", "everywhere")


def test_an_unknown_image_is_rejected(stage: Stage) -> None:
    stage.m1("service", "create", "-d", "--no-resolve-image", "--name", "odd", "nosuch:1")
    eventually(
        stage.m1.node.door,
        lambda: any(
            task["CURRENT STATE"].startswith("Rejected") and "No such image: nosuch:1" in task["ERROR"]
            for task in stage.tasks("odd")
        ),
        "a task of odd is rejected with Docker's text",
    )
    stage.m1("service", "rm", "odd")


def test_other_lists(stage: Stage) -> None:
    assert "ingress" in stage.m1("network", "ls")
    assert "nginx" in stage.m1("image", "ls")
    assert stage.m1("volume", "ls", "-q") == ""
    assert stage.m1("secret", "ls", "-q") == ""
    since = json.loads(stage.m1("node", "inspect", "m1"))[0]["CreatedAt"]
    seen = stage.m1("events", "--since", since, "--until", "0s", "--filter", "type=service")
    assert "service create" in seen
    assert "no such object: nosuch" in stage.m1.refused("inspect", "nosuch").lower()


def test_a_killed_container_is_replaced(stage: Stage) -> None:
    killed = stage.running("myweb")[0]
    on, container = stage.container_of(killed)
    assert on("kill", container) == container

    def replaced() -> bool:
        slot = [task for task in stage.tasks("myweb") if task["NAME"].removeprefix(r"\_ ") == killed["NAME"]]
        newest, *past = slot
        return newest["CURRENT STATE"].startswith("Running") and any(
            old["ID"] == killed["ID"] and old["CURRENT STATE"].startswith("Failed") for old in past
        )

    eventually(stage.m1.node.door, replaced, "the task is replaced and its failure kept")
    (failed,) = [task for task in stage.tasks("myweb") if task["ID"] == killed["ID"]]
    assert "task: non-zero exit (137)" in failed["ERROR"]
    assert failed["DESIRED STATE"] == "Shutdown"
    assert "Exited (137)" in on("ps", "-a", "--filter", f"id={container}")

    on, container = stage.container_of(stage.running("myweb")[0])
    assert on("stop", container) == container
    assert on("ps", "-q", "--filter", f"id={container}") == ""
    stage.wait_replicas("myweb", "3/3")
    assert "is not running" in on.refused("kill", container)


def test_a_killed_node_is_replaced_and_returns(stage: Stage) -> None:
    stage.m1("service", "scale", "-d", "myweb=5")
    stage.wait_replicas("myweb", "5/5")
    assert {task["NODE"] for task in stage.running("myweb")} == set(stage.all)
    stage.w2.node.kill()
    stage.wait_status("w2", "Down")
    eventually(
        stage.m1.node.door,
        lambda: len(tasks := stage.running("myweb")) == 5 and all(task["NODE"] != "w2" for task in tasks),
        "the tasks of w2 run elsewhere",
    )
    stage.w2.node.start()
    stage.wait_status("w2", "Ready")
    assert all(task["NODE"] != "w2" for task in stage.running("myweb"))
    on, container = stage.container_of(stage.on_the_fullest_node("myweb"))
    on("kill", container)
    eventually(
        stage.m1.node.door,
        lambda: any(task["NODE"] == "w2" for task in stage.running("myweb")),
        "the replacement goes to the emptier, returned node",
    )
    stage.m1("service", "rm", "myweb")


def test_rolling_update_and_rollback(stage: Stage) -> None:
    options = ["--replicas", "4", "--name", "myweb3", "--update-delay", "1s", "--update-monitor", "1s"]
    stage.m1(
        "service", "create", "-d", "--no-resolve-image", *options, "--rollback-monitor", "1s", "nginx:1.10"
    )
    stage.wait_replicas("myweb3", "4/4")
    stage.m1("service", "update", "--quiet", "--no-resolve-image", "--image", "nginx:1.11", "myweb3")
    tasks = stage.tasks("myweb3")
    assert {task["IMAGE"] for task in stage.running("myweb3")} == {"nginx:1.11"}
    old = [task for task in tasks if task["IMAGE"] == "nginx:1.10"]
    assert len(old) == 4
    assert all(task["CURRENT STATE"].startswith("Shutdown") for task in old)
    stage.wait_pretty("myweb3", "UpdateStatus:\n State:\t\tcompleted")
    stage.wait_pretty("myweb3", "Delay:\t\t1s")

    assert "myweb3" in stage.m2("service", "update", "--quiet", "--rollback", "myweb3")
    assert {task["IMAGE"] for task in stage.running("myweb3")} == {"nginx:1.10"}
    stage.wait_pretty("myweb3", "State:\t\trollback_completed")
    stage.m1("service", "update", "--quiet", "--no-resolve-image", "--image", "nginx:1.11", "myweb3")
    assert "myweb3" in stage.m3("service", "rollback", "--quiet", "myweb3")
    assert {task["IMAGE"] for task in stage.running("myweb3")} == {"nginx:1.10"}


def test_promote_demote_drain_and_rotate(stage: Stage) -> None:
    assert stage.m1("node", "promote", "w1") == "Node w1 promoted to a manager in the swarm."
    eventually(
        stage.m1.node.door,
        lambda: any(
            row["HOSTNAME"] == "w1" and row["MANAGER STATUS"] == "Reachable"
            for row in stage.m1.rows("node", "ls")
        ),
        "w1 is a manager",
    )
    eventually(stage.m1.node.door, lambda: stage.w1.run("node", "ls").returncode == 0, "w1 answers as one")
    assert stage.m1("node", "demote", "w1") == "Manager w1 demoted in the swarm."
    eventually(
        stage.m1.node.door, lambda: ONLY_A_WORKER in stage.w1.run("node", "ls").stderr, "w1 is a worker again"
    )
    stage.wait_status("w1", "Ready")

    assert stage.m1("node", "update", "--availability", "drain", "w1") == "w1"
    eventually(
        stage.m1.node.door,
        lambda: len(tasks := stage.running("myweb3")) == 4 and all(task["NODE"] != "w1" for task in tasks),
        "w1 is drained",
    )
    stage.m1("node", "update", "--availability", "active", "--label-add", "rack=b", "w1")
    assert json.loads(stage.m1("node", "inspect", "w1"))[0]["Spec"]["Labels"] == {"rack": "b"}

    before = stage.m1("swarm", "join-token", "-q", "worker")
    rotated = stage.m1("swarm", "join-token", "-q", "--rotate", "worker")
    assert re.fullmatch(TOKEN, rotated)
    assert rotated != before
    assert stage.m1("swarm", "update", "--task-history-limit", "3") == "Swarm updated."
    assert "Task History Retention Limit: 3" in stage.m1("info")


def leader_of(stage: Stage) -> str:
    rows = stage.manager.rows("node", "ls")
    return next((row["HOSTNAME"] for row in rows if row["MANAGER STATUS"] == "Leader"), "")


def test_the_leader_dies_and_the_swarm_goes_on(stage: Stage) -> None:
    lost = leader_of(stage)
    stage.all[lost].node.kill()
    door = stage.manager.node.door
    eventually(
        door,
        lambda: stage.manager.run("service", "update", "-d", "--label-add", "a=b", "myweb3").returncode == 0,
        "a write is accepted again",
    )
    assert leader_of(stage) not in ("", lost)
    stage.wait_replicas("myweb3", "4/4")
    stage.all[lost].node.start()
    stage.wait_status(lost, "Ready")


def test_without_quorum_writes_wait_and_fail_and_tasks_run_on(stage: Stage) -> None:
    stage.wait_replicas("myweb3", "4/4")
    on_m1 = stage.m1("ps", "-q")
    stage.m2.node.kill()
    stage.m3.node.kill()
    said = stage.m1.run("service", "scale", "-d", "myweb3=5", timeout=30)
    assert said.returncode != 0
    assert "The swarm does not have a leader" in said.stderr
    assert stage.m1("ps", "-q") == on_m1
    stage.m2.node.start()
    stage.m3.node.start()
    eventually(
        stage.m1.node.door,
        lambda: stage.m1.run("node", "ls").returncode == 0,
        "the swarm has a leader again",
    )
    for name in ("m2", "m3"):
        stage.wait_status(name, "Ready")


def test_leave_and_remove(stage: Stage) -> None:
    stage.wait_status("w2", "Ready")
    assert "is not down and can't be removed" in stage.m1.refused("node", "rm", "w2")
    assert stage.w2("swarm", "leave") == "Node left the swarm."
    stage.wait_status("w2", "Down")
    assert stage.m1("node", "rm", "w2") == "w2"
    assert stage.status("w2") == "gone"
    assert "Swarm: inactive" in stage.w2("info")


def test_the_last_manager(stage: Stage) -> None:
    stage.m1("service", "rm", "myweb3")
    assert "participating as a manager" in stage.m2.refused("swarm", "leave")
    for name in ("m2", "m3"):
        docker = stage.all[name]
        stage.m1("node", "demote", name)
        eventually(
            stage.m1.node.door,
            lambda docker=docker: "Is Manager: false" in docker("info"),
            f"{name} is a worker",
        )
        assert docker("swarm", "leave") == "Node left the swarm."
    assert "attempting to demote the last manager of the swarm" in stage.m1.refused("node", "demote", "m1")
    refused = stage.m1.refused("swarm", "leave")
    assert "Removing the last manager erases all current state of the swarm" in refused
    assert "`--force`" in refused
    assert stage.m1("swarm", "leave", "--force") == "Node left the swarm."
    assert NOT_A_MANAGER in stage.m1.refused("node", "ls")
    assert "Swarm: inactive" in stage.m1("info")
