"""What a swarm tells of its faults: the plan of what happened, and who "leader" was. Nothing where it cannot
say.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from swarmpy.errors import SwarmError
from swarmpy.testing import faultwords
from swarmpy.testing.mask import Happening

if TYPE_CHECKING:
    from swarmpy.plan import Fault, SkippedFault
    from swarmpy.swarm import Swarm

ROLES = ("leader", "minority")
CLOSE = 1e-6  # seconds: the same moment


def plan_of(swarm: Swarm) -> dict[str, Any] | None:
    """All that happened, as a plan's JSON."""
    with contextlib.suppress(SwarmError):
        plan: dict[str, Any] = json.loads(swarm.faults.history.to_json())
        return plan
    return None


def skipped(swarm: Swarm) -> list[SkippedFault]:
    """What could not begin when it was time."""
    with contextlib.suppress(SwarmError):
        return swarm.faults.skipped
    return []


def without_skipped(happenings: Sequence[Happening], swarm: Swarm) -> list[Happening]:
    """Those have not happened."""
    left = [(one.fault.kind, one.at) for one in skipped(swarm)]
    found = []
    for one in happenings:
        same = next((it for it in left if it[0] == one.kind and abs(it[1] - one.at) < CLOSE), None)
        if same is not None and one.is_fault:
            left.remove(same)
            found.append(replace(one, happened=False))
        else:
            found.append(one)
    return found


def resolved(happenings: Sequence[Happening], swarm: Swarm) -> list[Happening]:
    """With names where a fault was meant for the leader, or a minority, of its moment."""
    if not any(_names_a_role(one) for one in happenings):
        return list(happenings)
    history = _history(swarm)
    return [_resolved(one, history) if _names_a_role(one) else one for one in happenings]


def _resolved(one: Happening, history: list[tuple[float, Fault]]) -> Happening:
    for at, fault in history:
        if fault.kind == one.kind and abs(at - one.at) < CLOSE:
            history.remove((at, fault))
            return replace(one, text=faultwords.text(fault))
    return one


def _history(swarm: Swarm) -> list[tuple[float, Fault]]:
    with contextlib.suppress(SwarmError):
        plan = swarm.faults.history
        return [((plan.since or 0.0) + (fault.at or 0.0), fault) for fault in plan]
    return []


def _names_a_role(one: Happening) -> bool:
    return one.item[0] == "fault" and any(role in one.text for role in ROLES)
