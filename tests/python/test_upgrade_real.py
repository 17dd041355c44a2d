"""Daemons of an older and a newer build on one data root, one after the other, and in one swarm.

There is no newer build yet: SWARMPY_TEST_FEATURE_LEVEL lets this one say that it is.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from local import eventually, own_home
from swarmpy._cluster import LocalCluster, LocalNode
from swarmpy.cli.main import main
from swarmpy.errors import SwarmError

pytestmark = pytest.mark.real

LEVEL = "SWARMPY_TEST_FEATURE_LEVEL"
TOO_OLD = (
    "this swarm is at feature level 2, and the swarmpy on this node knows feature level 1: upgrade swarmpy"
)


@pytest.fixture(autouse=True)
def home() -> Iterator[None]:
    with own_home():
        yield


def levels(node: LocalNode) -> dict[str, int]:
    """Of the swarm as "", and of each node by its name."""
    said = node.door.get("/swarmpy/v1/feature-level")
    return {"": said["Level"], **{one["Hostname"]: one["Level"] for one in said["Nodes"]}}


def run_as(node: LocalNode, level: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LEVEL, str(level))
    node.kill()
    node.start()


def leads_again(node: LocalNode) -> None:
    eventually(node.door, lambda: node.door.get("/info")["Swarm"]["ControlAvailable"], "a leader")
    eventually(node.door, lambda: node.door.get("/nodes"), "a list of nodes")


def test_an_older_build_on_a_newer_data_root_says_what_to_upgrade_and_goes_on_upgraded(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(LEVEL, "2")
    with LocalCluster.start("one", 1, 0) as cluster:
        (node,) = cluster.nodes
        assert levels(node) == {"": 2, "m1": 2}
        run_as(node, 1, monkeypatch)
        swarm = node.door.get("/info")["Swarm"]
        assert (swarm["LocalNodeState"], swarm["ControlAvailable"]) == ("error", False)
        assert swarm["Error"].startswith(TOO_OLD)
        with pytest.raises(SwarmError, match=f"This node is not a swarm manager: {TOO_OLD}"):
            node.door.get("/services")
        assert main(["ls"]) == 0
        seen = capsys.readouterr()
        assert "error" in seen.out and f"one m1: {TOO_OLD}" in seen.err
        run_as(node, 2, monkeypatch)
        leads_again(node)
        assert levels(node) == {"": 2, "m1": 2}


def test_the_level_rises_when_the_last_manager_is_upgraded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LEVEL, "1")
    with LocalCluster.start("three", 3, 0) as cluster:
        first = cluster.nodes[0]
        assert levels(first) == {"": 1, "m1": 1, "m2": 1, "m3": 1}
        for upgraded, node in enumerate(cluster.nodes, start=1):
            run_as(node, 2, monkeypatch)
            leads_again(node)
            eventually(
                node.door, lambda node=node: levels(node)[node.name] == 2, f"{node.name} to say what it knows"
            )
            if upgraded < 3:
                assert levels(node)[""] == 1
        eventually(first.door, lambda: levels(first)[""] == 2, "the level to rise")
