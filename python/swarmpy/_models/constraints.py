"""Placement constraints: which are mistyped, and on how many nodes does a global service want a task?

The scheduler's own reading is cpp/scheduler; this one only has to agree with it (docker docs,
"--constraint").
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from swarmpy._models.nearest import check_word, did_you_mean
from swarmpy._models.node_info import NodeInfo
from swarmpy.errors import InvalidArgument
from swarmpy.states import Availability, NodeState, Role

KEYS = ("node.id", "node.hostname", "node.ip", "node.role", "node.platform.os", "node.platform.arch")
PREFIXES = ("node.labels.", "engine.labels.")


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


def check(constraints: Iterable[str]) -> None:
    """Raises `InvalidArgument` for what is no comparison, for a key that no node can have, and for a role
    that there is not: such a constraint would be accepted, and its tasks pending for ever.
    """
    for constraint in constraints:
        if "==" not in constraint and "!=" not in constraint:
            hint = 'Write "node.role==worker", or "node.labels.zone!=a".'
            raise InvalidArgument(f"constraint expected one operator from ==, !=: {constraint!r}", hint=hint)
        key, _, value = _parts(constraint)
        if not value or key.lower().startswith(PREFIXES):
            continue
        if key.lower() not in KEYS:
            known = [*KEYS, *(f"{prefix}NAME" for prefix in PREFIXES)]
            raise InvalidArgument(f"{constraint!r}: nodes have no {key!r}", hint=did_you_mean(key, known))
        if key.lower() == "node.role":
            check_word("role of a node", value.lower(), list(Role))


def check_label(label: str) -> None:
    """Raises `InvalidArgument` for what is no node's or engine's label: nothing could be spread over it."""
    if not label.lower().startswith(PREFIXES):
        hint = f'Write "{PREFIXES[0]}{label}", or "{PREFIXES[1]}...".'
        raise InvalidArgument(f"{label!r} is no label to spread over", hint=hint)


def remarks(spec: Mapping[str, Any], nodes: Iterable[NodeInfo]) -> list[str]:
    """A sentence for each label of a placement that no node has: it may come yet, or be mistyped."""
    placement = (spec.get("TaskTemplate") or {}).get("Placement") or {}
    found = [_parts(one) for one in placement.get("Constraints") or []]
    asked = [key for key, operator, _ in found if operator == "=="]
    asked += [one["Spread"]["SpreadDescriptor"] for one in placement.get("Preferences") or []]
    labels = {f"node.labels.{key}" for node in nodes for key in node.labels}
    labels |= {f"engine.labels.{key}" for node in nodes for key in node.engine_labels}
    missing = [key for key in dict.fromkeys(asked) if key.lower().startswith(PREFIXES) and key not in labels]
    return [f"no node has {key} now. {did_you_mean(key, sorted(labels))}" for key in missing]


def has_labels(spec: Mapping[str, Any]) -> bool:
    placement = (spec.get("TaskTemplate") or {}).get("Placement") or {}
    return any(".labels." in one for one in placement.get("Constraints") or []) or bool(
        placement.get("Preferences")
    )


def _parts(constraint: str) -> tuple[str, str, str]:
    operator = "!=" if "!=" in constraint else "=="
    key, _, value = (part.strip() for part in constraint.partition(operator))
    return key, operator, value


def holds(node: NodeInfo, constraint: str) -> bool:
    """Does `key==value` or `key!=value` hold? As in SwarmKit, case does not matter."""
    key, operator, value = _parts(constraint)
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
