"""Plain values that users give: whole numbers, and names of machines and clusters."""

from __future__ import annotations

import operator
import re

from swarmpy.errors import InvalidArgument

NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,31}")
NAME_RULE = "use up to 32 letters, digits, dots, dashes and underscores, a letter or digit first"


def whole(**values: object) -> None:
    """Raises `InvalidArgument` for the first that is no whole number (numpy's are)."""
    for what, value in values.items():
        try:
            operator.index(value)  # type: ignore[arg-type]
        except TypeError:
            raise InvalidArgument(f"{what} is a whole number, not {value!r}") from None


def check_name(name: str, what: str) -> str:
    if not NAME.fullmatch(name):
        raise InvalidArgument(f'"{name}" is no name for a {what}', hint=NAME_RULE)
    return name
