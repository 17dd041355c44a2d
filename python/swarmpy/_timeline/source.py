"""source: where the chronicle of a run comes from. Who recorded has it; for others the run is made again out
of its own journal, recorded this time, and ends at the same moment with the same trace.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from swarmpy.errors import InvariantError, NotSupportedInMode, SwarmError
from swarmpy.states import Mode

if TYPE_CHECKING:
    from swarmpy._core import World as Core


def chronicle_of(run: Any) -> Mapping[str, Any]:
    """Of a simulated `Swarm`, of a replay of one, or of the engine's own handle."""
    core = _core_of(run)
    if not core.records_chronicle():
        core = _made_again(core)
    chronicle: Mapping[str, Any] = json.loads(core.chronicle().decode("utf-8", "replace"))
    return chronicle


def _core_of(run: Any) -> Core:
    world = getattr(run, "_world", None)
    if world is not None and world.mode is not Mode.SIM:
        raise NotSupportedInMode(
            "a timeline is made of what the simulator records, and this swarm is real",
            hint='watch("timeline") draws the tasks of a real swarm; its view.save("tasks.svg") keeps them.',
        )
    core: Core = run if world is None else world.core
    return core


def _made_again(core: Any) -> Core:
    text, why = core.journal()
    if why:
        raise SwarmError(
            f"this run cannot be made again for a timeline: {why}",
            code="FailedPrecondition",
            hint="Save the timeline of a shorter run.",
        )
    steps, now, _ = core.done()
    again: Core = type(core).replay(text)
    again.record_chronicle(True)
    try:
        again.run_to_step(steps)
        again.run_to(now)
    except InvariantError:
        pass  # it broke as the first run did, and the chronicle says so
    return again
