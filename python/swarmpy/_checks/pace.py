"""Pace: no more slots of an update in hand than its parallelism says, by recorded changes (the rule of
cpp/sim/watch_rules.cpp).

A slot is in hand from the moment that a task which runs well is told to stop while a newer one waits, until
the new one runs or has failed. What a restart or a drain replaces is none of the update's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from swarmpy._checks.picture import Picture
from swarmpy._checks.things import ServiceNow, TaskNow
from swarmpy.states import TaskState

_RANK = {str(state): rank for rank, state in enumerate(TaskState)}
RUNNING = _RANK["running"]


class Pace:
    """Of one service, or of all ("")."""

    def __init__(self, service: str) -> None:
        self._only = service
        self._in_hand: dict[str, set[object]] = defaultdict(set)  # a service's id -> slots

    def clear(self) -> None:
        """A new leader's update begins anew."""
        self._in_hand.clear()

    def judge(self, changes: Iterable[Mapping[str, Any]], picture: Picture, at: float) -> str | None:
        """After one entry, with what it did."""
        touched = set()
        rows = list(changes)
        for raw in rows:
            self._begin_anew(raw)
        for raw in rows:
            if raw["Type"] == "task" and raw.get("After") is not None:
                touched.add(self._on_task(raw, picture))
        for id in touched - {""}:
            if said := self._too_many(picture.services[id], len(self._in_hand[id]), at):
                return said
        return None

    def _begin_anew(self, raw: Mapping[str, Any]) -> None:
        before, after = raw.get("Before") or {}, raw.get("After") or {}
        if raw["Type"] == "service" and before.get("SpecVersion") != after.get("SpecVersion"):
            self._in_hand.pop(raw["Actor"]["ID"], None)
        if raw["Type"] == "node" and before and after and before.get("RaftID") != after.get("RaftID"):
            self.clear()

    def _on_task(self, raw: Mapping[str, Any], picture: Picture) -> str:
        """The service, where it is one that is under an update."""
        task = picture.tasks[raw["Actor"]["ID"]]
        service = picture.services.get(task.service_id)
        if service is None or not service.updating or service.spec_version < 0:
            return ""
        if self._only not in ("", service.name, task.service_id):
            return ""
        seats, before = self._in_hand[task.service_id], raw.get("Before")
        if task.spec_version == service.spec_version:
            if _RANK[task.state] >= RUNNING or _RANK[task.desired] > RUNNING:
                seats.discard(task.seat)
        elif before is not None and before["State"] == before["DesiredState"] == "running":
            told_to_stop = task.state == "running" and _RANK[task.desired] > RUNNING
            if told_to_stop and _stays(task, picture) and _has_newer(task, service, picture):
                seats.add(task.seat)
        return task.service_id

    def _too_many(self, service: ServiceNow, slots: int, at: float) -> str | None:
        most = service.pace_back if service.update == "rollback_started" else service.pace
        if most == 0 or slots <= most:
            return None
        return f"{service.name} had {slots} slots under update at {at:.3f}s, its parallelism is {most}"


def _stays(task: TaskNow, picture: Picture) -> bool:
    node = picture.nodes.get(task.node_id)
    return node is not None and node.availability == "active" and node.state == "ready"


def _has_newer(task: TaskNow, service: ServiceNow, picture: Picture) -> bool:
    others = (picture.tasks[id] for id in picture.of[task.service_id])
    return any(
        other.spec_version == service.spec_version
        and _RANK[other.state] < RUNNING >= _RANK[other.desired]
        and other.seat == task.seat
        for other in others
    )
