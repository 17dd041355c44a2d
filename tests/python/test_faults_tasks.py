"""Bad tasks on real nodes: deaf, fertile, noisy, short-lived, nameless. The node stays calm and clean."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import eventually, exists, own_home
from swarmpy._cluster import LocalCluster, LocalNode

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def node() -> Iterator[LocalNode]:
    """A swarm of one."""
    with own_home(), LocalCluster.start("tasks", 1, 0) as cluster:
        yield cluster.nodes[0]


def deploy(node: LocalNode, name: str, *command: str, **spec: object) -> str:
    restart = spec.pop("restart", {"Condition": "any", "Delay": 100_000_000})
    container = {"Image": "alpine", "Args": list(command), **spec}
    task = {"ContainerSpec": container, "RestartPolicy": restart}
    return str(node.door.post("/services/create", {"Name": name, "TaskTemplate": task})["ID"])


def tasks(node: LocalNode, service: str, state: str = "") -> list[dict[str, dict[str, dict[str, object]]]]:
    found = [task for task in node.door.get("/tasks") if task["ServiceID"] == service]
    return [task for task in found if state in ("", task["Status"]["State"])]


def runs(node: LocalNode, service: str) -> int:
    eventually(node.door, lambda: bool(tasks(node, service, "running")), "it runs", 20)
    return int(tasks(node, service, "running")[0]["Status"]["ContainerStatus"]["PID"])  # type: ignore[call-overload]


def remove(node: LocalNode, service: str) -> None:
    node.door.delete(f"/services/{service}")
    eventually(node.door, lambda: not tasks(node, service), "it is gone", 20)
    folder = node.data_root / "tasks"
    eventually(node.door, lambda: [one.name for one in folder.iterdir()] == ["LOCK"], "its files too", 20)


def cpu_seconds(node: LocalNode) -> float:
    words = Path(f"/proc/{node.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def descendants(text: str) -> list[int]:
    """Processes whose command line has `text` in it."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdigit() and text.encode() in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def test_a_task_that_ignores_sigterm_is_killed_after_its_grace(node: LocalNode) -> None:
    script = "trap '' TERM INT HUP; touch deaf-now; while :; do sleep 0.05; done"
    service = deploy(node, "deaf", "sh", "-c", script, StopGracePeriod=700_000_000)
    pid = runs(node, service)
    folder = node.data_root / "tasks"
    eventually(node.door, lambda: any(folder.glob("*/work/deaf-now")), "it is deaf")
    began = time.monotonic()
    remove(node, service)
    assert 0.6 < time.monotonic() - began < 5
    assert not exists(pid)


def test_a_task_that_forks_without_end_leaves_nobody(node: LocalNode) -> None:
    """Children in sessions of their own, orphans, and some that go on forking while they are killed."""
    mark = f"fertile-{os.getpid()}"
    breed = f"breed() {{ setsid sh -c 'sleep 300; : {mark}' & sleep 0.02; breed; }}; : {mark}; "
    script = breed + "(setsid sh -c '(sleep 300 &) ; sleep 300' &); breed & sleep 300"
    service = deploy(node, "fertile", "sh", "-c", script, StopGracePeriod=200_000_000)
    runs(node, service)
    eventually(node.door, lambda: len(descendants(mark)) > 20, "it has a family", 20)
    remove(node, service)
    assert descendants(mark) == []


def test_a_task_that_floods_its_log_is_bounded(node: LocalNode) -> None:
    service = deploy(node, "flood", "yes", StopGracePeriod=100_000_000)
    runs(node, service)
    log = next(path for path in (node.data_root / "tasks").iterdir() if path.name != "LOCK")
    eventually(node.door, lambda: (log / "log.1").exists(), "its log is full")
    before, began = cpu_seconds(node), time.monotonic()
    generations = (log / "log.1").stat().st_ino
    eventually(node.door, lambda: (log / "log.1").stat().st_ino != generations, "and again")
    assert cpu_seconds(node) - before < 0.6 * (time.monotonic() - began) + 0.1
    assert sum(path.stat().st_size for path in log.glob("log*")) < 5 << 20
    remove(node, service)


def test_a_task_that_ends_at_once_is_started_at_the_delay_and_no_more(node: LocalNode) -> None:
    service = deploy(node, "brief", "false", restart={"Condition": "any", "Delay": 200_000_000})
    before, began = cpu_seconds(node), time.monotonic()
    folder, seen = node.data_root / "tasks", set()

    def ten_were_tried() -> bool:
        seen.update(task["ID"] for task in tasks(node, service, "failed"))  # type: ignore[arg-type]
        return len(seen) >= 10

    eventually(node.door, ten_were_tried, "it is tried and tried")
    took = time.monotonic() - began
    assert took > 9 * 0.2
    assert cpu_seconds(node) - before < 0.25 * took
    assert len(tasks(node, service)) <= 7
    assert len(list(folder.iterdir())) <= 8
    remove(node, service)


def test_restart_attempts_are_a_limit(node: LocalNode) -> None:
    limited = {"Condition": "any", "Delay": 10_000_000, "MaxAttempts": 3}
    service = deploy(node, "limited", "false", restart=limited)
    eventually(node.door, lambda: len(tasks(node, service, "failed")) == 4, "four were tried", 20)
    other = deploy(node, "other", "sleep", "100", StopGracePeriod=1)
    runs(node, other)  # time enough for a fifth
    assert len(tasks(node, service)) == 4
    node.door.delete(f"/services/{other}")
    remove(node, service)


def test_a_command_of_several_lines_is_a_failed_task_and_no_dead_daemon(node: LocalNode) -> None:
    pid = node.pid
    service = deploy(node, "odd", "no\nsuch\nexited program")
    eventually(
        node.door,
        lambda: any("not found" in str(task["Status"].get("Err")) for task in tasks(node, service)),
        "its task fails",
        20,
    )
    remove(node, service)
    assert node.pid == pid
