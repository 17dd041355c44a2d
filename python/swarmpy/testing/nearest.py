"""The nearest run that passes: what makes the difference is the little that is between them."""

from __future__ import annotations

import contextlib
import tempfile
from dataclasses import dataclass
from operator import methodcaller
from pathlib import Path
from typing import Any

import swarmpy
from swarmpy import _show
from swarmpy._brief import Brief
from swarmpy._models.plain import whole
from swarmpy.errors import InvalidArgument, SwarmError
from swarmpy.testing.decorator import SeedTest
from swarmpy.testing.failure import Failure
from swarmpy.testing.mask import NOTHING, Happening, Mask
from swarmpy.testing.settings import LAST_SEED
from swarmpy.testing.trial import Record

MOST_SEEDS = 200


@dataclass(frozen=True)
class NearestPassing(metaclass=Brief):
    """A run that passes, next to one that fails. `seed`: its own. `without`: the fault or change that it
    leaves out, None where it differs by its seed. `failing`, `passing`: hashes of both traces;
    `differs_at`: seconds when they part, None where that is not known.
    """

    failure: Failure
    seed: int
    without: Happening | None
    failing: str
    passing: str
    differs_at: float | None = None
    diff: Any = None

    def __str__(self) -> str:
        if self.without is not None:
            said = f"seed {self.seed} passes without {self.without}"
        else:
            said = f"seed {self.failure.seed} fails, seed {self.seed} passes"
        return said if self.differs_at is None else f"{said}; the runs part at {self.differs_at:.3f}s"

    def _repr_html_(self) -> str:
        return _show.html_box([_show.html_table(str(self), (), [])])

    def __repr__(self) -> str:
        return f"<NearestPassing {self}>"


def nearest_passing(test: SeedTest, failure: Failure | int | None = None) -> NearestPassing:
    """The passing run that is most like a failing one: the smallest failing run without one thing more, the
    latest for which it passes; where there is nothing to leave out, the next seed that passes.

    `failure`: a `Failure` or a seed; None: the first of the test's last run. Raises `InvalidArgument` where
    that run does not fail, or none near it passes.

    >>> print(sp.nearest_passing(test_a_leader_may_die))
    seed 173 passes without kill(m2)@1.204s; the runs part at 1.204s
    """
    if not isinstance(test, SeedTest):
        hint = "Decorate it: @sp.test(seeds=200)."
        raise InvalidArgument(f"nearest_passing asks about a test of sp.test, not {test!r}", hint=hint)
    seed, mask = _asked(test, failure)
    failing = test._one(seed, mask)
    if failing.failure is None:
        raise InvalidArgument(f"seed {seed} of {test.function.__qualname__} does not fail")
    found = _less(test, failing, mask) or _beside(test, failing)
    if found is None:
        raise InvalidArgument(
            f"no run near seed {seed} passes: nothing that happens in it can be left out, and the next "
            f"{MOST_SEEDS} seeds fail too",
            hint="A test that always fails needs no chance to be looked at: test.once(seed).",
        )
    return found


def _asked(test: SeedTest, failure: Failure | int | None) -> tuple[int, Mask]:
    if failure is None:
        if test.last is None or not test.last.failures:
            hint = "Run it first: test.run(); or say which seed fails."
            raise InvalidArgument(f"{test.function.__qualname__} has not failed", hint=hint)
        failure = test.last.failures[0]
    if isinstance(failure, Failure):
        return failure.seed, failure.shrunk.mask if failure.shrunk else NOTHING
    return whole("failure", failure, most=LAST_SEED, hint="A `Failure`, or a seed: 173."), NOTHING


def _less(test: SeedTest, failing: Record, mask: Mask) -> NearestPassing | None:
    """Without one thing more: the latest one first, so that the runs are the same for as long as can be."""
    assert failing.failure is not None
    done = [one for one in failing.failure.happenings if one.happened and one.kind != "sleep"]
    faults = [one for one in done if one.is_fault]
    for one in [*reversed(faults), *(one for one in reversed(done) if not one.is_fault)]:
        other = test._one(failing.seed, mask.without(one.item))
        if other.failure is None:
            diff = _diff(test, (failing.seed, mask), (failing.seed, mask.without(one.item)))
            return NearestPassing(
                failing.failure, failing.seed, one, failing.trace_hash, other.trace_hash, one.at, diff
            )
    return None


def _beside(test: SeedTest, failing: Record) -> NearestPassing | None:
    assert failing.failure is not None
    for seed in range(failing.seed + 1, failing.seed + 1 + MOST_SEEDS):
        other = test._one(seed, NOTHING)
        if other.failure is None:
            diff = _diff(test, (failing.seed, NOTHING), (seed, NOTHING))
            return NearestPassing(
                failing.failure, seed, None, failing.trace_hash, other.trace_hash, diff=diff
            )
    return None


def _diff(test: SeedTest, failing: tuple[int, Mask], passing: tuple[int, Mask]) -> Any:
    """Where the journals of both part, by `sp.diff_runs`. None where one cannot be made again."""
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(SwarmError, AttributeError):
        paths = [str(Path(folder) / name) for name in ("failing.swarm", "passing.swarm")]
        for (seed, mask), path in zip((failing, passing), paths, strict=True):
            test._one(seed, mask, last=methodcaller("save", path))
        return getattr(swarmpy, "diff_runs")(*paths)  # noqa: B009 - it comes with journals
    return None
