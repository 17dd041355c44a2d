"""Breaker: how a world carries faults out. `swarm.faults` speaks to nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from swarmpy.plan import Fault, Plan, SkippedFault


class Breaker(Protocol):
    """Numbers of faults count from 1 in the life of a swarm. Nothing has changed where one raises."""

    def check(self, fault: Fault) -> None:
        """Raises for what this world does not have or cannot do: `NotFound`, `NotSupportedInMode`."""

    def begin(self, fault: Fault) -> int:
        """Now, or `at` later. Raises `InvalidArgument`, `NotFound`, `SwarmError`."""

    def end(self, number: int) -> None:
        """Harmless for one that is over."""

    def heal(self) -> None:
        """All that is active, and what was to come."""

    def active(self) -> list[tuple[int, Fault]]: ...

    def history(self) -> Plan: ...

    def run(self, plan: Plan) -> list[int]: ...

    def skipped(self) -> list[tuple[int, SkippedFault]]:
        """Those that were planned, or held back, and could not begin when it was time; in order."""

    def kill_task(self, task: str, ask: Callable[[], None]) -> None:
        """SIGKILL to one task's process, by its id. `ask`: the same by the API, with its errors."""

    def quiet(self, on: bool) -> None:
        """All faults are held back, and time stands still for them; or they go on. Held back again at once,
        they have been all the time.
        """


def next_to_do(error: ValueError) -> tuple[str, str]:
    """The engine's sentence as message and hint."""
    said = str(error)
    message, mark, rest = said.partition(". ")
    return (message, rest) if mark else (said, "")
