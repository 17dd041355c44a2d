"""Whether there is anybody on the other side of what separates nodes. The engine asks the same
(cpp/sim/injector_names.cpp).
"""

from __future__ import annotations

from collections.abc import Sequence

from swarmpy._faults.words import LINKS
from swarmpy.errors import InvalidArgument
from swarmpy.plan import Fault


def check_other_side(fault: Fault, nodes: Sequence[str]) -> None:
    """Raises for a partition, or a fault of links, that would do nothing: all nodes are on one side."""
    words = fault.args
    if fault.kind == "partition":
        groups = words.get("groups", [[words.get("of")]])
        one, other = (groups[0], groups[1] if len(groups) > 1 else ["*"])
    elif fault.kind in LINKS:
        one, other = words["from"], words["to"]
    else:
        return
    if one == ["*"]:
        one, other = other, one
    if other != ["*"] or one == ["minority"]:
        return
    left = set(nodes) - set(one)
    enough = 2 if one == ["*"] or ("leader" in one and "leader" not in nodes) else 1
    if len(left) < enough:
        raise InvalidArgument(
            f"{fault.kind}: all nodes are on one side, and nobody is on the other",
            hint="Leave a node out, or name two sides.",
        )
