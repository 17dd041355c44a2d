"""Amounts as docker's flags write them: memory `"512m"`, `"8g"`; CPUs `0.5`."""

from __future__ import annotations

import numbers
import re
from fractions import Fraction

from swarmpy.errors import InvalidArgument

_UNITS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_TOO_MUCH = 1 << 63  # the API counts in signed 64 bits
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([bkmgt]?)(?:i?b)?", re.IGNORECASE)


def memory_bytes(value: int | str) -> int:
    """Bytes. Text is a number with b, k, m, g or t behind it, in powers of 1024."""
    found = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    if not found and (not isinstance(value, int) or isinstance(value, bool)):
        raise InvalidArgument(f"not an amount of memory: {value!r}", hint='Write bytes, or "512m", "8g".')
    amount = int(Fraction(found[1]) * _UNITS[found[2].lower()]) if found else int(value)
    if amount < 0:
        raise InvalidArgument(f"not an amount of memory: {value!r}", hint='Write bytes, or "512m", "8g".')
    if amount >= _TOO_MUCH:
        raise InvalidArgument(f"an amount of memory is less than 2^63 bytes, not {value!r}")
    return amount


def nano_cpus(value: float) -> int:
    """Billionths of a CPU, the API's unit."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not 0 <= value * 1e9 < _TOO_MUCH:
        raise InvalidArgument(f"not a number of CPUs: {value!r}", hint="Write 2, or 0.5.")
    return round(float(value) * 1e9)
