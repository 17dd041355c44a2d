"""The five daemons of the demo, questions to them, and waiting until something is seen."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from swarmpy._cluster import Door, LocalCluster, LocalNode
from swarmpy.demo.narrator import Narrator
from swarmpy.demo.record import Record
from swarmpy.errors import SwarmError

Json = dict[str, Any]
PATIENCE = 60.0


@dataclass(frozen=True)
class View:
    """The swarm at one moment, as one manager shows it."""

    nodes: list[Json]
    services: list[Json]
    tasks: list[Json]

    def hostname(self, node: str) -> str:
        return next((str(one["Description"]["Hostname"]) for one in self.nodes if one["ID"] == node), "")

    def node(self, hostname: str) -> Json:
        return next(one for one in self.nodes if one["Description"]["Hostname"] == hostname)

    def ready(self) -> int:
        return sum(1 for one in self.nodes if one["Status"]["State"] == "ready")

    def leader(self) -> str:
        leads = (one for one in self.nodes if (one.get("ManagerStatus") or {}).get("Leader"))
        return next((self.hostname(one["ID"]) for one in leads), "")

    def service(self, name: str) -> Json:
        return next(one for one in self.services if one["Spec"]["Name"] == name)

    def label(self, task: Json) -> str:
        names = (one["Spec"]["Name"] for one in self.services if one["ID"] == task["ServiceID"])
        return f"{next(names, '?')}.{task.get('Slot', 0)}"

    def image(self, task: Json) -> str:
        return str(task["Spec"]["ContainerSpec"]["Image"]).split("@")[0]

    def of(self, name: str) -> list[Json]:
        known = {one["ID"] for one in self.services if one["Spec"]["Name"] == name}
        return [task for task in self.tasks if task["ServiceID"] in known]

    def running(self, name: str = "", *, on: str = "") -> list[Json]:
        """Tasks that run and are meant to."""
        return [
            task
            for task in (self.of(name) if name else self.tasks)
            if task["Status"]["State"] == task["DesiredState"] == "running"
            and (not on or self.hostname(task.get("NodeID", "")) == on)
        ]

    def slots(self, name: str) -> dict[int, list[Json]]:
        """The tasks of each slot, newest first."""
        slots: dict[int, list[Json]] = {}
        for task in sorted(self.of(name), key=_born, reverse=True):
            slots.setdefault(int(task.get("Slot", 0)), []).append(task)
        return slots


def span(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"


def _born(task: Json) -> str:
    return str(task["CreatedAt"]).rstrip("Z")  # fractions of seconds of any length then sort as text


class Stage:
    def __init__(self, cluster: LocalCluster, narrator: Narrator, record: Record) -> None:
        self.cluster = cluster
        self.record = record
        self.narrator = narrator
        self._asked = ""

    def node(self, name: str) -> LocalNode:
        return self.cluster.node(name)

    @property
    def door(self) -> Door:
        """A manager that lives; the same one for as long as it does."""
        nodes = [node for node in self.cluster.nodes if node.role == "manager" and node.alive]
        chosen = next((node for node in nodes if node.name == self._asked), nodes[0])
        self._asked = chosen.name
        return chosen.door

    def view(self) -> View:
        door = self.door
        return View(door.get("/nodes"), door.get("/services"), door.get("/tasks"))

    def see(
        self,
        what: str,
        holds: Callable[[View], bool],
        picture: Callable[[View], str],
        patience: float = PATIENCE,
    ) -> float:
        """Draws the swarm live until `holds`; says that it was seen. How long it took, in seconds."""
        began = time.monotonic()

        def look() -> bool:
            try:
                view = self.view()
            except SwarmError:  # no leader at this moment; that is part of the story
                return False
            self.narrator.draw(picture(view))
            return holds(view)

        self.door.until(look, patience, what)
        took = time.monotonic() - began
        self.narrator.observed(f"{what} ({span(took)})")
        return took

    def stays(self, what: str, holds: Callable[[View], bool], seconds: float) -> None:
        """Looks at every event for a while: it must hold all the time."""
        end = time.monotonic() + seconds

        def look() -> bool:
            if not holds(self.view()):
                raise SwarmError(f"expected but not seen: {what}")
            return time.monotonic() >= end

        self.door.until(look, seconds + PATIENCE, what)
        self.narrator.observed(f"{what} (watched for {seconds:g} s)")
