"""What a failure is known by, and the line that replays it."""

from __future__ import annotations

import shlex

import pytest

import swarmpy as sp
from swarmpy.errors import check_broken
from swarmpy.testing.failure import replay_line, way_of, words_of


@pytest.mark.parametrize(
    ("at", "until"), [(0.0, "0.000s"), (1.25, "1.250s"), (1.2031, "1.204s"), (1.000000001, "1.001s")]
)
def test_the_failing_moment_belongs_to_what_is_replayed(at: float, until: str) -> None:
    words = shlex.split(replay_line("my runs/run 1.swarm", at))
    assert words == ["swarmpy", "replay", "my runs/run 1.swarm", "--until", until]
    assert float(until.rstrip("s")) >= at


def raised(error: Exception) -> Exception:
    try:
        raise error
    except Exception as caught:
        return caught


def test_failures_of_one_kind_are_the_same_whatever_their_numbers() -> None:
    broken = [check_broken("few", at, f"few did not hold at {at}s") for at in (1.0, 2.0)]
    assert way_of(broken[0]) == way_of(broken[1]) != way_of(check_broken("other", 1.0, "x"))
    assert words_of(broken[0]) == ("few", "few did not hold at 1.0s")
    engine = [
        raised(sp.InvariantError(f"m{n}: two leaders in term {n} (seed {n}, at {n}.5s)")) for n in (1, 2)
    ]
    assert way_of(engine[0]) == way_of(engine[1]) != way_of(raised(sp.InvariantError("m1: a gap")))


def test_exceptions_are_told_apart_by_their_line_and_class() -> None:
    def here(kind: type[Exception]) -> Exception:
        return raised(kind("the same word"))

    same = [here(ValueError), here(ValueError)]
    assert way_of(same[0]) == way_of(same[1]) != way_of(here(KeyError))
    try:
        raise ValueError("the same word")
    except ValueError as elsewhere:
        assert way_of(elsewhere) != way_of(same[0])
        assert words_of(elsewhere)[0] == "ValueError"
        assert words_of(elsewhere)[1].startswith("the same word (test_failures.py:")
