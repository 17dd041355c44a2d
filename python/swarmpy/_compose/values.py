"""Single values of a compose file, read as Docker's CLI reads them (docker/cli: cli/compose/loader). Each
reader is given where the value stands, `services.web.deploy.replicas`, for its errors. Pure.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from swarmpy import duration
from swarmpy._models import sizes
from swarmpy.errors import InvalidArgument

_EXPONENT_FROM = 6
_TRUTHS = dict.fromkeys(("y", "yes", "true", "on"), True) | dict.fromkeys(("n", "no", "false", "off"), False)


def omit_empty(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Without what Go leaves out of JSON: nothing, 0, False, and what is empty."""
    return {key: value for key, value in fields.items() if value}


def omit_none(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Without what was not said; 0 and False stay."""
    return {key: value for key, value in fields.items() if value is not None}


def text(where: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    raise InvalidArgument(f"{where} must be a string")


def truth(where: str, value: Any) -> bool:
    """Also a word that a variable was filled in with."""
    if value is None or isinstance(value, bool):
        return bool(value)
    known = _TRUTHS.get(str(value).lower())
    if known is None:
        raise InvalidArgument(f"{where} must be a boolean")
    return known


def whole(where: str, value: Any) -> int | None:
    """Also digits that a variable was filled in with."""
    if isinstance(value, str) and value.removeprefix("-").isdigit():
        return int(value)
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise InvalidArgument(f"{where} must be a integer")


def ratio(where: str, value: Any) -> float:
    try:
        return float(value or 0)
    except (TypeError, ValueError):
        raise InvalidArgument(f"{where} must be a number") from None


def span(where: str, value: Any) -> int | None:
    """Nanoseconds; None when nothing was said."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise InvalidArgument(f"{where} must be a string", hint=f'Say with its unit how long: "{value}s".')
    return 0 if value == "0" else _at(where, duration.nanoseconds, value)


def memory(where: str, value: Any) -> int:
    """Bytes."""
    return 0 if value is None else _at(where, sizes.memory_bytes, value)


def nano_cpus(where: str, value: Any) -> int:
    """Billionths of a CPU."""
    try:
        nano = Fraction(str(value or 0)) * 10**9
    except (ValueError, ZeroDivisionError):
        raise InvalidArgument(f"{where}: not a number of CPUs: {value!r}", hint='Write "0.5".') from None
    if nano.denominator != 1 or nano < 0:
        raise InvalidArgument(f"{where}: {value} is too precise, or negative, for a number of CPUs")
    return int(nano)


def texts(where: str, value: Any) -> list[str]:
    """A list of texts; one text is a list of one."""
    if value is None:
        return []
    found = [value] if isinstance(value, str) else value
    if not isinstance(found, Sequence) or not all(isinstance(one, str) for one in found):
        raise InvalidArgument(f"{where} must be a list of strings")
    return list(found)


def words(where: str, value: Any) -> list[str]:
    """A command: one text is split as a shell would."""
    return shlex.split(value) if isinstance(value, str) else texts(where, value)


def pairs(where: str, value: Any, *, sign: str = "=") -> dict[str, str | None]:
    """A mapping, or a list of `key=value`; None where a key stands alone."""
    if value is None:
        return {}
    if isinstance(value, Mapping):
        return {key: _scalar(f"{where}.{key}", one) for key, one in value.items()}
    split = [one.partition(sign) for one in texts(where, value)]
    return {key: rest if found else None for key, found, rest in split}


def labels(where: str, value: Any) -> dict[str, str]:
    """As `pairs`; a key alone is one with an empty value."""
    return {key: one or "" for key, one in pairs(where, value).items()}


def _scalar(where: str, value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        hint = f'Write it in quotes: "{str(value).lower()}".'
        raise InvalidArgument(f"{where} must be a string, number or null", hint=hint)
    return str(value) if isinstance(value, int) else _as_go_prints(value)


def _as_go_prints(value: float) -> str:
    """The shortest digits, with an exponent from 10^6 and below 10^-4 on: Go's %v."""
    number = Decimal(repr(value)).normalize()
    if not number.is_finite() or -4 <= number.adjusted() < _EXPONENT_FROM:
        return f"{number:f}"
    digits = "".join(map(str, number.as_tuple().digits))
    sign, point = "-" if value < 0 else "", "." if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{point}{digits[1:]}e{number.adjusted():+03d}"


def _at(where: str, read: Any, value: Any) -> int:
    try:
        found: int = read(value)
    except InvalidArgument as error:
        raise InvalidArgument(f"{where}: {error.message}", hint=error.hint) from None
    return found
