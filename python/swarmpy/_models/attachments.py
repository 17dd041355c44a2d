"""What a service is said to be attached to: names, ids, networks, docker's long text, or the API's own words.

Pure: whether there is such a network, and what its id is, `resolved` asks of its caller.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from swarmpy.errors import InvalidArgument

HINT = (
    'Write "front", "name=front,alias=web", a Network, or {"target": "front", "aliases": ["web"]}; '
    "one or a list."
)
_KEYS = {"target": "Target", "aliases": "Aliases", "driver_opts": "DriverOpts"}


def attachments(value: object) -> list[dict[str, Any]]:
    """The API's NetworkAttachmentConfig of each: `{"Target": "front", "Aliases": ["web"]}`. A target is still
    what the caller wrote. Raises `InvalidArgument` for what is none.
    """
    is_one = isinstance(value, str | Mapping) or not isinstance(value, Sequence)
    return [_attachment(one) for one in ([value] if is_one else value)]  # type: ignore[attr-defined]


def resolved(value: object, id_of: Callable[[str], str]) -> list[dict[str, Any]]:
    """As `attachments`, with ids, by id as docker's CLI sends them: their order is no change."""
    found = [{**one, "Target": id_of(one["Target"])} for one in attachments(value)]
    return sorted(found, key=lambda one: str(one["Target"]))


def changed(
    present: Sequence[Mapping[str, Any]],
    add: Sequence[Mapping[str, Any]],
    remove: Sequence[Mapping[str, Any]],
) -> list[dict[str, Any]]:
    """What `docker service update --network-rm ... --network-add ...` makes of those that there are. All
    targets are ids. Raises `InvalidArgument` for one that is added twice; to remove what is not there is no
    error (both as docker's CLI).
    """
    away = {one["Target"] for one in remove}
    kept = [dict(one) for one in present if one["Target"] not in away]
    there = {one["Target"] for one in kept}
    for one in add:
        if one["Target"] in there:
            raise InvalidArgument(f"service is already attached to network {one['Target']}")
        there.add(one["Target"])
    return sorted([*kept, *(dict(one) for one in add)], key=lambda one: str(one["Target"]))


def _attachment(one: object) -> dict[str, Any]:
    if isinstance(one, str) and "=" in one:
        return _long_text(one)
    if isinstance(one, str) and one:
        return {"Target": one}
    if isinstance(one, Mapping):
        return _mapping(one)
    network_id = getattr(one, "id", None)
    if isinstance(network_id, str) and hasattr(one, "subnets"):
        return {"Target": network_id}
    raise _wrong(one)


def _mapping(words: Mapping[str, Any]) -> dict[str, Any]:
    said = {_KEYS.get(key, key): value for key, value in words.items()}
    target = said.get("Target")
    said["Target"] = getattr(target, "id", target)
    aliases = said.get("Aliases")
    if isinstance(aliases, str):
        said["Aliases"] = [aliases]
    if set(said) - set(_KEYS.values()) or not isinstance(said["Target"], str):
        raise _wrong(words)
    return {key: value for key, value in said.items() if value}


def _long_text(words: str) -> dict[str, Any]:
    """As docker's `--network name=front,alias=web,driver-opt=key=value` says it."""
    made: dict[str, Any] = {}
    for word in words.split(","):
        key, _, value = word.partition("=")
        if key == "name":
            made["Target"] = value
        elif key == "alias":
            made.setdefault("Aliases", []).append(value)
        elif key == "driver-opt" and "=" in value:
            name, _, setting = value.partition("=")
            made.setdefault("DriverOpts", {})[name] = setting
        else:
            raise _wrong(words)
    if not made.get("Target"):
        raise _wrong(words)
    return made


def _wrong(one: object) -> InvalidArgument:
    return InvalidArgument(f"not a network of a service: {one!r}", hint=HINT)
