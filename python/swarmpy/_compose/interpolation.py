"""Variables in compose files: `$NAME`, `${NAME}`, `${NAME:-default}`, `${NAME?what is missing}`, `$$`.

By the rules of Docker's CLI (docker/cli: cli/compose/template and cli/compose/interpolation): names are
letters, digits and underscores; a variable that is not there is empty; keys are left alone. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from swarmpy.errors import InvalidArgument

_INSIDE = r"[_a-z][_a-z0-9]*(?::?[-?][^}]*)?"
_VARIABLE = re.compile(
    rf"\$(?:(?P<dollar>\$)|(?P<plain>{_INSIDE})|\{{(?P<braced>{_INSIDE})\}}|(?P<wrong>))", re.IGNORECASE
)


class _Missing(Exception):
    """A variable that must be there is not."""


def filled(value: Any, environment: Mapping[str, str], where: str = "") -> Any:
    """A copy of a document with its variables filled in. Raises `InvalidArgument` for a wrong one and for one
    that is required and missing.
    """
    if isinstance(value, dict):
        below = f"{where}." if where else ""
        return {key: filled(one, environment, f"{below}{key}") for key, one in value.items()}
    if isinstance(value, list):
        return [filled(one, environment, f"{where}.[]") for one in value]
    if not isinstance(value, str) or "$" not in value:
        return value
    try:
        return _VARIABLE.sub(lambda found: _replacement(found, environment), value)
    except _Missing as error:
        raise InvalidArgument(f"invalid interpolation format for {where}: {error}") from None
    except ValueError:
        why = f'"{value}"; you may need to escape any $ with another $'
        raise InvalidArgument(f"invalid interpolation format for {where}: {why}") from None


def _replacement(found: re.Match[str], environment: Mapping[str, str]) -> str:
    if found["dollar"]:
        return "$"
    inside = found["plain"] or found["braced"]
    if not inside:
        raise ValueError(found.string)
    for separator in (":-", "-", ":?", "?"):  # in this order, as Docker's CLI tries them
        name, here, rest = inside.partition(separator)
        if not here:
            continue
        value = environment.get(name)
        if value or (value is not None and ":" not in separator):
            return value
        if "?" in separator:
            raise _Missing(f"required variable {name} is missing a value: {rest}")
        return rest
    return environment.get(inside, "")
