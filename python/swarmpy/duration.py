"""Spans of time as people write them: `5`, `0.5`, `"3s"`, `"500ms"`, `"1m30s"` or a `timedelta`.

Numbers are seconds. Text is Go's notation, the one that docker's flags use. Inside swarmpy a span is a float
of seconds; the API wants whole nanoseconds.
"""

from __future__ import annotations

import math
import numbers
import re
from datetime import timedelta
from typing import TypeAlias

from swarmpy.errors import InvalidArgument

DurationLike: TypeAlias = int | float | str | timedelta

_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)")


def seconds(value: DurationLike) -> float:
    """`value` in seconds. Raises `InvalidArgument` for text that is no duration and for what is negative."""
    found = _seconds(value)
    if found is None or not found >= 0:
        raise InvalidArgument(
            f"not a duration: {value!r}",
            hint='Write seconds (3, 0.5) or text such as "3s", "500ms", "1m30s".',
        )
    return found


def nanoseconds(value: DurationLike) -> int:
    """`value` in whole nanoseconds, as the API takes it."""
    span = seconds(value)
    if math.isinf(span):
        raise InvalidArgument("the swarm takes no time without end", hint="Say how long: 3, 60.")
    return round(span * 1e9)


def text(span: float) -> str:
    """Seconds for people: `850ms`, `3.2s`, `2m05s`."""
    if span < 1:
        return f"{span * 1000:.0f}ms"
    if span < 60:
        return f"{span:.1f}s"
    minutes, rest = divmod(round(span), 60)
    return f"{minutes}m{rest:02d}s"


def _seconds(value: DurationLike) -> float | None:
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, numbers.Real) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, str):
        return None
    parts = _PART.findall(value)
    if not parts or "".join(number + unit for number, unit in parts) != value.strip():
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in parts)
