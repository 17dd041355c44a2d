"""What was broken on purpose in a run, as `replay.faults` shows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from swarmpy._replay.world import FORK
from swarmpy.errors import NotSupportedInMode
from swarmpy.faults import Faults
from swarmpy.plan import Fault, Plan


class ReplayFaults(Plan):
    """All faults of the run, a Plan: `fork.faults.run(replay.faults)` runs it again. `.active`: those of this
    moment. It breaks nothing: whatever `swarm.faults` does, `replay.fork(at=...).faults` does.
    """

    def __init__(self, plan: Plan, active: Callable[[], list[tuple[int, Fault]]]) -> None:
        super().__init__(plan, since=plan.since)
        self._active = active

    @property
    def active(self) -> tuple[Fault, ...]:
        """The faults that are active where the replay stands."""
        return tuple(fault for _, fault in self._active())

    @property
    def history(self) -> Plan:
        """The same as a plain Plan."""
        return Plan(self, since=self.since)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or not hasattr(Faults, name):
            raise AttributeError(f"replay.faults has no {name}: it is a plan", name=name, obj=self)

        def refuse(*what: Any, **more: Any) -> NoReturn:
            raise NotSupportedInMode(f"a replay is what happened: there is no faults.{name} in it", hint=FORK)

        return refuse
