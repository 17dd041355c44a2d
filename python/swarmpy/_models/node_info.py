"""NodeInfo: one entry of GET /nodes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from swarmpy._models import times
from swarmpy.states import Availability, NodeState, Reachability, Role


@dataclass(frozen=True)
class NodeInfo:
    id: str
    name: str  # the hostname: what `docker node ls` shows
    version: int
    role: Role  # the one that is wanted
    availability: Availability
    state: NodeState
    message: str
    address: str  # that the node connects from
    manages: bool  # it is a member of the managers' group now
    leader: bool
    reachability: Reachability
    manager_address: str  # "ip:2377", "" for workers
    labels: Mapping[str, str]
    engine_labels: Mapping[str, str]
    created: datetime
    spec: Mapping[str, Any]
    platform: Mapping[str, str]

    @classmethod
    def from_api(cls, raw: Mapping[str, Any]) -> NodeInfo:
        spec, status = raw.get("Spec") or {}, raw.get("Status") or {}
        about, manager = raw.get("Description") or {}, raw.get("ManagerStatus") or {}
        return cls(
            id=raw["ID"],
            name=about.get("Hostname") or spec.get("Name") or raw["ID"],
            version=raw["Version"]["Index"],
            role=Role(spec.get("Role", "worker")),
            availability=Availability(spec.get("Availability", "active")),
            state=NodeState(status.get("State", "unknown")),
            message=status.get("Message", ""),
            address=status.get("Addr", ""),
            manages=bool(manager),
            leader=bool(manager.get("Leader")),
            reachability=Reachability(manager.get("Reachability", "unknown")),
            manager_address=manager.get("Addr", ""),
            labels=spec.get("Labels") or {},
            engine_labels=(about.get("Engine") or {}).get("Labels") or {},
            created=times.parse(raw.get("CreatedAt")),
            spec=spec,
            platform=about.get("Platform") or {},
        )
