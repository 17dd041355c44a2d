"""The load that an experiment has under way; probes look at it, also when it has ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from swarmpy.load import Load
    from swarmpy.swarm import Swarm

_load: Load | None = None


def start(swarm: Swarm, service: str, port: int, rate: float, from_: Sequence[str] | None) -> None:
    """Ends the one before."""
    global _load
    if _load is not None:
        _load.stop()
    _load = swarm.load(service, port=port, rate=rate, from_=None if from_ is None else list(from_))


def stop() -> dict[str, int]:
    """How many requests were answered, and how many failed."""
    load = current()
    load.stop()
    return {"ok": load.ok, "failed": load.failed}


def current() -> Load:
    """Raises ValueError when there was none."""
    if _load is None:
        raise ValueError("no load was started; use the action start_load first")
    return _load


def forget() -> None:
    """The experiment is over."""
    global _load
    _load = None
