"""A run made again with what was asked of it: the invariants of the engine are asked again from the moment
they were asked from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from swarmpy._core import Recording
    from swarmpy._core import World as Core
    from swarmpy._replay.replaying import RunFailure


class _NoStates:
    """Ready-made invariants need no state for Python; the engine only holds on to the object."""


class WatchedCore:
    """A world that plays a run, or has left it. `checks`: those of the journal, in their order."""

    def __init__(self, recording: Recording, core: Core, checks: Sequence[Mapping[str, Any]]) -> None:
        self.core, self._recording = core, recording
        self._to_come = [check for check in checks if check.get("inv")]
        self._plays = True
        self._watches = False
        self._source = _NoStates()

    def run_to(self, at_ns: int) -> None:
        """Raises `InvariantError` when something broke on the way."""
        while self._to_come and self._to_come[0]["at_ns"] <= at_ns:
            check = self._to_come.pop(0)
            if self._plays:
                self.core.run_to_step(check["steps"])
            self.core.run_to(max(check["at_ns"], self.core.now_ns()))
            self._add_rule(self.core, check)
        self.core.run_to(at_ns)

    def reseed(self, seed: int) -> None:
        self.core.reseed(seed)

    def let_go(self) -> None:
        self._plays = False
        self._recording.let_go(self.core, True)

    def is_same(self, error: Exception, failure: RunFailure) -> bool:
        """The same invariant broke; of the engine's own, any."""
        name = getattr(error, "invariant", "")
        return name == failure.invariant if name else failure.invariant == type(error).__name__

    def _add_rule(self, core: Any, check: Mapping[str, Any]) -> None:
        """One of `sp.inv`, by what the journal says of it."""
        if not self._watches:
            core.begin_checks(self._source)
            self._watches = True
        inv = check["inv"]
        core.add_rule(check["name"], inv["kind"], inv.get("service", ""), inv.get("number", 0))
