"""Real daemons that stop, die in the middle of things, and come back: no person has to help.

The simulator takes every single step of these (test_faults_sim.py); here the kernel, RocksDB and the clock
take part, and the moment of each crash is drawn. SWARMPY_CRASHES and SWARMPY_PAUSE make it longer.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from local import eventually, exists, own_home
from swarmpy import SwarmError
from swarmpy._cluster import Door, LocalCluster, LocalNode
from swarmpy._cluster.form import init, join

pytestmark = pytest.mark.real

CRASHES = int(os.environ.get("SWARMPY_CRASHES", "4"))  # of each operation
PAUSE = float(os.environ.get("SWARMPY_PAUSE", "3"))  # seconds for which the leader stands still
PATIENCE = 30.0
SLOW = 0.12  # no operation takes longer than this, mostly


@pytest.fixture
def trio() -> Iterator[list[LocalNode]]:
    """Three managers, one worker."""
    with own_home(), LocalCluster.start("trio", 3, 1) as cluster:
        yield cluster.nodes


def service(name: str, replicas: int) -> dict[str, object]:
    task = {"ContainerSpec": {"Image": "nginx:1.10"}, "RestartPolicy": {"Delay": 0}}
    return {"Name": name, "TaskTemplate": task, "Mode": {"Replicated": {"Replicas": replicas}}}


def running(door: Door) -> list[dict[str, str]]:
    tasks = door.get('/tasks?filters={"desired-state":["running"]}')
    return [task for task in tasks if task["Status"]["State"] == "running"]


def until(node: LocalNode, holds: Callable[[], object], what: str, patience: float = PATIENCE) -> None:
    """As `eventually`, but an error is no more than "not yet"."""

    def quietly() -> bool:
        with contextlib.suppress(SwarmError):
            return bool(holds())
        return False

    eventually(node.door, quietly, what, patience)


def nodes_by_name(door: Door) -> dict[str, dict[str, dict[str, object]]]:
    """Of two of one name, the one that is ready."""
    nodes = sorted(door.get("/nodes"), key=lambda node: node["Status"]["State"] == "ready")
    return {node["Description"]["Hostname"]: node for node in nodes}


def state(door: Door, name: str) -> object:
    return nodes_by_name(door)[name]["Status"]["State"]


def leader(door: Door) -> str:
    status = {name: node.get("ManagerStatus", {}) for name, node in nodes_by_name(door).items()}
    return next((name for name, manages in status.items() if manages.get("Leader")), "")


def has_leader(door: Door) -> bool:
    try:
        return bool(door.get("/nodes"))
    except SwarmError:
        return False


@contextlib.contextmanager
def stopped(node: LocalNode) -> Iterator[None]:
    assert node.pid is not None
    os.kill(node.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(node.pid, signal.SIGCONT)


# ---- stopped, and going on


def test_a_leader_that_stands_still_is_followed_and_then_follows(trio: list[LocalNode]) -> None:
    m1, m2, _, _ = trio
    assert leader(m1.door) == "m1"
    m1.door.post("/services/create", service("before", 4))
    until(m1, lambda: len(running(m1.door)) == 4, "all runs")
    began = time.monotonic()
    with stopped(m1):
        until(m2, lambda: leader(m2.door) not in ("", "m1"), "another leads")
        m2.door.post("/services/create", service("meanwhile", 2))
        until(m2, lambda: time.monotonic() - began > PAUSE, "the pause is over", PAUSE + 5)
    until(m1, lambda: state(m1.door, "m1") == "ready" and leader(m1.door) != "m1", "it follows")
    until(m1, lambda: len(running(m1.door)) == 6, "all runs again")
    names = {one["Spec"]["Name"] for one in m1.door.get("/services")}
    assert names == {"before", "meanwhile"}


def test_a_worker_that_stands_still_for_less_than_its_grace_keeps_its_tasks(trio: list[LocalNode]) -> None:
    m1, *_, w1 = trio
    m1.door.post("/services/create", service("web", 4))
    until(m1, lambda: len(running(m1.door)) == 4, "all runs")
    before = {task["ID"] for task in running(m1.door)}
    with stopped(w1):
        began = time.monotonic()
        until(m1, lambda: time.monotonic() - began > 0.4, "a moment is over")
    m1.door.post("/services/create", service("other", 4))  # it works, and the first has not moved
    until(m1, lambda: len(running(m1.door)) == 8, "the others run")
    assert before <= {task["ID"] for task in running(m1.door)}
    assert state(m1.door, "w1") == "ready"


def test_a_worker_that_stands_still_for_longer_is_replaced_and_comes_back(trio: list[LocalNode]) -> None:
    m1, *_, w1 = trio
    m1.door.post("/services/create", service("web", 4))
    until(m1, lambda: len(running(m1.door)) == 4, "all runs")
    identity = nodes_by_name(m1.door)["w1"]["ID"]
    old = [t["Status"]["ContainerStatus"]["PID"] for t in running(m1.door) if t["NodeID"] == identity]  # type: ignore[index, comparison-overlap]
    assert old
    with stopped(w1):
        until(m1, lambda: state(m1.door, "w1") == "down", "it is missed")
        until(m1, lambda: len(running(m1.door)) == 4, "its tasks run elsewhere")
        assert identity not in {task["NodeID"] for task in running(m1.door)}
    until(m1, lambda: state(m1.door, "w1") == "ready", "it is back")
    until(m1, lambda: not any(exists(int(pid)) for pid in old), "its old tasks are stopped")
    assert len(running(m1.door)) == 4


@pytest.mark.parametrize("gone", [(1, 2), (0, 1, 2)], ids=["two of three", "all"])
def test_half_or_more_of_the_managers_gone_and_back(trio: list[LocalNode], gone: tuple[int, ...]) -> None:
    m1 = trio[0]
    m1.door.post("/services/create", service("web", 4))
    until(m1, lambda: len(running(m1.door)) == 4, "all runs")
    for index in gone:
        trio[index].kill()
    if 0 not in gone:
        eventually(m1.door, lambda: not has_leader(m1.door), "the leader is missed")
        with pytest.raises(SwarmError, match="more than half of the managers are online"):
            m1.door.post("/services/create", service("late", 1), timeout=20)
    for index in gone:
        trio[index].start()
    until(m1, lambda: len(running(m1.door)) == 4, "all runs again")
    m1.door.post("/services/create", service("after", 1))
    assert {one["Spec"]["Name"] for one in m1.door.get("/services")} == {"web", "after"}


# ---- kill -9 in the middle


class Crashes:
    """Does an operation, kills the daemon a random moment after its beginning, starts it again."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self.answered = 0

    def __call__(self, victim: LocalNode, operation: Callable[[], None]) -> bool:
        """True when the operation was answered before the crash came."""
        done = threading.Event()

        def do() -> None:
            with contextlib.suppress(SwarmError):
                operation()
                done.set()

        thread = threading.Thread(target=do)
        thread.start()
        done.wait(self._chance.random() ** 2 * SLOW)  # seldom late
        was_done = done.is_set()
        victim.kill()
        thread.join(PATIENCE)
        victim.start()
        self.answered += was_done
        return was_done


def own_state(node: LocalNode) -> str:
    return str(node.door.get("/info")["Swarm"]["LocalNodeState"])


def tokens(node: LocalNode) -> dict[str, str]:
    return dict(node.door.get("/swarm")["JoinTokens"])


def test_kill_9_in_the_middle_of_init_join_and_leave() -> None:
    crash = Crashes(1)
    with own_home(), LocalCluster.start("mid", 2, 1, init=False) as cluster:
        m1, m2, w1 = cluster.nodes
        for _ in range(CRASHES):
            answered = crash(m1, lambda: init(m1))
            assert own_state(m1) == "active" or not answered, "what was answered is lost"
            if own_state(m1) == "inactive":
                init(m1)
            until(m1, lambda: leader(m1.door) == "m1", "it leads")
            for node, role in ((m2, "Manager"), (w1, "Worker")):
                token = tokens(m1)[role]
                answered = crash(node, lambda node=node, token=token: join(node, m1, token))  # type: ignore[misc]
                assert own_state(node) != "inactive" or not answered, "what was answered is lost"
                if own_state(node) == "inactive":
                    join(node, m1, token)
                until(m1, lambda node=node: state(m1.door, node.name) == "ready", "it is ready")  # type: ignore[misc]
            until(m1, lambda: "ManagerStatus" in nodes_by_name(m1.door)["m2"], "m2 manages")
            for node in (w1, m2, m1):
                leave = lambda node=node: node.door.post("/swarm/leave?force=1")  # type: ignore[misc]  # noqa: E731
                answered = crash(node, leave)
                assert own_state(node) == "inactive" or not answered, "what was answered is lost"
                if own_state(node) != "inactive":
                    leave()
                assert own_state(node) == "inactive"


def set_role(at: LocalNode, name: str, role: str) -> None:
    node = nodes_by_name(at.door)[name]
    spec = {**node["Spec"], "Role": role}
    at.door.post(f"/nodes/{node['ID']}/update?version={node['Version']['Index']}", spec, timeout=10)


@pytest.mark.parametrize("victim", ["w1", "m2", "m1"])
def test_kill_9_in_the_middle_of_promote_and_demote(trio: list[LocalNode], victim: str) -> None:
    """Of the node itself, of a bystander, of the leader (as it was at the beginning)."""
    crash = Crashes(len(victim) + ord(victim[0]))
    at = trio[2]  # never killed
    killed = next(node for node in trio if node.name == victim)

    def is_manager() -> bool:
        node = nodes_by_name(at.door)["w1"]
        return node.get("ManagerStatus", {}).get("Reachability") == "reachable"

    for _ in range(CRASHES // 2 or 1):
        for role in ("manager", "worker"):
            crash(killed, lambda role=role: set_role(at, "w1", role))  # type: ignore[misc]
            until(at, lambda: leader(at.door), "somebody leads")
            until(at, lambda role=role: (set_role(at, "w1", role), True)[1], "it can be repeated")  # type: ignore[misc]
            until(at, lambda role=role: is_manager() == (role == "manager"), f"w1 is a {role}")  # type: ignore[misc]
            until(at, lambda: state(at.door, "w1") == "ready", "w1 is ready")
    at.door.post("/services/create", service("web", 4))
    until(at, lambda: len(running(at.door)) == 4, "the swarm works")
