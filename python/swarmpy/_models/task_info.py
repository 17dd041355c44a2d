"""TaskInfo: one entry of GET /tasks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from swarmpy._models import times
from swarmpy._models.service_info import image_of
from swarmpy.states import TaskState


@dataclass(frozen=True)
class TaskInfo:
    id: str
    service_id: str
    slot: int  # 1..n; 0 for a global service
    node_id: str  # "" until it is assigned
    state: TaskState
    desired_state: TaskState
    image: str
    message: str
    error: str
    container_id: str  # "" before there is one
    addresses: tuple[tuple[str, str], ...]  # name of a network, address: "10.0.1.3/24"
    exit_code: int | None
    created: datetime
    updated: datetime
    changed: datetime  # when it came to `state`

    @property
    def runs(self) -> bool:
        """It runs, and is meant to."""
        return self.state is TaskState.RUNNING and self.desired_state is TaskState.RUNNING

    @classmethod
    def from_api(cls, raw: Mapping[str, Any]) -> TaskInfo:
        status = raw.get("Status") or {}
        container = status.get("ContainerStatus") or {}
        state = TaskState(status.get("State", "new"))
        return cls(
            id=raw["ID"],
            service_id=raw.get("ServiceID", ""),
            slot=raw.get("Slot", 0),
            node_id=raw.get("NodeID", ""),
            state=state,
            desired_state=TaskState(raw.get("DesiredState", "running")),
            image=image_of(raw.get("Spec") or {}),
            message=status.get("Message", ""),
            error=status.get("Err", ""),
            container_id=container.get("ContainerID", ""),
            addresses=tuple(_addresses(raw)),
            exit_code=container.get("ExitCode") if state.over and container else None,
            created=times.parse(raw.get("CreatedAt")),
            updated=times.parse(raw.get("UpdatedAt")),
            changed=times.parse(status.get("Timestamp")),
        )


def _addresses(raw: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for attachment in raw.get("NetworksAttachments") or []:
        for address in (attachment.get("Addresses") or [])[:1]:
            yield attachment["Network"]["Spec"]["Name"], address
