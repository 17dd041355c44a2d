"""The ledger of a local cluster's faults: a file that several processes change."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

import swarmpy as sp
from swarmpy._faults.ledger import MOST_HISTORY, Entry, Ledger, Page, Past

FREEZE = sp.Fault("freeze", node="w1").to_json()


def test_what_is_taken_off_is_past_and_ended_no_later_than_it_was_to() -> None:
    now = time.time_ns()
    page = Page(2, [Entry(1, FREEZE, now - 9_000, now - 5_000), Entry(2, FREEZE, now - 8_000, None)])
    first = page.take(1)
    assert first is not None and first.value == sp.Fault("freeze", node="w1")
    assert page.past == [Past(FREEZE, now - 9_000, now - 5_000)] and [one.number for one in page.active] == [
        2
    ]
    assert page.take(1) is None and len(page.past) == 1, "somebody else took it"
    assert page.take(2) is not None and now <= page.past[1].ended <= time.time_ns()


def test_what_is_left_of_one() -> None:
    now = time.time_ns()
    assert Entry(1, FREEZE, now, None).left is None
    assert Entry(1, FREEZE, now, now - 1).left == 0.0
    assert Entry(1, FREEZE, now, now + 3 * 10**9).left == pytest.approx(3, abs=0.5)


def test_the_oldest_past_is_forgotten() -> None:
    page = Page(past=[Past(FREEZE, n, n) for n in range(MOST_HISTORY)], active=[Entry(1, FREEZE, 7, 8)])
    page.take(1)
    assert len(page.past) == MOST_HISTORY
    assert page.past[0].began == 1 and page.past[-1] == Past(FREEZE, 7, 8)


def test_a_block_that_fails_changes_nothing(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    with ledger.page() as page:
        page.last, page.active = 1, [Entry(1, FREEZE, 1, None, told={"w1": 4})]
    with pytest.raises(KeyError), ledger.page() as page:
        page.active.clear()
        raise KeyError
    again = ledger.read()
    assert (again.last, again.active) == (1, [Entry(1, FREEZE, 1, None, told={"w1": 4})])


def test_no_change_is_lost_between_many(tmp_path: Path) -> None:
    def add() -> None:
        for _ in range(20):
            with Ledger(tmp_path).page() as page:
                page.last += 1
                page.active.append(Entry(page.last, FREEZE, 1))

    threads = [threading.Thread(target=add) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    page = Ledger(tmp_path).read()
    assert page.last == 80 and [one.number for one in page.active] == list(range(1, 81))
