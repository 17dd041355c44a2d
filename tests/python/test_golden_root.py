"""A data root that an older version wrote opens, with all that was in it, for ever."""

from __future__ import annotations

import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import ROOT, eventually, own_home
from swarmpy._cluster import LocalCluster, LocalNode

pytestmark = pytest.mark.real

FORMAT_1 = ROOT / "tests" / "golden" / "data-root-format-1.tar.gz"


@pytest.fixture
def node() -> Iterator[LocalNode]:
    """The only manager of the swarm in the data root of format 1, started again."""
    with own_home(), LocalCluster.start("old", 1, 0, init=False) as cluster:
        node = cluster.nodes[0]
        node.kill()
        shutil.rmtree(node.data_root)
        with tarfile.open(FORMAT_1) as kept:
            kept.extractall(node.data_root)
        node.start()
        eventually(node.door, lambda: node.door.get("/info")["Swarm"]["ControlAvailable"], "a leader")
        yield node


def test_a_data_root_of_format_1_opens(node: LocalNode) -> None:
    (web,) = node.door.get("/services")
    assert web["Spec"]["Name"] == "web"
    assert web["Spec"]["Labels"] == {"team": "a"}
    assert web["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"] == "nginx:1.26"
    assert web["PreviousSpec"]["TaskTemplate"]["ContainerSpec"]["Image"] == "nginx:1.25"
    assert web["Endpoint"]["Ports"][0]["PublishedPort"] == 8080
    assert node.door.get("/swarmpy/v1/kv/answer")["Value"] == '{"Value":"42"}'
    eventually(node.door, lambda: len(running(node)) == 2, "two running tasks")


def running(node: LocalNode) -> list[str]:
    return [task["ID"] for task in node.door.get("/tasks") if task["Status"]["State"] == "running"]


def test_a_data_root_of_format_1_is_sealed(node: LocalNode) -> None:
    """What lay in it in the clear does so no more once the daemon has sealed it."""
    root = Path(node.data_root)

    def sealed() -> bool:
        return "unsealed" not in (root / "swarm/certificates/swarm-node.key").read_text()

    eventually(node.door, sealed, "all records are sealed")
    assert (root / "FORMAT").read_text() == "swarmpy data root, format 2\n"
    plain = [b"nginx:1.2", b"SWMTKN-1-", b"PRIVATE KEY"]
    tell = {
        path.name: needle
        for path in [root / "node.log", *(root / "raft").iterdir()]
        for needle in plain
        if needle in path.read_bytes()
    }
    assert tell == {}
    node.kill()
    node.start()
    eventually(node.door, lambda: len(running(node)) == 2, "two running tasks")
