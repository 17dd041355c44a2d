"""ServiceInfo: one entry of GET /services."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from swarmpy._models import times
from swarmpy.states import UpdateState


@dataclass(frozen=True)
class ServiceInfo:
    id: str
    name: str
    version: int
    spec: Mapping[str, Any]
    mode: str  # "replicated", "global", "replicated-job", "global-job"
    replicas: int | None  # None unless replicated
    update_state: UpdateState
    update_message: str
    ports: tuple[str, ...]  # "*:8080->80/tcp", as docker shows them
    networks: tuple[str, ...]  # ids, as its spec has them
    virtual_ips: tuple[tuple[str, str], ...]  # id of a network, address: "10.0.1.2/24"
    created: datetime
    updated: datetime

    @property
    def image(self) -> str:
        return image_of(self.spec["TaskTemplate"])

    @property
    def constraints(self) -> list[str]:
        return list((self.spec["TaskTemplate"].get("Placement") or {}).get("Constraints") or [])

    @property
    def asked_ports(self) -> list[int]:
        """The TCP ports that its spec wants published; the swarm gives it them soon."""
        asked = (self.spec.get("EndpointSpec") or {}).get("Ports") or []
        tcp = [one for one in asked if one.get("Protocol", "tcp") == "tcp"]
        return [one["PublishedPort"] for one in tcp if one.get("PublishedPort")]

    @property
    def restarts(self) -> bool:
        """A task that ends is always replaced."""
        policy = self.spec["TaskTemplate"].get("RestartPolicy") or {}
        return (policy.get("Condition") or "any") == "any" and not policy.get("MaxAttempts")

    @classmethod
    def from_api(cls, raw: Mapping[str, Any]) -> ServiceInfo:
        spec, update = raw["Spec"], raw.get("UpdateStatus") or {}
        mode, replicas = _mode(spec.get("Mode") or {})
        endpoint = raw.get("Endpoint") or {}
        return cls(
            id=raw["ID"],
            name=spec["Name"],
            version=raw["Version"]["Index"],
            spec=spec,
            mode=mode,
            replicas=replicas,
            update_state=UpdateState(update.get("State") or "none"),
            update_message=update.get("Message", ""),
            ports=tuple(_port(port) for port in endpoint.get("Ports") or []),
            networks=tuple(one["Target"] for one in attached(spec)),
            virtual_ips=tuple((one["NetworkID"], one["Addr"]) for one in endpoint.get("VirtualIPs") or []),
            created=times.parse(raw.get("CreatedAt")),
            updated=times.parse(raw.get("UpdatedAt")),
        )


def image_of(task_template: Mapping[str, Any]) -> str:
    """The image's reference as it was written, without a digest behind it."""
    image: str = (task_template.get("ContainerSpec") or {}).get("Image", "")
    return image.partition("@sha256:")[0]


def attached(spec: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What a ServiceSpec is attached to; old clients say it of the service, not of its tasks."""
    return list(spec["TaskTemplate"].get("Networks") or spec.get("Networks") or [])


def _mode(mode: Mapping[str, Any]) -> tuple[str, int | None]:
    if "Global" in mode:
        return "global", None
    if "ReplicatedJob" in mode:
        return "replicated-job", None
    if "GlobalJob" in mode:
        return "global-job", None
    replicas = (mode.get("Replicated") or {}).get("Replicas")
    return "replicated", 1 if replicas is None else int(replicas)


def _port(port: Mapping[str, Any]) -> str:
    return f"*:{port.get('PublishedPort', 0)}->{port.get('TargetPort', 0)}/{port.get('Protocol', 'tcp')}"
