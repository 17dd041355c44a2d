"""Shrink: from a run that failed, to a small one that fails the same way. Delta debugging (Zeller and
Hildebrandt 2002) over faults, nodes, changes and times.

Each question is one run of the test with the same seed and a mask; it counts only when the same invariant
broke, or the same exception came from the same line. Chunks are left out first, halves, then quarters, then
one by one; the search ends when no single thing that is left can be left out. Answers are kept by mask.

Time is bounded: the best that was found stands when it is over, and at Ctrl-C.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from swarmpy import duration
from swarmpy.testing.failure import Failure, Shrunk
from swarmpy.testing.mask import Happening, Item, Mask
from swarmpy.testing.trial import Record

Rerun = Callable[[Mask], Record]
INTERRUPTED = "it was interrupted"
SHORTEST = 0.001  # seconds: a shorter fault is not tried
HALVINGS = 4


class _Over(Exception):
    """Time is over."""


def shrink(rerun: Rerun, first: Failure, budget: float) -> Shrunk:
    """The smallest failing run that `budget` seconds find. Ctrl-C ends it earlier, with the best so far."""
    search = Search(rerun, first, budget)
    why = ""
    try:
        search.go()
    except _Over:
        why = f"the {duration.text(budget)} for it were over (shrink= gives it more)"
    except KeyboardInterrupt:
        why = INTERRUPTED
    return search.found(why)


class Search:
    """The search for a smaller run that fails in the same way."""

    def __init__(self, rerun: Rerun, first: Failure, budget: float) -> None:
        self._rerun, self._first = rerun, first
        self._begun = time.monotonic()
        self._ends = self._begun + budget
        self._answers: dict[Mask, bool] = {}
        self.runs = 0
        known = frozenset(one.item for one in first.happenings if one.happened)
        self.mask, self.best = Mask(only=known), first

    def go(self) -> None:
        """Until a whole round changes nothing: then each thing that is left is needed."""
        while True:
            before = self.mask
            self._fewer_nodes()  # first: smaller swarms make the other questions cheaper
            self._leave_out(_faults)
            self._leave_out(_changes)
            self._leave_out(_sleeps)
            self._shorter()
            if self.mask == before:
                return

    def found(self, why: str) -> Shrunk:
        """Returns the smallest run so far, and why the search ended."""
        left = {one.item for one in _faults(self.best)}
        first_faults, first_changes = _faults(self._first), _changes(self._first)
        return Shrunk(
            mask=self.mask,
            shape=self.mask.applied_to(self._first.shape),
            at=self.best.at,
            what=self.best.what,
            faults=tuple(_faults(self.best)),
            operations=tuple(_changes(self.best)),
            needless=tuple(one for one in first_faults if one.item not in left),
            before=(len(first_faults), len(first_changes)),
            runs=self.runs,
            took=time.monotonic() - self._begun,
            minimal=not why,
            why=why,
        )

    # ---- asking

    def _fails(self, mask: Mask) -> bool:
        """Returns true if the run fails the same way; it is the best one from then on."""
        if mask == self.mask:
            return False  # nothing new: who asks goes on to the next
        if mask not in self._answers:
            if time.monotonic() >= self._ends:
                raise _Over
            self.runs += 1
            failure = self._rerun(mask).failure
            self._answers[mask] = failure is not None and failure.way == self._first.way
            if self._answers[mask] and failure is not None:
                self.mask, self.best = mask, failure
        return self._answers[mask]

    # ---- what is tried

    def _leave_out(self, of: Callable[[Failure], Sequence[Happening]]) -> None:
        size = len(of(self.best))
        while size:
            start = 0
            while part := of(self.best)[start : start + size]:
                if not self._fails(self.mask.without(*(one.item for one in part))):
                    start += size
            size //= 2

    def _fewer_nodes(self) -> None:
        shape = self.mask.applied_to(self._first.shape)
        for workers in _fewer(shape.workers, least=0):
            if self._fails(replace(self.mask, workers=workers)):
                break
        for managers in _fewer(shape.managers, least=1):
            if self._fails(replace(self.mask, managers=managers)):
                break

    def _shorter(self) -> None:
        """Once for each fault and sleep: a round that shortens for ever would find no end."""
        spans: list[tuple[Item, float]] = [(one.item, one.span) for one in _timed(self.best)]
        shortened = {item for item, _ in self.mask.spans}
        for item, span in spans:
            for halving in range(1, HALVINGS + 1):
                shorter = round(span / 2**halving, 3)
                if item in shortened or shorter < SHORTEST:
                    break
                if not self._fails(self.mask.with_span(item, shorter)):
                    break


def _fewer(count: int, least: int) -> list[int]:
    """Fewer ones to try, the fewest first."""
    return sorted({one for one in (least, least + 1, 3, count // 2, count - 1) if least <= one < count})


def _faults(failure: Failure) -> list[Happening]:
    return [one for one in failure.happenings if one.happened and one.is_fault]


def _changes(failure: Failure) -> list[Happening]:
    return [one for one in failure.happenings if one.happened and one.item[0] == "write" and not one.is_fault]


def _sleeps(failure: Failure) -> list[Happening]:
    return [one for one in failure.happenings if one.happened and one.item[0] == "sleep"]


def _timed(failure: Failure) -> list[Happening]:
    return [one for one in failure.happenings if one.happened and one.span > 0]
