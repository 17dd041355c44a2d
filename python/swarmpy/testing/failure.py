"""Failure: that a test failed with a seed, in words and as one JSON file.

Two failures are the same when the same invariant broke, or the same kind of exception came from the same
line of the test: what a smaller run must show again.
"""

from __future__ import annotations

import linecache
import os
import re
import shlex
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, TypeAlias

import swarmpy
from swarmpy import _show
from swarmpy._brief import Brief
from swarmpy.errors import InvariantError
from swarmpy.testing.mask import Happening, Mask, Shape

FORMAT = 1
MOST_LISTED = 20
OURS = str(Path(swarmpy.__file__).parent)
Way: TypeAlias = tuple[str, ...]


@dataclass(frozen=True)
class Shrunk:
    """The smallest run that was found to fail the same way.

    `faults`, `operations`: what it still needs; `needless`: faults of the first run that it does not.
    `minimal`: each of the remaining faults was left out once, and then it did not fail so. `why`: why the
    search ended before that, "" when it did not. `runs`: of the test, in `took` seconds.
    """

    mask: Mask
    shape: Shape
    at: float
    what: str
    faults: tuple[Happening, ...]
    operations: tuple[Happening, ...]
    needless: tuple[Happening, ...]
    before: tuple[int, int]  # faults and operations of the first run
    runs: int
    took: float
    minimal: bool
    why: str = ""

    def line(self) -> str:
        """`shrunk 14 -> 2 faults: kill(m2)@1.204s, partition(m1|m2,m3)@1.377s`."""
        count = len(self.faults)
        named = f": {_listed(self.faults)}" if self.faults else ""
        return f"shrunk {self.before[0]} -> {_show.counted(count, 'fault')}{named}"


@dataclass(frozen=True)
class Failure(metaclass=Brief):
    """A test that failed with a seed. `invariant`: which broke, by name; of an exception, its class. `what`:
    the sentence. `at`: seconds on the swarm's clock when it first broke.

    `shrunk`: the smallest run that fails so, None where none was looked for. `journal`, `timeline`, `file`:
    paths of what was written, "" for none. `replay`: the line for a shell. `traceback`: the test's own.
    """

    test: str
    seed: int
    shape: Shape
    invariant: str
    what: str
    at: float
    way: Way
    happenings: tuple[Happening, ...] = ()
    traceback: str = ""
    trace_hash: str = ""
    shrunk: Shrunk | None = None
    plan: Mapping[str, Any] | None = None
    journal: str = ""
    timeline: str = ""
    file: str = ""
    replay: str = ""
    notes: tuple[str, ...] = field(default=())  # what else is to be known: it does not happen every time, ...

    @property
    def faults(self) -> tuple[Happening, ...]:
        """Every fault of the run, in order."""
        return tuple(one for one in self.happenings if one.is_fault and one.happened)

    def to_dict(self) -> dict[str, Any]:
        """The record, as its file has it: seeds, plans, paths and the line that replays it."""
        return {
            "swarmpy": "failure",
            "format": FORMAT,
            "test": self.test,
            "seed": self.seed,
            "managers": self.shape.managers,
            "workers": self.shape.workers,
            "invariant": self.invariant,
            "what": self.what,
            "at": round(self.at, 9),
            "faults": [str(one) for one in self.faults],
            "plan": self.plan,
            "shrunk": None if self.shrunk is None else _shrunk_dict(self.shrunk),
            "journal": self.journal,
            "timeline": self.timeline,
            "replay": self.replay,
            "traceback": self.traceback,
            "notes": list(self.notes),
            "version": swarmpy.__version__,
        }

    def lines(self) -> list[str]:
        """The report, for people."""
        told = [
            f"seed {self.seed} of {self.test} ({self.shape}) failed at {self.at:.3f}s",
            f"  {self.invariant}: {self.what}",
        ]
        if self.shrunk is not None:
            told += _shrunk_lines(self.shrunk, self.shape)
        elif self.faults:
            told.append(f"  faults: {_listed(self.faults)}")
        told += [f"  {note}" for note in self.notes]
        paths = (("journal", self.journal), ("timeline", self.timeline), ("record", self.file))
        told += [f"  {name}: {path}" for name, path in paths if path]
        if self.replay:
            told.append(f"  replay: {self.replay}")
        return told

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def _repr_html_(self) -> str:
        rows = [(line.strip(),) for line in self.lines()[1:]]
        return _show.html_box([_show.html_table(self.lines()[0], ("",), rows)])

    def __repr__(self) -> str:
        return f"<Failure {self}>"


def way_of(error: BaseException) -> Way:
    """What makes two failures the same."""
    invariant = getattr(error, "invariant", None)
    if isinstance(invariant, str):
        return "invariant", invariant
    kind = f"{type(error).__module__}.{type(error).__qualname__}"
    if isinstance(error, InvariantError):
        return kind, re.sub(r"\d+", "#", error.message)
    return kind, *map(str, _place(error.__traceback__))


def words_of(error: BaseException) -> tuple[str, str]:
    """The invariant's name (or the exception's class), and the sentence."""
    invariant = getattr(error, "invariant", None)
    if isinstance(invariant, str):
        return invariant, str(getattr(error, "what", "") or _said(error))
    said = _said(error).strip()
    file, _, line = _place(error.__traceback__)
    said = said.splitlines()[0] if said else linecache.getline(file, line).strip() or "no word"
    return type(error).__name__, f"{said} ({Path(file).name}:{line})" if file else said


def _said(error: BaseException) -> str:
    try:
        return str(getattr(error, "message", "") or error)
    except Exception as worse:
        return f"its text cannot be had: {type(worse).__name__}"


def user_traceback(error: BaseException) -> str:
    """As Python prints it, from the test's own first line on."""
    trace = from_test(error.__traceback__)
    return "".join(traceback.format_exception(type(error), error, trace))


def from_test(trace: TracebackType | None) -> TracebackType | None:
    """Returns the part of the traceback that begins in the test itself."""
    start = trace
    while start is not None and is_ours(start.tb_frame.f_code.co_filename):
        start = start.tb_next
    return start or trace


def _place(trace: TracebackType | None) -> tuple[str, str, int]:
    """The innermost line that is not swarmpy's own: file, function, line."""
    found = ("", "", 0)
    while trace is not None:
        code = trace.tb_frame.f_code
        if not is_ours(code.co_filename):
            found = (code.co_filename, code.co_name, trace.tb_lineno)
        trace = trace.tb_next
    return found


def is_ours(file: str) -> bool:
    """Returns true for a file of this package."""
    return file.startswith(OURS + os.sep)


def replay_line(journal: str, at: float) -> str:
    """What to paste into a shell. The time is rounded up: the failing moment itself belongs to it."""
    milliseconds = -int(-at * 1000 // 1)
    return f"swarmpy replay {shlex.quote(journal)} --until {milliseconds / 1000:.3f}s"


def _listed(happenings: Sequence[Happening]) -> str:
    """For people; the record has them all."""
    named = ", ".join(map(str, happenings[:MOST_LISTED]))
    more = len(happenings) - MOST_LISTED
    return f"{named} and {more} more" if more > 0 else named


def _shrunk_dict(shrunk: Shrunk) -> dict[str, Any]:
    return {
        "faults": [str(one) for one in shrunk.faults],
        "operations": [str(one) for one in shrunk.operations],
        "nodes": {"managers": shrunk.shape.managers, "workers": shrunk.shape.workers},
        "needless": [str(one) for one in shrunk.needless],
        "spans": [[*item, span] for item, span in shrunk.mask.spans],
        "out": [list(item) for item in sorted(shrunk.mask.out)],
        "at": round(shrunk.at, 9),
        "runs": shrunk.runs,
        "minimal": shrunk.minimal,
        "why": shrunk.why,
    }


def _shrunk_lines(shrunk: Shrunk, shape: Shape) -> list[str]:
    told = [f"  {shrunk.line()}"]
    if shrunk.needless:
        named = _listed(shrunk.needless)
        which = "these do not matter" if len(shrunk.needless) > 1 else "this one does not matter"
        told.append(f"    {which}: {named}")
    operations = f"    operations {shrunk.before[1]} -> {len(shrunk.operations)}"
    named = f": {_listed(shrunk.operations)}" if shrunk.operations else ""
    nodes = "" if shrunk.shape == shape else f"; nodes: {shrunk.shape}"
    told.append(f"{operations}{named}{nodes}; broke at {shrunk.at:.3f}s; {_show.counted(shrunk.runs, 'run')}")
    if not shrunk.minimal:
        told.append(f"    maybe not the smallest: {shrunk.why}")
    return told
