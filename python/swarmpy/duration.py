"""Spans of time as people write them: `5`, `0.5`, `"3s"`, `"500ms"`, `"1m30s"` or a `timedelta`.

Numbers are seconds. Text is Go's notation, the one that docker's flags use. Inside swarmpy a span is a float
of seconds; the API wants whole nanoseconds, of which it can count 2^63 - 1: some 292 years, `LONGEST`. That
has no word for `float("inf")`, which is for waits.
"""

from __future__ import annotations

import math
import numbers
import re
from datetime import timedelta
from fractions import Fraction
from functools import lru_cache
from typing import TypeAlias

from swarmpy.errors import InvalidArgument

DurationLike: TypeAlias = int | float | str | timedelta

LONGEST = "2562047h47m16.854775807s"

_MOST_NS = 2**63 - 1
_SECOND = 1_000_000_000
_UNITS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "ms": 1_000_000,
    "s": _SECOND,
    "m": 60 * _SECOND,
    "h": 3600 * _SECOND,
}
_PART = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|µs|ms|s|m|h)")
_TEXT = re.compile(rf"(?:{_PART.pattern})+")


def seconds(value: DurationLike) -> float:
    """`value` in seconds. Raises `InvalidArgument` for what is no duration, negative, or longer than
    `LONGEST`.
    """
    if value == math.inf:
        return math.inf
    whole = nanoseconds(value)
    return float(value) if isinstance(value, numbers.Real) else whole / _SECOND


def finite_seconds(value: DurationLike) -> float:
    """`value` in seconds. Raises as `seconds` does, and for a time without end: nothing can pass it."""
    nanoseconds(value)
    return seconds(value)


def nanoseconds(value: DurationLike) -> int:
    """`value` in whole nanoseconds, as the API takes it. Text is exact. Raises as `seconds` does."""
    if value == math.inf:
        raise InvalidArgument(
            "the swarm takes no time without end", hint=f"Say how long: 3, 60, or {LONGEST} at most."
        )
    found = _nanoseconds(value)
    if found is None or found < 0:
        raise InvalidArgument(
            f"not a duration: {value!r}",
            hint='Write seconds (3, 0.5) or text such as "3s", "500ms", "1m30s".',
        )
    # A float this large has no room for single nanoseconds: the longest one reads as one more.
    most = _MOST_NS + 1 if isinstance(value, float) else _MOST_NS
    if found > most:
        raise InvalidArgument(
            f"a duration is at most {LONGEST}, not {value!r}",
            hint="That is some 292 years: practically never.",
        )
    return min(round(found), _MOST_NS)


def text(span: float) -> str:
    """Seconds for people: `850ms`, `3.2s`, `2m05s`."""
    if span < 1:
        return f"{span * 1000:.0f}ms"
    if span < 60:
        return f"{span:.1f}s"
    minutes, rest = divmod(round(span), 60)
    return f"{minutes}m{rest:02d}s"


def _nanoseconds(value: object) -> Fraction | float | None:
    if isinstance(value, timedelta):
        return Fraction(value // timedelta(microseconds=1)) * 1000
    if isinstance(value, numbers.Real) and not isinstance(value, bool):
        number = value if isinstance(value, int | Fraction) else float(value)
        return None if number != number else number * _SECOND  # noqa: PLR0124 (nan is no span)
    return _of_text(value) if isinstance(value, str) else None


@lru_cache(maxsize=256)  # tests say the same few again and again
def _of_text(value: str) -> Fraction | None:
    if not _TEXT.fullmatch(value.strip()):
        return None
    parts = _PART.findall(value)
    return sum((Fraction(number) * _UNITS[unit] for number, unit in parts), Fraction(0))
