"""Outcome: how a wait ended. A value; truthy when the service is as its newest spec wants it."""

from __future__ import annotations

from dataclasses import dataclass

from swarmpy import _show, duration
from swarmpy._brief import Brief
from swarmpy.states import OutcomeState


@dataclass(frozen=True)
class Outcome(metaclass=Brief):
    """How a `wait()` ended.

    `state`: what happened. `reason`: a sentence, "" when converged. `running` of `wanted`: tasks of the
    newest spec. `took`: seconds on the swarm's clock. `service`: its name, "" for the whole swarm.

    >>> if not web.update(image="nginx:1.11").wait():
    ...     web.rollback().wait()
    """

    state: OutcomeState
    reason: str = ""
    running: int = 0
    wanted: int = 0
    took: float = 0.0
    service: str = ""

    def __bool__(self) -> bool:
        return self.state is OutcomeState.CONVERGED

    @property
    def converged(self) -> bool:
        """It is as its newest spec wants it; the same as `bool(outcome)`."""
        return self.state is OutcomeState.CONVERGED

    @property
    def rolled_back(self) -> bool:
        """An update failed, and the spec before it is back."""
        return self.state is OutcomeState.ROLLED_BACK

    def _repr_html_(self) -> str:
        row = (
            self.service or "swarm",
            str(self.state),
            f"{self.running}/{self.wanted}",
            duration.text(self.took),
        )
        header = ("OF", "STATE", "RUNNING", "TOOK", "REASON")
        return _show.html_box([_show.html_table("outcome", header, [(*row, self.reason)])])

    def __repr__(self) -> str:
        of_what = f"{self.service or 'swarm'} {self.running}/{self.wanted}"
        why = f": {self.reason}" if self.reason else ""
        return f"<Outcome {self.state} {of_what} in {duration.text(self.took)}{why}>"
