"""What a fault says of itself, for reports and gates: its kind, a short text, its times, whom it ends.

Faults are `sp.Fault`s; what is asked here is only what their JSON says (kind, at, for, and the arguments of
the kind).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from swarmpy import duration
from swarmpy.errors import InvalidArgument

ENDS_A_NODE = ("kill", "power_off", "stop")


def kind(fault: Any) -> str:
    """Returns the word for what the fault does: "partition"."""
    return str(getattr(fault, "kind", "") or _words(fault).get("kind", "fault"))


def text(fault: Any) -> str:
    """`partition(m1|m2,m3)`, `kill(m2)`, `net(m1->*, latency=80ms)`."""
    words = {key: value for key, value in _words(fault).items() if key not in ("kind", "at")}
    told = [*_whom(words), *(f"{key}={_value(value)}" for key, value in words.items())]
    return f"{kind(fault)}({', '.join(told)})"


def delay(fault: Any) -> float:
    """Seconds from its plan's beginning."""
    return _seconds(_words(fault).get("at"))


def span(fault: Any) -> float:
    """How long it lasts; 0 for no end."""
    return _seconds(_words(fault).get("for"))


def lasting(fault: Any, seconds: float) -> Any:
    """The same fault, for so long."""
    return type(fault).from_dict({**_words(fault), "for": f"{round(seconds * 1e9)}ns"})


def ended_nodes(fault: Any) -> set[str]:
    """Nodes that it would have ended."""
    node = _words(fault).get("node")
    return {str(node)} if kind(fault) in ENDS_A_NODE and node else set()


def _whom(words: dict[str, Any]) -> list[str]:
    """Takes out what says whom it is done to."""
    groups, of = words.pop("groups", None), words.pop("of", None)
    if groups:
        return ["|".join(",".join(group) for group in groups)]
    if of:
        return [str(of)]
    if "from" in words or "to" in words:
        arrow = "<->" if words.pop("both", True) else "->"
        return [f"{_names(words.pop('from', '*'))}{arrow}{_names(words.pop('to', '*'))}"]
    for key in ("node", "task", "reference"):
        if key in words:
            return [str(words.pop(key))]
    return []


def _names(value: Any) -> str:
    return value if isinstance(value, str) else ",".join(map(str, value))


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_value(one)}" for key, one in value.items()) + "}"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _words(fault: Any) -> dict[str, Any]:
    if isinstance(fault, Mapping):
        return dict(fault)
    as_dict = getattr(fault, "to_dict", None)
    return dict(as_dict()) if as_dict else {"kind": str(fault)}


def _seconds(value: Any) -> float:
    try:
        return duration.seconds(value) if value else 0.0
    except InvalidArgument:
        return 0.0
