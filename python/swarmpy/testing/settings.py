"""Settings: how a test is run. What the decorator says; what a call, pytest or a shell says instead."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

from swarmpy import duration
from swarmpy._models.nearest import check_word
from swarmpy._models.plain import whole
from swarmpy.duration import DurationLike
from swarmpy.errors import InvalidArgument
from swarmpy.swarm import MOST_MANAGERS, MOST_WORKERS
from swarmpy.testing.mask import Shape

SHRINK_SECONDS = 10.0
MOST_SEEDS = 10_000_000
LAST_SEED = 2**64 - 1
FOLDER = "swarmpy-failures"
EXECUTORS = ("auto", "here", "processes")
PROGRESS = ("auto", "bar", "lines", "tqdm", "rich", "none")

Seeds: TypeAlias = int | Iterable[int]


@dataclass(frozen=True)
class Settings:
    """Checked. `shrink`: seconds, 0 for not at all. `report`: a folder for what failures leave."""

    shape: Shape
    seeds: Sequence[int]
    executor: Any = "auto"
    shrink: float = SHRINK_SECONDS
    report: str = FOLDER
    progress: str = "auto"
    max_failures: int | None = None


@dataclass
class Chosen:
    """What pytest's options, or the command, say for every test of this process. None: nothing."""

    seeds: int | None = None
    seed: int | None = None
    mode: str | None = None
    shrink: float | None = None
    report: str | None = None
    here: bool = False  # in this process only: there are others beside it already
    progress: str | None = None
    base: Path | None = None  # where pytest was started: files are named from there


chosen = Chosen()


def settings(
    *,
    seeds: Seeds,
    first_seed: int,
    managers: int,
    workers: int,
    mode: str,
    executor: Any,
    shrink: bool | DurationLike,
    report: Any,
    progress: bool | str,
    max_failures: int | None,
) -> Settings:
    """Raises `InvalidArgument` for what cannot be meant."""
    managers = whole("managers", managers, least=1, most=MOST_MANAGERS)
    workers = whole("workers", workers, most=MOST_WORKERS)
    check_word("mode", mode, ("sim", "real"))
    if isinstance(executor, str):
        check_word("executor", executor, EXECUTORS)
    if max_failures is not None:
        max_failures = whole("max_failures", max_failures, least=1)
    return Settings(
        Shape(managers, workers, str(mode)),
        seed_list(seeds, first_seed),
        "auto" if executor is None else executor,
        shrink_seconds(shrink),
        str(report) if report is not None else FOLDER,
        _progress(progress),
        max_failures,
    )


def with_chosen(made: Settings) -> Settings:
    """As pytest's options, or the command line, have it."""
    if chosen.seeds is not None:
        first = made.seeds[0] if made.seeds else 0
        made = replace(made, seeds=range(first, first + chosen.seeds))
    if chosen.seed is not None:
        made = replace(made, seeds=(chosen.seed,))
    if chosen.mode is not None:
        made = replace(made, shape=replace(made.shape, mode=chosen.mode))
    if chosen.shrink is not None:
        made = replace(made, shrink=chosen.shrink)
    if chosen.report is not None:
        made = replace(made, report=chosen.report)
    if chosen.progress is not None:
        made = replace(made, progress=chosen.progress)
    if made.shape.mode == "real":  # real daemons have chance of their own: a seed repeats nothing
        made = replace(made, seeds=made.seeds[:1], shrink=0.0)
    return replace(made, executor="here") if chosen.here or made.shape.mode == "real" else made


def seed_list(seeds: Seeds, first_seed: int) -> Sequence[int]:
    """`200`: so many from `first_seed` on; else the seeds themselves."""
    first = whole("first_seed", first_seed, most=LAST_SEED, hint="A seed has 64 bits.")
    if isinstance(seeds, int | float | str) or seeds is None:
        hint = "Say seeds=200, or the seeds themselves: seeds=[173, 4711]."
        count = whole("seeds", seeds, least=1, most=MOST_SEEDS, hint=hint)
        if first + count - 1 > LAST_SEED:
            raise InvalidArgument(f"there are no {count} seeds from {first} on", hint="A seed has 64 bits.")
        return range(first, first + count)
    if isinstance(seeds, range) and seeds and min(seeds) >= 0 and max(seeds) <= LAST_SEED:
        return seeds
    each = tuple(whole("seed", one, most=LAST_SEED, hint="A seed has 64 bits.") for one in seeds)
    if not each:
        raise InvalidArgument("there is no seed to run", hint="Say seeds=200, or seeds=[173].")
    return tuple(dict.fromkeys(each))


def shrink_seconds(shrink: bool | DurationLike) -> float:
    """True: as long as is usual; False: not at all; a duration: so long at most."""
    if isinstance(shrink, bool):
        return SHRINK_SECONDS if shrink else 0.0
    return duration.seconds(shrink)


def shrink_words(text: str) -> float:
    """As a shell says it: `yes`, `no`, `10s`."""
    words = {"yes": True, "true": True, "no": False, "false": False, "0": False}
    return shrink_seconds(words.get(text.lower(), text))


def _progress(progress: bool | str) -> str:
    if isinstance(progress, bool):
        return "auto" if progress else "none"
    check_word("progress", progress, PROGRESS)
    return progress
