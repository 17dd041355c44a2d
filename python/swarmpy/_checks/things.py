"""Things: a node, a service and a task as recorded changes tell of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Facts = Mapping[str, Any]


@dataclass
class NodeNow:
    name: str
    role: str
    state: str
    availability: str
    raft: object = None  # its number in the group, where it is a manager


@dataclass
class ServiceNow:
    name: str
    mode: str
    replicas: int
    spec_version: int
    update: str
    pace: int  # of an update; 0: all at once
    pace_back: int  # of its way back

    @property
    def updating(self) -> bool:
        return self.update in ("updating", "rollback_started")


@dataclass
class TaskNow:
    id: str
    service_id: str
    service: str
    slot: int
    node_id: str
    node: str
    state: str
    desired: str
    spec_version: int

    @property
    def seat(self) -> object:
        return self.slot or self.node_id

    @property
    def is_to_run(self) -> bool:
        return self.state == self.desired == "running"


def node_of(name: str, raw: Facts) -> NodeNow:
    return NodeNow(name, raw["Role"], raw["State"], raw["Availability"], raw.get("RaftID"))


def service_of(name: str, raw: Facts) -> ServiceNow:
    pace = int(raw.get("Parallelism") or 0), int(raw.get("RollbackParallelism") or 0)
    version = int(raw.get("SpecVersion") or 0)
    return ServiceNow(name, raw["Mode"], int(raw["Replicas"]), version, raw.get("UpdateState", ""), *pace)


def task_of(id: str, about: Facts, now: Facts) -> TaskNow:
    """`about`: what stays as it is."""
    return TaskNow(
        id,
        about.get("service.id", ""),
        about.get("service", ""),
        int(about.get("slot") or 0),
        now["NodeID"],
        about.get("node") or now["NodeID"],
        now["State"],
        now["DesiredState"],
        int(now.get("SpecVersion") or 0),
    )
