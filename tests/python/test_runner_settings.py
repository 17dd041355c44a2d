"""What many seeds of a test are run with, and what a run leaves out: values, checked by hand."""

from __future__ import annotations

from typing import Any

import pytest

import swarmpy as sp
from swarmpy.testing import settings as of
from swarmpy.testing.mask import NOTHING, Happening, Mask, Shape
from swarmpy.testing.settings import LAST_SEED, SHRINK_SECONDS, Settings, seed_list, shrink_words, with_chosen


def test_seeds_are_so_many_or_those_that_were_said_each_once() -> None:
    assert list(seed_list(3, 5)) == [5, 6, 7]
    assert list(seed_list([4711, 3, 4711, 3, 1], 0)) == [4711, 3, 1]
    assert list(seed_list(1, LAST_SEED)) == [LAST_SEED]
    for wrong in (0, -1, [], [-1], [LAST_SEED + 1]):
        with pytest.raises(sp.InvalidArgument):
            seed_list(wrong, 0)
    with pytest.raises(sp.InvalidArgument, match="there are no 2 seeds"):
        seed_list(2, LAST_SEED)


def test_how_long_a_shell_lets_it_shrink() -> None:
    for word, seconds in (("yes", SHRINK_SECONDS), ("NO", 0.0), ("0", 0.0), ("10s", 10.0), ("1m", 60.0)):
        assert shrink_words(word) == seconds


def chosen(monkeypatch: pytest.MonkeyPatch, **said: Any) -> Settings:
    for name, value in said.items():
        monkeypatch.setattr(of.chosen, name, value)
    return with_chosen(Settings(Shape(3, 2), range(10, 14), shrink=5.0))


def test_what_was_chosen_takes_the_place_of_what_a_test_says(monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(chosen(monkeypatch, seeds=2).seeds) == [10, 11]
    assert chosen(monkeypatch, seed=7).seeds == (7,)
    assert chosen(monkeypatch, shrink=0.0).shrink == 0.0 and chosen(monkeypatch, report="x").report == "x"
    assert chosen(monkeypatch, here=True).executor == "here"


def test_real_daemons_run_once_here_and_are_not_shrunk(monkeypatch: pytest.MonkeyPatch) -> None:
    real = chosen(monkeypatch, mode="real")
    assert (list(real.seeds), real.shrink, real.executor, real.shape.mode) == ([10], 0.0, "here", "real")


def test_a_mask_lets_through_what_it_does_not_leave_out() -> None:
    kill, scale, sleep = ("fault", 0), ("write", 0), ("sleep", 0)
    assert all(NOTHING.lets(one) for one in (kill, scale, sleep)) and not NOTHING.smaller
    less = NOTHING.without(kill, sleep)
    assert [less.lets(one) for one in (kill, scale, sleep)] == [False, True, False] and less.smaller
    only = Mask(only=frozenset([kill]))
    assert [only.lets(one) for one in (kill, scale, ("fault", 1))] == [True, False, False]
    assert only.lets(("sleep", 9)), "a run that is longer than the first one may go on"
    assert not only.without(kill).lets(kill)
    spans = NOTHING.with_span(kill, 2.0).with_span(kill, 1.0)
    assert spans.spans == ((kill, 1.0),) and spans.smaller
    assert Mask(managers=1).applied_to(Shape(3, 5)) == Shape(1, 5)
    assert Mask(workers=0).applied_to(Shape(3, 5)) == Shape(3, 0)


def test_kills_by_nodes_and_tasks_are_faults_too() -> None:
    kinds = [
        ("fault", "freeze"),
        ("write", "kill"),
        ("write", "kill_task"),
        ("write", "scale"),
        ("sleep", ""),
    ]
    faults = [Happening((what, 0), kind, kind, 1.0).is_fault for what, kind in kinds]
    assert faults == [True, True, True, False, False]
