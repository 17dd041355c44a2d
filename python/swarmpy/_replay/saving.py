"""What a simulated swarm writes down of its run."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import swarmpy
from swarmpy._replay.file import Journal, JournalError, rules_of
from swarmpy._world.sim import SimWorld
from swarmpy.errors import InvariantError, NotSupportedInMode

if TYPE_CHECKING:
    from swarmpy.swarm import Swarm


def journal_of(swarm: Swarm, failure: Mapping[str, Any] | BaseException | None = None) -> Journal:
    """The run so far. Raises `NotSupportedInMode` for real swarms, `JournalError` for too long ones."""
    world = swarm._world
    if not isinstance(world, SimWorld):
        raise NotSupportedInMode(
            "what real daemons do cannot be run again from a file",
            hint='Try it with mode="sim"; of a real swarm keep faults.history and events().',
        )
    core = world.core
    text, why_not = core.journal()
    if why_not:
        raise JournalError(f"this run cannot be saved: {why_not}", hint="Save earlier in the run.")
    steps, now_ns, trace_hash = core.done()
    failed = failure_of(swarm, failure, now_ns / 1e9)
    mark = world.failure_mark() if failed else None
    return Journal(
        seed=cast(int, swarm.seed),
        version=swarmpy.__version__,
        engine=core.engine(),
        end=now_ns / 1e9,
        steps=steps,
        trace_hash=f"{trace_hash:016x}",
        run=text,
        name=swarm.name,
        checks=tuple(checks_of(swarm, text)),
        failure=failed if failed is None or mark is None else {**failed, **mark.to_json()},
        plan=json.loads(core.told_faults() if mark is None else mark.plan),
    )


_SAID = ("invariant", "at", "what")
Said = Mapping[str, Any] | BaseException | None


def save(swarm: Swarm, path: str | os.PathLike[str], failure: Said) -> str:
    return journal_of(swarm, failure).save(path)


def checks_of(swarm: Swarm, run: bytes) -> list[Mapping[str, Any]]:
    """What was asked of it after every event: `{"kind", "name", "inv"}`; `inv` is None for a function."""
    told = swarm.check.told
    return [*told, *(rule for rule in rules_of(run) if rule not in told)]


def failure_of(
    swarm: Swarm, said: Mapping[str, Any] | BaseException | None, now: float
) -> dict[str, Any] | None:
    """`{"invariant", "at", "what"}`: what somebody says, or what the swarm itself found wrong."""
    if isinstance(said, Mapping):
        return {"invariant": "", "at": now, "what": "", **{key: said[key] for key in _SAID if key in said}}
    found = said or _found_wrong(swarm)
    if found is None:
        return None
    return {
        "invariant": str(getattr(found, "invariant", "") or type(found).__name__),
        "at": getattr(found, "at", now),
        "what": str(getattr(found, "what", "") or getattr(found, "message", "") or found),
    }


def _found_wrong(swarm: Swarm) -> BaseException | None:
    """What broke and ended the run: where it stands it refuses to go on, and says why."""
    core = cast(SimWorld, swarm._world).core
    check = getattr(swarm, "check", None)
    try:
        now_ns = core.now_ns()
        if check is not None and check.broken:
            core.run_to(now_ns)
    except InvariantError as error:
        return error
    return None
