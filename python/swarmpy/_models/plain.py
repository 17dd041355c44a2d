"""Plain values that users give and see: whole numbers, names of machines and clusters, addresses."""

from __future__ import annotations

import operator
import re
from collections.abc import Iterable
from typing import TypeVar

from swarmpy.errors import InvalidArgument

NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,31}")
NAME_RULE = "use up to 32 letters, digits, dots, dashes and underscores, a letter or digit first"
# What the nodes of a local cluster have addresses of. The first is the default.
LOOPBACK, NAMESPACES, AUTO = NETS = ("loopback", "namespaces", "auto")


T = TypeVar("T")


def in_order(values: Iterable[T]) -> list[T]:
    """As they are given; of a set, which has another order in each process, by their names."""
    return sorted(values, key=_sort_key) if isinstance(values, set | frozenset) else list(values)


def _sort_key(value: object) -> str:
    if isinstance(value, set | frozenset):
        return str(sorted(map(_sort_key, value)))
    return str(getattr(value, "name", value))


def whole(what: str, value: object, *, least: int | None = 0, most: int | None = None, hint: str = "") -> int:
    """The whole number that it is (numpy's too, not True or False). Raises `InvalidArgument` for what is
    none, and for one that is too small or too large.
    """
    try:
        if isinstance(value, bool):
            raise TypeError
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise InvalidArgument(
            f"{what} is a whole number, not {value!r}", hint=_plainer(what, value) or hint
        ) from None
    if least is not None and number < least:
        why = "cannot be negative: it is 0 or more" if least == 0 else f"is at least {least}"
        raise InvalidArgument(f"{what} {why}, not {number}", hint=hint)
    if most is not None and number > most:
        raise InvalidArgument(f"{what} is at most {most}, not {number}", hint=hint)
    return number


def _plainer(what: str, value: object) -> str:
    """How the number is written that was probably meant."""
    if isinstance(value, bool) or not isinstance(value, str | float):
        return ""
    try:
        number = int(value)
    except (ValueError, OverflowError):
        return ""
    return f"Write {what}={number}." if isinstance(value, str) or number == value else ""


def check_name(name: str, what: str) -> str:
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise InvalidArgument(f'"{name}" is no name for a {what}', hint=NAME_RULE)
    return name


def plain_address(address: str) -> str:
    """`10.0.1.3` of `10.0.1.3/24`: the network says how long its prefix is."""
    return address.partition("/")[0]
