"""Forms daemons into a swarm: init on the first manager, join the others, wait until all are ready."""

from __future__ import annotations

from swarmpy._cluster.networks import MANAGEMENT_PORT
from swarmpy._cluster.node import LocalNode
from swarmpy._cluster.patience import waiting_for

READY_SECONDS = 30.0


def init(node: LocalNode) -> None:
    node.door.post("/swarm/init", {"ListenAddr": _anywhere(), "AdvertiseAddr": node.address})


def join(node: LocalNode, to: LocalNode, token: str) -> None:
    body = {
        "ListenAddr": _anywhere(),
        "AdvertiseAddr": node.address,
        "RemoteAddrs": [f"{to.address}:{MANAGEMENT_PORT}"],
        "JoinToken": token,
    }
    node.door.post("/swarm/join", body)


def form(nodes: list[LocalNode]) -> None:
    first, *others = nodes
    with waiting_for(f"{first.name} to make a swarm (its log: {first.log})"):
        init(first)
        tokens = first.door.get("/swarm")["JoinTokens"]
    for node in others:
        with waiting_for(f"{node.name} to join the swarm (its log: {node.log})"):
            join(node, first, tokens["Manager" if node.role == "manager" else "Worker"])
    with waiting_for(f"all {len(nodes)} nodes to be ready"):
        first.door.until(lambda: _ready(first) == len(nodes), READY_SECONDS, "all nodes are ready")


def _ready(node: LocalNode) -> int:
    return sum(1 for other in node.door.get("/nodes") if other["Status"]["State"] == "ready")


def _anywhere() -> str:
    """What the docker CLI sends too: the daemon reads it as the address that it was given."""
    return f"0.0.0.0:{MANAGEMENT_PORT}"
