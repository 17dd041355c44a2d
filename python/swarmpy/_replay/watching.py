"""A run made again with what was asked of it: the invariants of `sp.inv` are inputs of the run, so the engine
asks them again by itself, from the same place on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from swarmpy.errors import InvariantError

if TYPE_CHECKING:
    from swarmpy._core import Recording
    from swarmpy._core import World as Core


class _NoStates:
    """Ready-made invariants need no state for Python; the engine only holds on to the object."""


class WatchedCore:
    """A world that plays a run, or has left it, and stops where something breaks that the run asked for."""

    def __init__(self, recording: Recording, core: Core, inputs: int) -> None:
        """`inputs`: how many of the run's are told once the run is left."""
        self.core, self._recording, self._inputs = core, recording, inputs
        self._source = _NoStates()
        core.begin_checks(self._source)

    def run_to(self, at_ns: int) -> None:
        """Raises `InvariantError` when something broke on the way."""
        self.core.run_to(at_ns)

    def to(self, steps: int, at_ns: int) -> None:
        """Where a run stood after so many steps. Raises as `run_to`."""
        self.core.run_to_step(steps)
        self.core.run_to(max(at_ns, self.core.now_ns()))

    def lines(self) -> list[tuple[str, str, int, str]]:
        """The checks that were made so far, and how they stand."""
        try:
            return self.core.checks()
        except InvariantError:  # the engine itself broke, and nothing can be seen any more
            return []

    def reseed(self, seed: int) -> None:
        self.core.reseed(seed)

    def let_go(self) -> None:
        self._recording.let_go(self.core, self._inputs)
