"""NetworkInfo: one entry of GET /networks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from swarmpy._models import times

VNI_OPTION = "com.docker.network.driver.overlay.vxlanid_list"


@dataclass(frozen=True)
class NetworkInfo:
    id: str
    name: str
    driver: str
    scope: str  # "swarm" or "local"
    subnets: tuple[str, ...]  # "10.0.1.0/24"
    gateways: tuple[str, ...]  # "10.0.1.1", one for each subnet that has one
    vnis: tuple[int, ...]  # VXLAN's number of each subnet
    internal: bool
    attachable: bool
    ingress: bool
    labels: Mapping[str, str]
    raw: Mapping[str, Any]  # the API's JSON
    created: datetime

    @classmethod
    def from_api(cls, raw: Mapping[str, Any]) -> NetworkInfo:
        config = (raw.get("IPAM") or {}).get("Config") or []
        vnis = ((raw.get("Options") or {}).get(VNI_OPTION) or "").split(",")
        return cls(
            id=raw["Id"],
            name=raw["Name"],
            driver=raw.get("Driver", ""),
            scope=raw.get("Scope", ""),
            subnets=tuple(one["Subnet"] for one in config if one.get("Subnet")),
            gateways=tuple(one["Gateway"] for one in config if one.get("Gateway")),
            vnis=tuple(int(vni) for vni in vnis if vni.strip().isdigit()),
            internal=bool(raw.get("Internal")),
            attachable=bool(raw.get("Attachable")),
            ingress=bool(raw.get("Ingress")),
            labels=raw.get("Labels") or {},
            raw=raw,
            created=times.parse(raw.get("Created")),
        )


def create_request(
    name: str,
    *,
    driver: str,
    subnet: str | None,
    gateway: str | None,
    ip_range: str | None,
    flags: Mapping[str, bool],
    options: Mapping[str, str] | None,
    labels: Mapping[str, str] | None,
) -> dict[str, Any]:
    """The body of POST /networks/create, as `docker network create` sends it."""
    given = {"Subnet": subnet, "IPRange": ip_range, "Gateway": gateway}
    config = {key: value for key, value in given.items() if value is not None}
    return {
        "Name": name,
        "Driver": driver,
        "Scope": "",
        "IPAM": {"Driver": "default", "Options": {}, "Config": [config] if config else []},
        **flags,
        "Options": dict(options or {}),
        "Labels": dict(labels or {}),
    }
