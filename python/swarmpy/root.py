"""The swarm's root certificate: which one it is, and the way to another one (`docker swarm ca --rotate`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from swarmpy import duration
from swarmpy._brief import Brief
from swarmpy._converge import PASSING
from swarmpy._hub import Hub
from swarmpy._models.node_info import NodeInfo
from swarmpy._world.base import wait_until
from swarmpy.duration import DurationLike
from swarmpy.errors import ConvergenceTimeout, InvalidArgument
from swarmpy.states import NodeState

if TYPE_CHECKING:
    from swarmpy.swarm import Swarm


@dataclass(frozen=True)
class Root(metaclass=Brief):
    """The root certificate that the swarm has, or is on its way to: `pem`.

    `in_progress`: it is not there yet. `nodes`: how many there are; `certified`: how many of them have a
    certificate of this root; `believed_by`: how many believe it. Nodes believe the old root until each of
    them has a new certificate. `blockers`: what is missing, a sentence each.
    """

    pem: str
    in_progress: bool
    nodes: int
    certified: int
    believed_by: int
    blockers: tuple[str, ...]

    def __bool__(self) -> bool:
        """True when every node has a certificate of it and believes it."""
        return not self.blockers

    def __repr__(self) -> str:
        return (
            f"<Root: certificates {self.certified}/{self.nodes}, believed by {self.believed_by}/{self.nodes}>"
        )


def look(hub: Hub) -> Root:
    """The root as a manager sees it now."""
    swarm = hub.client.json("GET", "/swarm")
    wanted = swarm["TLSInfo"]
    names = {node.id: node for node in hub.nodes()}
    raws = hub.client.json("GET", "/nodes")
    certified = [raw for raw in raws if _issuer(_tls(raw)) == _issuer(wanted)]
    believing = [raw for raw in raws if _tls(raw).get("TrustRoot") == wanted["TrustRoot"]]
    blockers = []
    for raw in raws:
        name = _name(names.get(raw["ID"]), raw)
        if raw not in certified:
            blockers.append(f"{name} has no certificate of it yet")
        elif raw not in believing and not swarm["RootRotationInProgress"]:
            blockers.append(f"{name} does not believe it yet")
    if swarm["RootRotationInProgress"] and not blockers:
        blockers = ["it takes the old one's place at this moment"]
    return Root(
        pem=wanted["TrustRoot"],
        in_progress=swarm["RootRotationInProgress"],
        nodes=len(raws),
        certified=len(certified),
        believed_by=len(believing),
        blockers=tuple(blockers),
    )


def rotate(swarm: Swarm, hub: Hub, ca_cert: str | None, ca_key: str | None, timeout: DurationLike) -> Root:
    """Wishes for another root and waits until every node is there."""
    if (ca_cert is None) != (ca_key is None):
        raise InvalidArgument(
            "a root certificate and its key go together",
            hint="Say rotate_root(ca_cert=..., ca_key=...), both as PEM text, or neither.",
        )
    span = duration.seconds(timeout)
    now = hub.client.json("GET", "/swarm")
    spec = now["Spec"]
    ca = spec.setdefault("CAConfig", {})
    if ca_cert is None:
        ca["ForceRotate"] = ca.get("ForceRotate", 0) + 1
    else:
        ca["SigningCACert"], ca["SigningCAKey"] = ca_cert, ca_key
    hub.client.json("POST", "/swarm/update", query={"version": now["Version"]["Index"]}, body=spec)
    if span == 0:
        return look(hub)
    found: list[Root] = []

    def is_there() -> bool:
        try:
            found[:] = [look(hub)]
        except PASSING:
            return False
        return bool(found[0])

    if not wait_until(swarm._world, is_there, span):
        blockers = found[0].blockers if found else ("no manager answers",)
        raise ConvergenceTimeout(
            f"the swarm is still on its way to the new root after {duration.text(span)}", blockers=blockers
        )
    return found[0]


def _tls(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    info: Mapping[str, Any] = raw["Description"].get("TLSInfo", {})
    return info


def _issuer(tls: Mapping[str, Any]) -> tuple[object, object]:
    return tls.get("CertIssuerSubject"), tls.get("CertIssuerPublicKey")


def _name(node: NodeInfo | None, raw: Mapping[str, Any]) -> str:
    name = node.name if node else str(raw["Description"].get("Hostname") or raw["ID"])
    if node is not None and node.state is not NodeState.READY:
        return f"{name} ({node.state})"
    return name
