"""What was broken on purpose in a run, as `replay.faults` shows it."""

from __future__ import annotations

from typing import Any, NoReturn

from swarmpy._faults.breaker import Breaker
from swarmpy._replay.world import FORK
from swarmpy.errors import NotSupportedInMode
from swarmpy.faults import Faults
from swarmpy.plan import Fault, Plan, SkippedFault


class ReplayFaults(Plan):
    """All faults of the run, a Plan: `fork.faults.run(replay.faults)` runs it again. `.active`: those of this
    moment. It breaks nothing: whatever `swarm.faults` does, `replay.fork(at=...).faults` does.
    """

    def __init__(self, plan: Plan, breaker: Breaker) -> None:
        super().__init__(plan, since=plan.since)
        self._breaker = breaker

    @property
    def active(self) -> tuple[Fault, ...]:
        """The faults that are active where the replay stands."""
        return tuple(fault for _, fault in self._breaker.active())

    @property
    def skipped(self) -> tuple[SkippedFault, ...]:
        """Those that could not begin when it was time, up to where the replay stands."""
        return tuple(one for _, one in self._breaker.skipped())

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
