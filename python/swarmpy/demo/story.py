"""The story: init, join, tasks, self-healing, the loss of a leader, a rolling update and its rollback.

Each chapter does something, shows the docker command for it, and waits until what must follow was seen. What
is not seen within its time ends the demo with exit code 1.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

from swarmpy._cluster import LocalCluster
from swarmpy._cluster.form import init, join
from swarmpy.demo import pictures
from swarmpy.demo.narrator import Narrator
from swarmpy.demo.networks import networks
from swarmpy.demo.record import PORT, Record, wait_for_the_port
from swarmpy.demo.stage import Stage, View, span
from swarmpy.errors import SwarmError

FOLDER = Path("demo")
REPLICAS = 6
SECOND = 1_000_000_000
HELLO = "while true; do echo Hello Docker; sleep 1; done"


def play() -> int:
    narrator = Narrator()
    try:
        with _daemons(narrator) as cluster, Record(cluster) as record:
            stage = Stage(cluster, narrator, record)
            for chapter in CHAPTERS:
                chapter(stage)
        _nothing_left(stage)
        networks(narrator)
        narrator.end(FOLDER / "transcript.txt")
        record.write(FOLDER, narrator.transcript)
        print(f"   And in pictures: {FOLDER / 'index.html'}, {FOLDER / 'timeline.svg'}")
    except SwarmError as error:
        narrator.settle()
        print(f"\nNot as told: {error.message}", file=sys.stderr)
        return 1
    return 0


def _daemons(narrator: Narrator) -> LocalCluster:
    narrator.chapter("Five machines: real processes, each with an address of its own")
    cluster = LocalCluster.start(None, managers=3, workers=2, init=False)
    for node in cluster.nodes:
        narrator.tell(f"{node.name}   {node.address}   pid {node.pid}")
    return cluster


def before(stage: Stage) -> None:
    stage.narrator.command("docker info")
    states = [node.door.get("/info")["Swarm"]["LocalNodeState"] for node in stage.cluster.nodes]
    _check(states == ["inactive"] * 5, f"all five are outside any swarm, not {states}")
    stage.narrator.observed("Swarm: inactive, on all five")


def first_manager(stage: Stage) -> None:
    m1 = stage.node("m1")
    stage.narrator.chapter("The first manager")
    stage.narrator.command(f"docker swarm init --advertise-addr {m1.address}")
    init(m1)
    stage.see("a swarm of one node, which leads it", lambda view: view.leader() == "m1", pictures.nodes)


def the_others(stage: Stage) -> None:
    stage.narrator.chapter("Four others join, with a token")
    m1 = stage.node("m1")
    tokens = m1.door.get("/swarm")["JoinTokens"]
    stage.narrator.command(f"docker swarm join --token {tokens['Worker'][:18]}... {m1.address}:2377")
    for name in ("m2", "m3", "w1", "w2"):
        node = stage.node(name)
        join(node, m1, tokens["Manager" if node.role == "manager" else "Worker"])
    stage.see(
        "five nodes are ready", lambda view: view.ready() == 5 and _reachable(view) == 3, pictures.nodes
    )


def tasks(stage: Stage) -> None:
    stage.narrator.chapter("Services: say what shall be, not how")
    stage.narrator.command(f'docker service create ubuntu:14.04 /bin/bash -c "{HELLO}"')
    hello = stage.door.post("/services/create", _hello())["ID"]
    stage.narrator.command(
        f"docker service create --name web --replicas {REPLICAS} --publish {PORT}:80 "
        "--update-delay 2s nginx:1.10"
    )
    stage.door.post("/services/create", _web())
    stage.see("7 tasks run, spread over the nodes", lambda view: len(view.running()) == 7, pictures.nodes)
    _ask_from_now_on(stage)
    name = stage.door.get(f"/services/{hello}")["Spec"]["Name"]
    stage.narrator.command(f"docker service logs {name}")
    logs = f"/services/{hello}/logs?stdout=1&stderr=1"
    _see_text(stage, logs, "Hello Docker")
    stage.narrator.observed(f'{name}, as the swarm named it, says "Hello Docker"')
    stage.door.delete(f"/services/{hello}")
    stage.see("and it is gone when removed", lambda view: len(view.tasks) == REPLICAS, pictures.nodes)


def a_task_dies(stage: Stage) -> None:
    stage.narrator.chapter("Self-healing: a task dies")
    task = stage.view().running("web")[0]
    label, slot = stage.view().label(task), task["Slot"]
    _kill(stage, task)

    def replaced(view: View) -> bool:
        newest, *past = view.slots("web")[slot]
        died = any(old["ID"] == task["ID"] and old["Status"]["State"] == "failed" for old in past)
        return died and newest in view.running("web")

    stage.see(f"{label} is replaced, and its failure kept", replaced, _web_table)


def a_node_dies(stage: Stage) -> None:
    stage.narrator.chapter("Self-healing: a node dies")
    _kill_node(stage, "w2")
    stage.see(
        "w2 is down, and its tasks run elsewhere",
        lambda view: _status(view, "w2") == "down" and len(view.running("web")) == REPLICAS,
        pictures.nodes,
    )


def the_node_returns(stage: Stage) -> None:
    stage.narrator.chapter("The node returns")
    stage.narrator.command("swarmpy node start w2")
    stage.record.note("repair", "w2 started", node="w2")
    stage.node("w2").start()
    stage.see("w2 is ready again", lambda view: _status(view, "w2") == "ready", pictures.nodes)
    stage.stays("no running task moves to it", lambda view: not view.running("web", on="w2"), 2)
    _kill(stage, _on_the_fullest_node(stage.view()))
    stage.see(
        "but the next replacement goes there: it is the emptiest",
        lambda view: len(view.running("web", on="w2")) == 1 and len(view.running("web")) == REPLICAS,
        pictures.nodes,
    )


def the_leader_dies(stage: Stage) -> None:
    stage.narrator.chapter("The leader dies")
    lost = stage.view().leader()
    _kill_node(stage, lost)
    began = time.monotonic()
    stage.narrator.command(f"docker service scale web={REPLICAS + 1}")
    _write_until_accepted(stage)
    took = span(time.monotonic() - began)
    stage.narrator.observed(f"a write is accepted again {took} after the leader's death")
    wanted = REPLICAS + 1
    stage.see(
        f"another manager leads, {lost} is down, and the wanted number of tasks runs elsewhere",
        lambda view: view.leader() not in ("", lost)
        and _status(view, lost) == "down"
        and len(view.running("web")) == wanted
        and not view.running("web", on=lost),
        pictures.nodes,
    )
    stage.narrator.command(f"swarmpy node start {lost}")
    stage.record.note("repair", f"{lost} started", node=lost)
    stage.node(lost).start()
    stage.see(
        f"{lost} is back and follows",
        lambda view: view.ready() == 5 and _reachable(view) == 3 and view.leader() != lost,
        pictures.nodes,
    )


def update(stage: Stage) -> None:
    stage.narrator.chapter("A rolling update: one task after the other")
    stage.narrator.command("docker service update --image nginx:1.11 web")
    stage.record.note("update", "nginx:1.11")
    service = stage.view().service("web")
    spec = service["Spec"]
    spec["TaskTemplate"]["ContainerSpec"]["Image"] = "nginx:1.11"
    stage.door.post(f"/services/{service['ID']}/update?version={service['Version']['Index']}", spec)
    _see_all_on(stage, "nginx:1.11", "completed")


def rollback(stage: Stage) -> None:
    stage.narrator.chapter("And back")
    stage.narrator.command("docker service rollback web")
    stage.record.note("update", "rollback")
    service = stage.view().service("web")
    path = f"/services/{service['ID']}/update?version={service['Version']['Index']}&rollback=previous"
    stage.door.post(path, service["Spec"])
    _see_all_on(stage, "nginx:1.10", "rollback_completed")


def farewell(stage: Stage) -> None:
    stage.narrator.chapter("A worker leaves")
    stage.narrator.command("docker swarm leave")
    stage.record.note("update", "w1 leaves")
    stage.node("w1").door.post("/swarm/leave")
    stage.see(
        "w1 is down, its tasks run elsewhere",
        lambda view: _status(view, "w1") == "down" and not view.running("web", on="w1")
        and len(view.running("web")) == REPLICAS + 1,
        pictures.nodes,
    )  # fmt: skip
    stage.narrator.command("docker node rm w1")
    stage.door.delete("/nodes/w1")
    stage.see("it has left the list", lambda view: len(view.nodes) == 4, pictures.nodes)


def _nothing_left(stage: Stage) -> None:
    stage.narrator.chapter("The stage is cleared")
    cluster = stage.cluster
    _check(not cluster.processes() and not cluster.folder.exists(), "no process and no folder is left")
    stage.narrator.observed("no process, port or folder is left")


def _hello() -> dict[str, Any]:
    container = {"Image": "ubuntu:14.04", "Args": ["/bin/bash", "-c", HELLO]}
    return {"TaskTemplate": {"ContainerSpec": container}, "Mode": {"Replicated": {"Replicas": 1}}}


def _web() -> dict[str, Any]:
    rolling = {"Parallelism": 1, "Delay": 2 * SECOND, "Monitor": SECOND, "FailureAction": "pause"}
    ports = [{"Protocol": "tcp", "TargetPort": 80, "PublishedPort": PORT}]
    return {
        "Name": "web",
        "TaskTemplate": {
            "ContainerSpec": {"Image": "nginx:1.10"},
            "RestartPolicy": {"Condition": "any", "Delay": 0},
        },
        "Mode": {"Replicated": {"Replicas": REPLICAS}},
        "UpdateConfig": rolling,
        "RollbackConfig": {**rolling, "Delay": 0},
        "EndpointSpec": {"Ports": ports},
    }


def _web_table(view: View) -> str:
    return pictures.service(view, "web")


def _on_the_fullest_node(view: View) -> dict[str, Any]:
    tasks = view.running("web")
    nodes = [task["NodeID"] for task in tasks]
    return max(tasks, key=lambda task: nodes.count(task["NodeID"]))


def _ask_from_now_on(stage: Stage) -> None:
    """Every living node is asked for a page until the end."""
    m1 = stage.node("m1").address
    stage.narrator.command(f"curl http://{m1}:{PORT}/")
    _check(wait_for_the_port(m1), f"port {PORT} of m1 answers")
    stage.narrator.observed("any node answers; from now on it is asked all the time")
    stage.record.ask_all_the_time()


def _kill(stage: Stage, task: dict[str, Any]) -> None:
    view = stage.view()
    name = view.hostname(task["NodeID"])
    stage.narrator.tell(f"{view.label(task)} runs on {name}. On that node:")
    stage.narrator.command(f"docker kill {view.label(task)}.{task['ID']}")
    stage.record.note("fault", f"{view.label(task)} killed")
    container = task["Status"]["ContainerStatus"]["ContainerID"]
    stage.node(name).door.post(f"/containers/{container}/kill")


def _kill_node(stage: Stage, name: str) -> None:
    stage.narrator.tell(f"kill -9 for {name}, pid {stage.node(name).pid}:")
    stage.narrator.command(f"swarmpy node kill {name}")
    stage.record.note("fault", f"{name} killed", node=name)
    stage.node(name).kill()


def _write_until_accepted(stage: Stage) -> None:
    """What a script would do: ask again until there is a leader."""

    def accepted() -> bool:
        try:
            service = stage.door.get("/services/web")
            service["Spec"]["Mode"]["Replicated"]["Replicas"] = REPLICAS + 1
            stage.door.post(f"/services/web/update?version={service['Version']['Index']}", service["Spec"])
        except SwarmError:
            return False
        return True

    stage.door.until(accepted, 30, "a write is accepted")


def _see_all_on(stage: Stage, image: str, update_state: str) -> None:
    wanted = stage.view().service("web")["Spec"]["Mode"]["Replicated"]["Replicas"]
    began = stage.record.now

    def done(view: View) -> bool:
        running = view.running("web")
        state = view.service("web").get("UpdateStatus", {}).get("State")
        return (
            state == update_state and [view.image(task).split("@")[0] for task in running] == [image] * wanted
        )

    stage.see(f"all tasks run {image}", done, _web_table, patience=120)
    fewest = stage.record.fewest_running(began)
    _check(fewest >= wanted - 1, f"never more than one task is missing, but once {wanted - fewest} were")
    stage.narrator.observed("never was more than one task missing")


def _see_text(stage: Stage, path: str, text: str) -> None:
    stage.door.until(lambda: text in stage.door.text(path), 30, f"{quote(text)} in {path}")


def _status(view: View, name: str) -> str:
    return str(view.node(name)["Status"]["State"])


def _reachable(view: View) -> int:
    return sum(
        1 for node in view.nodes if (node.get("ManagerStatus") or {}).get("Reachability") == "reachable"
    )


def _check(holds: bool, what: str) -> None:
    if not holds:
        raise SwarmError(f"expected but not seen: {what}")


CHAPTERS = (
    before,
    first_manager,
    the_others,
    tasks,
    a_task_dies,
    a_node_dies,
    the_node_returns,
    the_leader_dies,
    update,
    rollback,
    farewell,
)
