"""source: where the chronicle of a run comes from. A recorded run has it; any other is made again out
of its own journal, recorded this time, and ends at the same moment with the same trace.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from swarmpy.errors import InvariantError, NotSupportedInMode
from swarmpy.states import Mode

if TYPE_CHECKING:
    from swarmpy._core import World as Core
    from swarmpy._replay.file import Journal

Told = Mapping[str, Any]


@dataclass(frozen=True)
class Failure:
    """What broke in a run: the invariant, in one sentence, and when (seconds)."""

    invariant: str
    what: str
    at: float


class Broken(Protocol):
    """What tells of a failure: `Failure`, a test's, a replay's."""

    @property
    def invariant(self) -> str: ...
    @property
    def what(self) -> str: ...
    @property
    def at(self) -> float: ...


def chronicle_of(run: Any) -> tuple[Told, Failure | None]:
    """Of a simulated `Swarm` until now, or of the whole run of a `Replay`; and what broke in it.

    Raises `NotSupportedInMode` for a real swarm, `JournalError` for a run that was too long to be made again.
    """
    if run._world.mode is not Mode.SIM:
        raise NotSupportedInMode(
            "a timeline is made of what the simulator records, and this swarm is real",
            hint='watch("timeline") draws the tasks of a real swarm; its view.save("tasks.svg") keeps them.',
        )
    journal = _journal(run)
    core = None if _is_replay(run) else run._world.core
    if core is None or not core.records_chronicle():
        core = _made_again(journal)
    return json.loads(core.chronicle().decode("utf-8", "replace")), failure_from(journal.failure)


def _is_replay(run: Any) -> bool:
    return hasattr(run, "journal")


def _journal(run: Any) -> Journal:
    from swarmpy._replay.saving import journal_of

    journal: Journal = run.journal if _is_replay(run) else journal_of(run)
    return journal


def _made_again(journal: Journal) -> Core:
    from swarmpy._core import World

    again = World.replay(journal.run)
    again.record_chronicle(True)
    try:
        again.run_to_step(journal.steps)
        if again.now_ns() < (end := round(journal.end * 1e9)):
            again.run_to(end)
    except InvariantError:
        pass  # it broke as the first run did, and the chronicle says so
    return again


def failure_from(said: Broken | Told | None) -> Failure | None:
    """Also of a failure's record: `{"invariant", "what", "at"}`."""
    if said is None:
        return None
    if isinstance(said, Mapping):
        return Failure(said["invariant"], said["what"], float(said["at"]))
    return Failure(said.invariant, said.what, said.at)
