"""Where two runs part: the first thing that happened in one and not in the other."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from swarmpy import _show
from swarmpy._brief import Brief
from swarmpy._replay.differences import Diff
from swarmpy._replay.replaying import Replay, Step, replay
from swarmpy.errors import InvalidArgument

HEADER = ("", "FIRST RUN", "SECOND RUN")


@dataclass(frozen=True)
class RunDiff(metaclass=Brief):
    """Where two runs part. `step`: after so many steps that were the same in both. `first`, `second`: what
    came then in each (None: that run was over). Two equal runs: `same` is true, and `bool(diff)` false.

    `diff`: what is different at the ends of the runs, a `Diff`. `only_first`, `only_second`: faults of one
    of them only, as text.
    """

    step: int
    first: Step | None
    second: Step | None
    diff: Diff
    only_first: tuple[str, ...]
    only_second: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Nothing happened in one that did not happen in the other."""
        return self.first is None and self.second is None

    def __bool__(self) -> bool:
        return not self.same

    def _rows(self) -> list[tuple[str, ...]]:
        rows: list[tuple[str, ...]] = [("parts at", _told(self.first), _told(self.second))]
        if self.only_first or self.only_second:
            rows.append(("faults", "; ".join(self.only_first) or "-", "; ".join(self.only_second) or "-"))
        return rows

    def _head(self) -> str:
        return "the two runs are the same" if self.same else f"the two runs part after {self.step} steps"

    def __repr__(self) -> str:
        if self.same:
            return f"<RunDiff {self._head()}>"
        return f"<RunDiff {self._head()}>\n{_show.table(HEADER, self._rows())}\n{self.diff!r}"

    def _repr_html_(self) -> str:
        ends = self.diff._repr_html_()
        return _show.html_box([_show.html_table(self._head(), HEADER, self._rows()), ends])


def diff_runs(a: Any, b: Any) -> RunDiff:
    """Where the runs part: `a` and `b` are Replays, or paths of journals. Both are made again, step by step.

    Raises `NotFound` and `JournalError` as `replay` does.
    """
    first, second = _again(a), _again(b)
    step = _common_steps(first, second)
    parted = [run.seek_step(step).step() for run in (first, second)]
    ends = [run.seek(run.end).peek() for run in (first, second)]
    faults = [[str(fault) for fault in run.faults] for run in (first, second)]
    return RunDiff(
        step,
        parted[0],
        parted[1],
        Diff(ends[0], ends[1]),
        tuple(one for one in faults[0] if one not in faults[1]),
        tuple(one for one in faults[1] if one not in faults[0]),
    )


def _again(run: Any) -> Replay:
    """One of its own: that of the caller stays where it is."""
    if isinstance(run, Replay):
        return Replay(run.journal)
    if isinstance(run, str | os.PathLike):
        return replay(run)
    raise InvalidArgument(f"a run is a Replay or the path of a journal, not {run!r}")


def _common_steps(first: Replay, second: Replay) -> int:
    """How many steps gave the same trace in both: looked for by halves, since what parted stays parted."""
    low, high = 0, min(first.seek(first.end).steps_taken, second.seek(second.end).steps_taken)
    while low < high:
        middle = (low + high + 1) // 2
        same = first.seek_step(middle).trace_hash == second.seek_step(middle).trace_hash
        low, high = (middle, high) if same else (low, middle - 1)
    return low


def _told(step: Step | None) -> str:
    return "its end" if step is None else f"{step.at:.6f}s {step.what}"
