"""Since when a failure was inevitable: the run is branched at earlier moments with fresh chance, and what
became of the branches says how likely the failure was then.

Where to branch is chosen by what is known: first evenly, then again and again in the middle of the largest
jump, so that the event at which it jumps is found with few branches.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from swarmpy import _show, duration
from swarmpy._brief import Brief
from swarmpy._models.plain import whole
from swarmpy._replay.replaying import Replay, RunFailure, replay
from swarmpy._replay.world import FollowedWorld
from swarmpy.duration import DurationLike
from swarmpy.errors import InvalidArgument, InvariantError
from swarmpy.swarm import Swarm

if TYPE_CHECKING:
    from swarmpy._core import World as Core

FIRST_MOMENTS = 8
MOST_SHOWN = 40
BRANCHES = 6  # at a moment, at a time
A_MILLISECOND = 1_000_000  # the two ends of a jump lie no closer; from there on they are made surer
GRACE = 1.0  # seconds after the run's end in which a broken invariant still counts as the same failure
SURE = 1.96  # of a normal distribution: 95 %
HEADER = ("AT", "FAILED", "OF", "HOW LIKELY", "95 %")

Failed = Callable[[Swarm], object]


@dataclass(frozen=True)
class Likelihood(metaclass=Brief):
    """How likely the failure was at a moment. `at`: seconds. `failed` of `forks` branches failed; `p` is
    their ratio, and with 95 % confidence the truth lies in `low` to `high` (Wilson's interval).
    """

    at: float
    failed: int
    forks: int

    @property
    def p(self) -> float:
        """0 to 1."""
        return self.failed / self.forks

    @property
    def low(self) -> float:
        """The lower end of the interval."""
        return max(0.0, min(self.p, self._middle - self._half))

    @property
    def high(self) -> float:
        """The upper end of the interval."""
        return min(1.0, max(self.p, self._middle + self._half))

    @property
    def _middle(self) -> float:
        return (self.p + SURE**2 / (2 * self.forks)) / (1 + SURE**2 / self.forks)

    @property
    def _half(self) -> float:
        spread = self.p * (1 - self.p) / self.forks + SURE**2 / (4 * self.forks**2)
        return SURE / (1 + SURE**2 / self.forks) * math.sqrt(spread)

    def row(self) -> tuple[str, ...]:
        """As a line of a table."""
        span = f"{self.low:.0%} to {self.high:.0%}"
        return f"{self.at:.3f}s", str(self.failed), str(self.forks), f"{self.p:.0%}", span


@dataclass(frozen=True)
class Inevitability(metaclass=Brief):
    """What `when_inevitable` found: how likely the failure was over time, `points` in order.

    `jump`: between which two of them it rose most (None where it never did), and `events` is what happened
    there, in words: faults, inputs, elections. `forks`: how many branches were run. `whole`: False when it
    was interrupted or out of time, and this is what is known so far.
    """

    failure: RunFailure
    points: tuple[Likelihood, ...]
    jump: tuple[Likelihood, Likelihood] | None
    events: tuple[str, ...]
    forks: int
    whole: bool = True
    seconds: float = field(default=0.0, compare=False)

    @property
    def since(self) -> float | None:
        """The first moment from which on every branch failed, in seconds; None: it never was inevitable."""
        found = None
        for point in reversed(self.points):
            if point.failed < point.forks:
                break
            found = point.at
        return found

    def to_json(self) -> str:
        """All of it, for programs."""
        points = [
            {**dataclasses.asdict(one), "p": one.p, "low": one.low, "high": one.high} for one in self.points
        ]
        told = {
            "swarmpy": "when_inevitable",
            "failure": dataclasses.asdict(self.failure),
            "points": points,
            "since": self.since,
            "jump": self.jump and [self.jump[0].at, self.jump[1].at],
            "events": list(self.events),
            "forks": self.forks,
            "whole": self.whole,
        }
        return json.dumps(told)

    def _verdict(self) -> str:
        if self.jump is None:
            return "its likelihood never rose between two of these moments"
        before, after = self.jump
        return f"it rose from {before.p:.0%} at {before.at:.3f}s to {after.p:.0%} at {after.at:.3f}s"

    def __repr__(self) -> str:
        since = "never inevitable" if self.since is None else f"inevitable since {self.since:.3f}s"
        part = "" if self.whole else " (so far)"
        lines = [
            f"<{self.failure.invariant} broke at {self.failure.at:.3f}s: {since}; {self._verdict()}; "
            f"{self.forks} forks{part}>",
            _show.table(HEADER, [point.row() for point in self.points], most=MOST_SHOWN),
            *(["what happened between:"] if self.events else []),
            *(f"  {event}" for event in self.events),
        ]
        return "\n".join(lines)

    def _repr_svg_(self) -> str:
        return self.svg()

    def _ipython_display_(self) -> None:
        from swarmpy._view.still import show_still

        show_still(self.svg, repr(self))

    def svg(self, theme: str = "auto") -> str:
        """The picture: how likely it was over time. `theme`: `"auto"`, `"light"`, `"dark"`, `"neutral"`."""
        from swarmpy._replay.picture import picture

        return picture(self, theme)


def when_inevitable(
    run: Any,
    *,
    failed: Failed | None = None,
    forks: int = 200,
    seconds: DurationLike = 3.0,
    seed: int = 0,
) -> Inevitability:
    """How likely a failure was over time: branches the failing run at earlier moments, each with fresh chance
    from there on and the same inputs and faults at their times, and sees how many fail, too.

    `run`: a `Replay`, the path of a journal, a test's failure, its record, or the path of that. What counts
    as failing: the same invariant breaks (those of `sp.inv`, and the engine's own), up to a second after the
    run's end. For a failure that only Python saw say `failed=`, a function of the swarm at the end of each
    branch. At most `forks` branches and `seconds` of CPU; Ctrl-C gives what is known so far. The same `seed`,
    the same answer (unless time ran out).

    Raises `InvalidArgument` for a run that did not fail, or whose failure cannot be seen again.

    >>> found = when_inevitable("run.swarm", failed=lambda c: c.services["web"].running < 3)
    >>> found.since, found.jump, found.events
    """
    again = _replay_of(run)
    forks = whole("forks", forks, least=2, most=100_000)
    trials = _Trials(again, _check_of(again, failed), seed)
    return _Search(trials, forks, duration.seconds(seconds)).run()


def _replay_of(run: Any) -> Replay:
    if isinstance(run, Replay):
        return run
    journal = run.get("journal") if isinstance(run, Mapping) else getattr(run, "journal", run)
    if isinstance(run, str | os.PathLike) and os.fspath(run).endswith(".json"):
        journal = _beside(Path(run))
    if not journal:
        raise InvalidArgument("this failure has no journal", hint="Let the runner keep files: report=DIR.")
    return replay(journal)


def _beside(record: Path) -> Path | None:
    """The journal of a failure's record: they lie in one folder, wherever that is now."""
    try:
        name = json.loads(record.read_text())["journal"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidArgument(
            f"{record} tells of no failure: {error}",
            hint="Say the path of a journal, or of a failure's record.",
        ) from None
    return record.parent / Path(name).name if name else None


def _check_of(again: Replay, failed: Failed | None) -> Callable[[Core], bool] | None:
    failure = again.failure
    if failure is None and failed is None:
        raise InvalidArgument(
            "this run did not fail", hint="Say failed=lambda c: ... what counts as failing."
        )
    if failed is None:
        again.check_can_break_again()
        return None

    def at_the_end(core: Core) -> bool:
        assert failed is not None
        return bool(failed(Swarm._over(FollowedWorld(again.journal.seed, core=core))))

    return at_the_end


class _Trials:
    """Branches of one run."""

    def __init__(self, again: Replay, at_the_end: Callable[[Core], bool] | None, seed: int) -> None:
        self.again, self._at_the_end, self._seed = again, at_the_end, seed
        self.begin, self.end = again.formed_ns(), round(again.end * 1e9)
        failure = again.failure
        self.failure = failure or RunFailure("failed", again.end, "what failed= says")
        self._count = 0

    def fails(self, at_ns: int) -> bool:
        self._count += 1
        core = self.again.watched_core(rules=self._at_the_end is None)
        try:
            core.run_to(at_ns)
            core.reseed(self._seed * 1_000_003 + self._count)
            core.let_go()
            core.run_to(self.end + (0 if self._at_the_end else round(GRACE * 1e9)))
        except InvariantError as error:
            return self._at_the_end is not None or self.failure.is_broken_by(error)
        return self._at_the_end is not None and self._at_the_end(core.core)


class _Search:
    def __init__(self, trials: _Trials, forks: int, seconds: float) -> None:
        self._trials, self._most, self._seconds = trials, forks, seconds
        self._found: dict[int, list[int]] = {}  # moment -> failed, forks
        self._forks, self._began = 0, time.process_time()

    def run(self) -> Inevitability:
        whole_search = True
        try:
            for moment in self._moments():
                self._try(moment)
        except (_OutOfTime, KeyboardInterrupt):
            whole_search = False
        return self._result(whole_search)

    def _moments(self) -> Iterator[int]:
        begin, end = self._trials.begin, round(self._trials.failure.at * 1e9)
        for i in range(FIRST_MOMENTS):
            yield begin + (end - begin) * i // (FIRST_MOMENTS - 1)
        while self._forks < self._most:
            before, after = self._steepest()
            middle = (before + after) // 2
            if after - before <= 1_000_000 or middle in self._found:
                yield min((before, after), key=lambda moment: self._found[moment][1])
            else:
                yield middle

    def _steepest(self) -> tuple[int, int]:
        moments = sorted(self._found)
        pairs = list(itertools.pairwise(moments))
        return max(pairs, key=lambda pair: (self._p(pair[1]) - self._p(pair[0]), pair[1] - pair[0]))

    def _p(self, moment: int) -> float:
        failed, forks = self._found[moment]
        return failed / forks

    def _try(self, moment: int) -> None:
        for _ in range(BRANCHES):
            if self._forks >= self._most:
                return
            if time.process_time() - self._began > self._seconds:
                raise _OutOfTime
            failed = self._trials.fails(moment)
            self._forks += 1
            tally = self._found.setdefault(moment, [0, 0])
            tally[0] += failed
            tally[1] += 1

    def _result(self, whole_search: bool) -> Inevitability:
        points = tuple(Likelihood(moment / 1e9, *self._found[moment]) for moment in sorted(self._found))
        jump = _largest_jump(points)
        events = self._trials.again.told_between(jump[0].at, jump[1].at) if jump else ()
        return Inevitability(
            self._trials.failure,
            points,
            jump,
            tuple(events),
            self._forks,
            whole_search,
            time.process_time() - self._began,
        )


class _OutOfTime(Exception):
    pass


def _largest_jump(points: Sequence[Likelihood]) -> tuple[Likelihood, Likelihood] | None:
    pairs = [pair for pair in itertools.pairwise(points) if pair[1].p > pair[0].p]
    return max(pairs, key=lambda pair: pair[1].p - pair[0].p) if pairs else None
