"""Amounts as docker's flags write them: memory `"512m"`, `"8g"`; CPUs `0.5`."""

from __future__ import annotations

import numbers
import re

from swarmpy.errors import InvalidArgument

_UNITS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([bkmgt]?)(?:i?b)?", re.IGNORECASE)


def memory_bytes(value: int | str) -> int:
    """Bytes. Text is a number with b, k, m, g or t behind it, in powers of 1024."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    found = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    if not found:
        raise InvalidArgument(f"not an amount of memory: {value!r}", hint='Write bytes, or "512m", "8g".')
    return int(float(found[1]) * _UNITS[found[2].lower()])


def nano_cpus(value: float) -> int:
    """Billionths of a CPU, the API's unit."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not 0 <= value < float("inf"):
        raise InvalidArgument(f"not a number of CPUs: {value!r}", hint="Write 2, or 0.5.")
    return round(float(value) * 1e9)
