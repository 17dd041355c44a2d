"""Placement constraints, as far as counting needs them: on how many nodes does a global service want a task?

The scheduler's own reading is cpp/scheduler; this one only has to agree with it (docker docs,
"--constraint").
"""

from __future__ import annotations

from collections.abc import Iterable

from swarmpy._models.node_info import NodeInfo
from swarmpy.states import Availability, NodeState


def eligible(nodes: Iterable[NodeInfo], constraints: Iterable[str]) -> list[NodeInfo]:
    """The nodes that a task of these constraints is wanted on: not heard of yet is not down, as with a new
    leader.
    """
    wanted = list(constraints)
    return [
        node
        for node in nodes
        if node.state is not NodeState.DOWN
        and node.availability is Availability.ACTIVE
        and all(holds(node, one) for one in wanted)
    ]


def holds(node: NodeInfo, constraint: str) -> bool:
    """Does `key==value` or `key!=value` hold? As in SwarmKit, case does not matter."""
    operator = "!=" if "!=" in constraint else "=="
    key, _, value = (part.strip() for part in constraint.partition(operator))
    return (_fact(node, key).lower() == value.lower()) == (operator == "==")


def _fact(node: NodeInfo, key: str) -> str:
    facts = {
        "node.id": node.id,
        "node.hostname": node.name,
        "node.ip": node.address,
        "node.role": str(node.role),
        "node.platform.os": node.platform.get("OS", ""),
        "node.platform.arch": node.platform.get("Architecture", ""),
    }
    if key.startswith("node.labels."):
        return node.labels.get(key.removeprefix("node.labels."), "")
    if key.startswith("engine.labels."):
        return node.engine_labels.get(key.removeprefix("engine.labels."), "")
    return facts.get(key, "")
