"""One run of a test: what its gates let through, and what is asked at its end."""

from __future__ import annotations

from collections.abc import Callable

import swarmpy as sp
from swarmpy.testing.mask import NOTHING, Mask, Shape
from swarmpy.testing.trial import Record, Trial, run_once


class _AtLast(Exception):
    """So that the run has a failure, which tells what happened."""


def run(does: Callable[[Trial], object], mask: Mask = NOTHING) -> Record:
    return run_once("a test", does, Shape(1, 2), 1, mask)


def happened(does: Callable[[Trial], object], mask: Mask) -> list[tuple[str, int, str, bool]]:
    def and_fails(trial: Trial) -> None:
        does(trial)
        raise _AtLast

    failure = run(and_fails, mask).failure
    assert failure is not None and failure.invariant == "_AtLast", failure
    return [(*one.item, one.text, one.happened) for one in failure.happenings]


def test_who_was_not_ended_by_a_masked_fault_is_not_started_again_the_first_time() -> None:
    def does(trial: Trial) -> None:
        c = trial.swarm()
        c.faults.kill("w1")
        for _ in range(2):
            c.nodes["w1"].restart()

    assert happened(does, Mask(out=frozenset({("fault", 0)}))) == [
        ("fault", 0, "kill(w1)", False),
        ("write", 0, "restart(w1)", False),
        ("write", 1, "restart(w1)", True),
    ]
    assert [what for *_, what in happened(does, NOTHING)] == [True, True, True]


def test_who_was_not_killed_by_a_masked_change_is_not_started_again() -> None:
    def does(trial: Trial) -> None:
        c = trial.swarm()
        for name in ("w1", "w2"):
            c.nodes[name].kill()
        for name in ("w1", "w2"):
            c.nodes[name].restart()

    assert happened(does, Mask(out=frozenset({("write", 0)}))) == [
        ("write", 0, "kill(w1)", False),
        ("write", 1, "kill(w2)", True),
        ("write", 2, "restart(w1)", False),
        ("write", 3, "restart(w2)", True),
    ]


def test_what_happens_in_a_second_swarm_has_numbers_of_its_own() -> None:
    alive = []

    def does(trial: Trial) -> None:
        swarms = [trial.swarm(), trial.swarm()]
        for c in swarms:
            c.faults.kill("w1")
        alive.append([c.nodes["w1"].alive for c in swarms])

    items = [(kind, number) for kind, number, *_ in happened(does, NOTHING)]
    assert len(set(items)) == 2
    assert [what for *_, what in happened(does, Mask(out=frozenset(items[1:])))] == [True, False]
    assert alive == [[False, False], [False, True]]


def test_what_was_to_be_seen_is_asked_of_every_swarm_at_the_end() -> None:
    def does(trial: Trial) -> None:
        seen, never = trial.swarm(), trial.swarm()
        seen.check.sometimes("somebody leads", lambda now: len(now.leaders) > 0)
        never.check.sometimes("three lead", lambda now: len(now.leaders) > 2)
        for c in (seen, never):
            c.sleep("1s")

    failure = run(does).failure
    assert failure is not None and "three lead" in failure.invariant + failure.what


def test_a_swarm_that_its_test_has_closed_is_asked_nothing_at_the_end() -> None:
    def does(trial: Trial) -> None:
        with trial.swarm() as c:
            c.check.sometimes("three lead", lambda now: len(now.leaders) > 2)

    assert isinstance(run(does), Record)


def test_a_run_that_passes_has_no_failure() -> None:
    record = run(lambda trial: sp.Swarm.sleep(trial.swarm(), "1s"))
    assert record.failure is None and record.error is None and record.trace_hash
