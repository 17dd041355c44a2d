"""The swarm that actions and probes mean: the one of the experiment's control, or one that is there.

An activity of the Chaos Toolkit gets JSON and no objects, so there is one swarm at a time in a process.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

from swarmpy.errors import SwarmError
from swarmpy.swarm import Swarm, connect

_swarm: Swarm | None = None
_given = False  # it belongs to somebody else, who closes it
_why_none: SwarmError | None = None


def swarm() -> Swarm:
    """Raises `SwarmError` when there is none."""
    global _swarm, _given
    if _swarm is None:
        _swarm, _given = _found(), True
    return _swarm


def _found() -> Swarm:
    """What a shell has set: `SWARMPY_CLUSTER` (as `swarmpy ls` shows it), or `DOCKER_HOST`."""
    from swarmpy.local import attach

    if name := os.environ.get("SWARMPY_CLUSTER"):
        return attach(name)
    if os.environ.get("DOCKER_HOST"):
        return connect()
    raise SwarmError(
        "this experiment has no swarm",
        code="FailedPrecondition",
        hint="Give it the control swarmpy.chaos.controls, or set SWARMPY_CLUSTER to a name of `swarmpy ls`.",
    )


def open_swarm(**options: Any) -> Swarm:
    """Makes the swarm of an experiment, unless one was given to it."""
    global _swarm
    if _swarm is None or not _given:
        close_swarm()
        _swarm = Swarm(**options)
    return _swarm


def cannot_be_had(error: SwarmError) -> None:
    """The experiment has no swarm, or not what its control wants of it: `why_none` raises this."""
    global _why_none
    _why_none = error
    close_swarm()


@contextlib.contextmanager
def why_none() -> Iterator[None]:
    """Raises why the experiment inside had no swarm: the Toolkit only logs it."""
    global _why_none
    _why_none = None
    try:
        yield
    finally:
        why, _why_none = _why_none, None
        if why is not None:
            raise why


def is_given() -> bool:
    """Returns true if the swarm belongs to somebody else."""
    return _given


def close_swarm() -> None:
    """Ends the swarm of the experiment. One that was given is healed and goes on."""
    global _swarm, _given
    if _swarm is not None:
        if _given:
            _swarm.heal()
        else:
            _swarm.close()
    _swarm, _given = None, False


@contextlib.contextmanager
def given(swarm: Swarm) -> Iterator[None]:
    """`swarm` is the one that is meant, and stays open."""
    global _swarm, _given
    before = _swarm, _given
    _swarm, _given = swarm, True
    try:
        yield
    finally:
        _swarm, _given = before
