"""SimBreaker: the engine begins and ends faults itself, at exact instants of virtual time."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from swarmpy._faults.breaker import next_to_do
from swarmpy.errors import Conflict, InvalidArgument, NotFound, SwarmError
from swarmpy.plan import Fault, Plan, SkippedFault

if TYPE_CHECKING:
    from swarmpy._core import World as Core


class SimBreaker:
    def __init__(self, core: Core) -> None:
        self._core = core

    def check(self, fault: Fault) -> None:
        """The engine checks when it begins one, and changes nothing where it refuses."""

    def begin(self, fault: Fault) -> int:
        try:
            return self._core.begin_fault(fault.to_json())
        except ValueError as error:
            raise _typed(error) from None

    def end(self, number: int) -> None:
        self._core.end_fault(number)

    def heal(self) -> None:
        self._core.heal()

    def active(self) -> list[tuple[int, Fault]]:
        return [(number, Fault.from_json(text)) for number, text in self._core.active_faults()]

    def history(self) -> Plan:
        return Plan.from_json(self._core.fault_history())

    def run(self, plan: Plan) -> list[int]:
        try:
            return self._core.run_plan(plan.to_json())
        except ValueError as error:
            raise _typed(error) from None

    def skipped(self) -> list[tuple[int, SkippedFault]]:
        return read_skipped(json.loads(self._core.skipped_faults()))

    def kill_task(self, task: str, ask: Callable[[], None]) -> None:
        try:
            self._core.begin_fault(Fault("kill_task", task=task).to_json())
        except ValueError:  # no such process here: the API says why
            ask()

    def quiet(self, on: bool) -> None:
        self._core.quiet(on)


def read_skipped(told: Iterable[Mapping[str, Any]]) -> list[tuple[int, SkippedFault]]:
    """Of what the engine tells (`faults::write` in cpp/faults/plan.cpp)."""
    return [(one["Id"], SkippedFault(Fault.from_json(one["Fault"]), one["At"], one["Why"])) for one in told]


_NOT_THERE = ("there is no node", "there is no running task", "not found")


def _typed(error: ValueError) -> SwarmError:
    message, hint = next_to_do(error)
    lower = message.lower()
    if any(sentence in lower for sentence in _NOT_THERE):
        return NotFound(message, hint=hint)
    if "is in use already" in lower:
        return Conflict(message, hint=hint)
    if "nobody leads" in lower or "has no process" in lower or "managers is nobody" in lower:
        return SwarmError(message, code="FailedPrecondition", hint=hint)
    return InvalidArgument(message, hint=hint)
