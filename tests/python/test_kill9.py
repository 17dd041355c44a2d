"""Forty rounds of kill -9 under a writing client: what was acknowledged is there, on every manager."""

from __future__ import annotations

import random
import threading

import pytest

from local import eventually, own_home
from swarmpy import SwarmError
from swarmpy._cluster import LocalCluster, LocalNode

pytestmark = pytest.mark.real

ROUNDS = 40
WRITES_BETWEEN_ROUNDS = 5
LOCAL = {"Swarmpy-Consistency": "local"}


class Writer:
    """Creates services one after the other, at each manager in turn; remembers what was acknowledged."""

    def __init__(self, nodes: list[LocalNode]) -> None:
        self._nodes = nodes
        self._progress = threading.Condition()
        self._stop = False
        self._thread = threading.Thread(target=self._write)
        self.acknowledged: list[str] = []
        self.refused = 0

    def __enter__(self) -> Writer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop = True
        self._thread.join(30)

    def wait_for(self, more: int) -> None:
        """Until so many writes more are acknowledged."""
        with self._progress:
            wanted = len(self.acknowledged) + more
            assert self._progress.wait_for(lambda: len(self.acknowledged) >= wanted, 60), (
                "no write is accepted"
            )

    def _write(self) -> None:
        number = 0
        while not self._stop:
            number += 1
            name = f"write-{number}"
            try:
                self._nodes[number % len(self._nodes)].door.post(
                    "/services/create", service(name), timeout=10
                )
            except SwarmError:
                self.refused += 1  # or accepted, and the answer lost: then it may be there or not
                continue
            with self._progress:
                self.acknowledged.append(name)
                self._progress.notify()


def service(name: str) -> dict[str, object]:
    task = {"ContainerSpec": {"Image": "nginx:1.10"}}
    return {"Name": name, "TaskTemplate": task, "Mode": {"Replicated": {"Replicas": 0}}}


def names_on(node: LocalNode) -> set[str]:
    services = node.door.get("/services", headers=LOCAL)
    return {one["Spec"]["Name"] for one in services}


def test_acknowledged_writes_survive_kill_9() -> None:
    chance = random.Random(9)
    with own_home(), LocalCluster.start("kill9", managers=3, workers=0) as cluster:
        nodes = cluster.nodes
        with Writer(nodes) as writer:
            for _ in range(ROUNDS):
                writer.wait_for(WRITES_BETWEEN_ROUNDS)
                victims = chance.sample(nodes, chance.choice((1, 1, 1, 2, 3)))
                for node in victims:
                    node.kill()
                if len(victims) == 1:
                    writer.wait_for(WRITES_BETWEEN_ROUNDS)  # two of three go on
                for node in victims:
                    node.start()
            writer.wait_for(WRITES_BETWEEN_ROUNDS)
        wanted = set(writer.acknowledged)
        assert len(wanted) >= ROUNDS * WRITES_BETWEEN_ROUNDS
        for node in nodes:
            eventually(
                node.door,
                lambda node=node: wanted <= names_on(node),  # type: ignore[misc]
                f"{node.name} has every acknowledged write",
            )
