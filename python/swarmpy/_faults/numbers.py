"""Numbers of faults as whole numbers: ratios in millionths, factors in billionths, spans in nanoseconds."""

from __future__ import annotations

import math
import numbers
import re
from datetime import timedelta
from fractions import Fraction

_SECOND = 10**9
_UNITS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "μs": 1_000,
    "ms": 1_000_000,
    "s": _SECOND,
    "m": 60 * _SECOND,
    "h": 3600 * _SECOND,
}
_PART = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)")
_TEXT = re.compile(rf"[+-]?(?:0|(?:{_PART.pattern})+)")
_DECIMAL = re.compile(r"(-?)([0-9]+)(?:\.([0-9]+))?")


def span(value: object) -> int | None:
    """Nanoseconds, negative ones too; None for what is no span of time."""
    if isinstance(value, timedelta):
        return value // timedelta(microseconds=1) * 1000
    if isinstance(value, numbers.Real) and not isinstance(value, bool):
        return scaled(value, 9)
    if not isinstance(value, str) or not _TEXT.fullmatch(value):
        return None
    parts = _PART.findall(value)
    total = int(sum((Fraction(number) * _UNITS[unit] for number, unit in parts), Fraction(0)))
    return -total if value.startswith("-") else total


def span_text(ns: int) -> str:
    """As Go writes it: `1.5s`, `1m30s`, `80ms`; `span(span_text(ns)) == ns`."""
    if ns < 0:
        return "-" + span_text(-ns)
    for below, unit, name in ((1_000, 1, "ns"), (1_000_000, 1_000, "us"), (_SECOND, 1_000_000, "ms")):
        if 0 < ns < below:
            return _in_units(ns, unit) + name
    minutes, rest = divmod(ns, 60 * _SECOND)
    hours, minutes = divmod(minutes, 60)
    text = f"{hours}h" if hours else ""
    text += f"{minutes}m" if hours or minutes else ""
    return text + _in_units(rest, _SECOND) + "s"


def scaled(value: object, places: int) -> int | None:
    """`value` in units of its last place; None for what is no number, or finer than that."""
    if isinstance(value, str):
        return _parse(value, places)
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return None
    if isinstance(value, int | Fraction):
        exact = Fraction(value) * 10**places
        return int(exact) if exact.denominator == 1 else None
    real = float(value) * 10**places
    if not math.isfinite(real):
        return None
    found = round(real)
    return found if found or not real else None  # what is not 0 does not become 0


def decimal(value: int, places: int) -> str:
    """`50_000` with 6 places is `0.05`."""
    if value < 0:
        return "-" + decimal(-value, places)
    return _in_units(value, 10**places)


def _in_units(value: int, unit: int) -> str:
    whole, rest = divmod(value, unit)
    if not rest:
        return str(whole)
    return f"{whole}.{str(rest).zfill(len(str(unit)) - 1).rstrip('0')}"


def _parse(text: str, places: int) -> int | None:
    found = _DECIMAL.fullmatch(text)
    if found is None or (found[3] or "")[places:].strip("0"):
        return None
    value = int(found[2] + (found[3] or "")[:places].ljust(places, "0"))
    return -value if found[1] else value
