"""Is it gone? After a repair: the seed that failed, once more, and many fresh ones."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeAlias

from swarmpy._models.plain import whole
from swarmpy.errors import InvalidArgument
from swarmpy.testing.decorator import SeedTest
from swarmpy.testing.failure import Failure
from swarmpy.testing.result import Result
from swarmpy.testing.settings import LAST_SEED

Before: TypeAlias = Failure | Result | int | str | os.PathLike[str]


def gone(
    test: SeedTest, before: Before | Iterable[Before] | None = None, *, seeds: int = 640, **how: Any
) -> Result:
    """Runs the seeds that failed, and then `seeds` fresh ones that come after them.

    `before`: what failed, as a `Failure`, a `Result`, a seed, or the path of a failure's record; None: what
    the test's last run found. Gives a `Result`: it is true when all passed, and says how sure that makes us
    (`0 of 641 seeds failed: 95 % sure that it is below 0.5 %`). Other words go to `test.run`.

    Raises `InvalidArgument` where nothing failed before, or the record is none.

    >>> assert sp.gone(test_a_leader_may_die, "swarmpy-failures/test_a_leader_may_die-173.json")
    """
    if not isinstance(test, SeedTest):
        raise InvalidArgument(
            f"gone asks about a test of sp.test, not {test!r}", hint="Decorate it: @sp.test(seeds=200)."
        )
    count = whole("seeds", seeds, least=1)
    failed = _seeds(test.last if before is None else before)
    if not failed:
        raise InvalidArgument(
            f"nothing is known to have failed in {test.function.__qualname__}",
            hint="Say which seed failed: sp.gone(test, 173), or the path of the record.",
        )
    first = max([*failed, *_known(test)]) + 1
    if first + count - 1 > LAST_SEED:
        first = 0
    fresh = (seed for seed in range(first, first + count))
    return test.run(seeds=[*failed, *fresh], **how)


def _known(test: SeedTest) -> list[int]:
    """The last seed that was run already: what comes after it is fresh."""
    seeds = test.seeds
    return [max(seeds)] if len(seeds) else []


def _seeds(before: Any) -> list[int]:
    if before is None:
        return []
    if isinstance(before, Result):
        return list(before.failing_seeds)
    if isinstance(before, Failure):
        return [before.seed]
    if isinstance(before, int):
        return [whole("seed", before, most=LAST_SEED)]
    if isinstance(before, str | os.PathLike):
        return [_of_record(Path(before))]
    return [seed for one in before for seed in _seeds(one)]


def _of_record(path: Path) -> int:
    try:
        record = json.loads(path.read_text())
        if record.get("swarmpy") != "failure":
            raise ValueError("it is not the record of a failure")
        return int(record["seed"])
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise InvalidArgument(
            f"{path} tells of no failure: {error}",
            hint="A failure's report names its record: swarmpy-failures/NAME-SEED.json.",
        ) from None
