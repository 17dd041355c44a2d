"""A real manager whose RocksDB has another value of an object, in a record that can be read."""

from __future__ import annotations

import contextlib
import subprocess
from pathlib import Path
from typing import Any

import pytest

from local import eventually, own_home
from swarmpy import SwarmError
from swarmpy._cluster import LocalCluster, LocalNode

pytestmark = pytest.mark.real
ALTER = Path(__file__).parents[2] / "build/release/cpp/tools/alter_object/alter_object"


def alter(node: LocalNode, seed: int = 1) -> str:
    done = subprocess.run([ALTER, str(node.data_root), str(seed)], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def raft(node: LocalNode) -> dict[str, Any]:
    answer: dict[str, Any] = node.door.get("/swarmpy/v1/raft")
    return answer


def warnings(node: LocalNode) -> str:
    return "\n".join(node.door.get("/info")["Warnings"] or [])


def log(node: LocalNode) -> str:
    return node.log.read_text(errors="replace")


@pytest.mark.parametrize("managers", [3, 2])
def test_a_manager_that_differs_is_found(managers: int) -> None:
    """Of three it is rebuilt within seconds; of two both say that they differ, and both stay."""
    with own_home(), LocalCluster.start("differ", managers=managers, workers=0) as cluster:
        leader, victim = cluster.nodes[0], cluster.nodes[1]
        former = raft(victim)["Id"]
        victim.kill()
        assert alter(victim)
        victim.start()
        if managers == 2:
            eventually(victim.door, lambda: "is not the leader's" in warnings(victim), "it says so")
            eventually(leader.door, lambda: "no majority" in warnings(leader), "the leader says so")
            assert raft(victim)["Id"] == former
            return

        def is_new() -> bool:
            with contextlib.suppress(SwarmError):  # as long as it takes no part
                return raft(victim)["Id"] != former
            return False

        eventually(victim.door, is_new, "it is a new member", 15)
        assert "is not the one that a majority of the managers has" in log(victim)
        assert "the copies of the swarm's state differ" in log(leader)
