"""The daemon itself: what it refuses, each time in one sentence, and how it stops."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local import eventually, own_home
from swarmpy._cluster import ClusterError, LocalCluster, LocalNode
from swarmpy._cluster.places import program

pytestmark = pytest.mark.real


@pytest.fixture
def node() -> Iterator[LocalNode]:
    """A manager of a swarm of its own."""
    with own_home(), LocalCluster.start("one", 1, 0) as cluster:
        yield cluster.nodes[0]


def refusal(node: LocalNode) -> str:
    with pytest.raises(ClusterError) as refused:
        node.start()
    return refused.value.message


def damage_format(node: LocalNode) -> None:
    (node.data_root / "FORMAT").write_text("swarmpy data root, format 99\n")


def damage_node_log(node: LocalNode) -> None:
    path = node.data_root / "node.log"
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 0xFF
    path.write_bytes(raw)


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [(damage_format, "has format 99"), (damage_node_log, "corrupt")],
    ids=["newer format", "damaged log"],
)
def test_an_unreadable_root_is_refused_and_left_alone(
    node: LocalNode, damage: Callable[[LocalNode], None], sentence: str
) -> None:
    node.kill()
    damage(node)
    before = {path: path.read_bytes() for path in node.data_root.glob("*") if path.is_file()}
    said = refusal(node)
    assert sentence in said
    assert str(node.data_root) in said
    assert "\n" not in said
    after = {path: path.read_bytes() for path in before if path.name != "LOCK"}
    assert after == {path: raw for path, raw in before.items() if path.name != "LOCK"}


def test_a_damaged_database_is_said_by_the_only_manager_and_left_alone(node: LocalNode) -> None:
    node.kill()
    damaged = node.data_root / "raft" / "CURRENT"
    whole = damaged.read_bytes()
    damaged.write_text("nonsense\n")
    node.start()
    swarm = node.door.get("/info")["Swarm"]
    assert swarm["LocalNodeState"] == "error"
    assert "raft is corrupt" in swarm["Error"] and "restore the data root from a copy" in swarm["Error"]
    assert "--force-new-cluster" not in swarm["Error"], "there is nothing that can be read"
    node.kill()
    damaged.write_bytes(whole)
    node.start()
    assert node.door.get("/info")["Swarm"]["LocalNodeState"] == "active"


@pytest.mark.parametrize("label", ["rack", "=b", ""])
def test_a_label_without_a_key_is_refused(tmp_path: Path, label: str) -> None:
    daemon = [str(program()), "--data-root", str(tmp_path), "--label", label]
    said = subprocess.run(daemon, check=False, capture_output=True, text=True, timeout=10)
    assert said.returncode == 1
    assert said.stderr == f"swarmd: --label {label} is not KEY=VALUE\n"


def test_a_second_daemon_on_a_root_is_refused(node: LocalNode) -> None:
    pidfile = node.folder / f"{node.name}.pid"
    kept = pidfile.read_text()
    pidfile.unlink()  # else it would not even be tried
    assert "is in use by another swarmd" in refusal(node)
    pidfile.write_text(kept)
    assert node.door.get("/info")["Swarm"]["LocalNodeState"] == "active"


def test_sigterm_stops_in_order_and_a_start_goes_on(node: LocalNode) -> None:
    door = node.door
    spec = {"Name": "web", "TaskTemplate": {"ContainerSpec": {"Image": "nginx"}}, "Mode": {"Global": {}}}
    service = door.post("/services/create", spec)["ID"]
    identity = door.get("/info")["Swarm"]["NodeID"]
    process = node._process()
    assert process is not None
    with process:
        process.send(signal.SIGTERM)
        assert process.wait(20)
    node.start()
    eventually(
        door,
        lambda: any(task["Status"]["State"] == "running" for task in door.get("/tasks")),
        "the service runs again",
    )
    assert door.get("/info")["Swarm"]["NodeID"] == identity
    assert door.get(f"/services/{service}")["Spec"]["Name"] == "web"
