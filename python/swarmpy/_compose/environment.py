"""A service's variables: `environment`, and the files that `env_file` names.

By the rules of Docker's CLI (docker/cli: cli/compose/loader, opts/envfile): `environment` goes before files;
a variable without a value has the one of the client's own environment.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from swarmpy._compose import values
from swarmpy.errors import InvalidArgument


def entries(where: str, service: Mapping[str, Any], folder: Path, own: Mapping[str, str]) -> list[str]:
    """`K=V`, or `K` alone, in order. `folder`: what file names are relative to; `own`: the client's own
    variables.
    """
    found: dict[str, str | None] = {}
    for name in values.texts(f"{where}.env_file", service.get("env_file")):
        found |= _with_own(dict(_of_file(folder / name, own)), own)
    found |= _with_own(values.pairs(f"{where}.environment", service.get("environment")), own)
    return sorted(key if value is None else f"{key}={value}" for key, value in found.items())


def _with_own(said: Mapping[str, str | None], own: Mapping[str, str]) -> dict[str, str | None]:
    return {key: value or own.get(key, value) for key, value in said.items()}


def _of_file(path: Path, own: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        raise InvalidArgument(f"open {path}: {why.lower()}") from None
    for line in lines:
        key, sign, value = line.lstrip().partition("=")
        if not key or key.startswith("#"):
            continue
        if sign and any(letter.isspace() for letter in key):
            raise InvalidArgument(f"invalid env file ({path}): variable '{key}' contains whitespaces")
        if sign:
            yield key, value
        elif key.strip() in own:
            yield key.strip(), own[key.strip()]
