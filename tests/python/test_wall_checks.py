"""Checks in real time, of states that are given to them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

import swarmpy as sp
from swarmpy._checks.wall import Line, WallChecks


def _states(*ats: float) -> list[Any]:
    return [SimpleNamespace(at=at) for at in ats]


def test_the_others_are_asked_of_every_state_while_one_raises() -> None:
    seen: list[float] = []

    def mine(state: Any) -> bool:
        raise KeyError("mine")

    def counts(state: Any) -> bool:
        seen.append(state.at)
        return True

    checks = WallChecks(hub=None)  # type: ignore[arg-type]
    checks.lines = [Line("mine", "always", mine), Line("counts", "always", counts)]
    for state in _states(1.0, 2.0, 3.0):
        checks._ask(state, [])
    assert seen == [1.0, 2.0, 3.0]
    with pytest.raises(KeyError, match="mine") as told:
        checks.tell()
    assert 'in the check "mine", asked at 1.000s' in told.value.__notes__  # the first one
    checks.tell()


def test_what_breaks_while_another_raises_is_told_with_both() -> None:
    def mine(state: Any) -> bool:
        raise KeyError("my own")

    checks = WallChecks(hub=None)  # type: ignore[arg-type]
    checks.lines = [Line("mine", "always", mine), Line("early", "always", lambda state: state.at < 2)]
    for state in _states(1.0, 2.0, 3.0):
        checks._ask(state, [])
    with pytest.raises(sp.InvariantBroken, match="early") as told:
        checks.tell()
    assert told.value.at == 2.0 and "KeyError: 'my own'" in "".join(told.value.__notes__)
