"""Requests as values: counts and percentiles, by hand."""

from __future__ import annotations

import pytest

import swarmpy as sp
from swarmpy.requests import Request, from_core, of_list


def took(*spans: float, failed: int = 0) -> sp.requests.Requests:
    good = [Request(float(n), "m1", "web.1", "", span, 200, 8080) for n, span in enumerate(spans)]
    bad = [Request(0.0, "m1", "", "connection refused", 99.0, 0, 8080)] * failed
    return of_list([*bad, *good])


@pytest.mark.parametrize(
    ("count", "p50", "p99"),
    [
        (1, 1, 1),
        (2, 1, 2),
        (3, 2, 3),
        (4, 2, 4),
        (99, 50, 99),
        (100, 50, 99),
        (101, 51, 100),
        (700, 350, 693),
    ],
)
def test_percentiles_are_spans_that_were_measured(count: int, p50: int, p99: int) -> None:
    requests = took(*(float(n) for n in range(count, 0, -1)))
    assert (requests.p50, requests.p99) == (p50, p99)
    for percent, span in ((50, requests.p50), (99, requests.p99)):
        within = sum(one.took <= span for one in requests)
        less = sum(one.took < span for one in requests)
        assert within * 100 >= percent * count > less * 100, "so many of a hundred, and no fewer would do"


def test_those_that_failed_are_counted_and_not_timed() -> None:
    requests = took(0.1, 0.2, 0.3, failed=2)
    assert (len(requests), requests.ok, requests.failed) == (5, 3, 2)
    assert requests.p99 == 0.3 and requests.p50 == 0.2
    assert "5 requests: 3 ok, 2 failed" in repr(requests)
    nothing = took(failed=3)
    assert (nothing.ok, nothing.failed, nothing.p50, nothing.p99) == (0, 3, 0.0, 0.0)
    assert of_list([]).p99 == 0.0 and not of_list([])


def test_the_engines_row_is_in_nanoseconds() -> None:
    one = from_core((1_500_000_000, 1_750_000_000, "m1", 8080, 200, "web.2", "w1", "", 7))
    assert one == Request(1.5, "m1", "web.2", "", 0.25, 200, 8080, "w1") and one.ok
