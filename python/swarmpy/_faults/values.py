"""Arguments of a fault: read from what users, JSON and text give, checked, and shown again.

Kept as whole numbers (`numbers`), names as tuples; what is as it would be anyway is not kept, so that one
fault has one form. Pure.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from swarmpy._faults import numbers, words
from swarmpy._faults.words import Parameter, Type
from swarmpy._models.nearest import check_word, did_you_mean
from swarmpy._models.plain import in_order, whole
from swarmpy.errors import InvalidArgument

Values = dict[str, Any]


def check_kind(kind: object) -> str:
    word = kind.replace("-", "_") if isinstance(kind, str) else kind
    check_word("fault", word, words.KINDS)
    return str(word)


def read(kind: str, given: Mapping[str, object]) -> Values:
    """What `given` says, in the order of the table. Raises `InvalidArgument`."""
    known = [one.key for one in words.KINDS[kind]]
    for key in given:
        if key not in known:
            hint = did_you_mean(key, [*known, "at", "for"])
            raise InvalidArgument(f"there is no argument of {kind} {key!r}", hint=hint)
    found: Values = {}
    for one in words.KINDS[kind]:
        if given.get(one.key) is not None:
            _keep(found, one, _value(kind, one, given[one.key]))
        elif one.required:
            raise InvalidArgument(f"{kind}: it wants {one.key}", hint=_example(kind))
    _check(kind, found)
    return found


def read_time(kind: str, key: str, value: object) -> int | None:
    """`at` and `for`, in ns."""
    if value is None:
        return None
    ns = numbers.span(value)
    if ns is None:
        raise InvalidArgument(f"{kind}: {key} wants {Type.SPAN}, not {value!r}")
    if key == "for" and kind in words.MOMENTARY:
        raise InvalidArgument(f"{kind}: it happens at once", hint="Leave out for_.")
    least = 0 if key == "at" else 1
    if not least <= ns <= words.YEAR:
        rule = "0s or more" if key == "at" else "more than 0s"
        raise InvalidArgument(f"{kind}: {key} is {numbers.span_text(ns)}; it may be {rule}, up to a year")
    return ns


def shown(kind: str, key: str, value: Any) -> Any:
    """A kept value for people and for JSON: `"80ms"`, `0.05`, lists of names."""
    one = words.parameter(kind, key)
    kind_of = one.type if one else Type.NAME
    if kind_of is Type.SPAN:
        return numbers.span_text(value)
    if kind_of in (Type.RATIO, Type.FACTOR):
        return float(numbers.decimal(value, _places(kind_of)))
    if kind_of is Type.NAMES:
        return list(value)
    return [list(group) for group in value] if kind_of is Type.GROUPS else value


def json_text(kind: str, key: str, value: Any) -> str:
    """As `shown`, in JSON, exactly."""
    one = words.parameter(kind, key)
    if one and one.type in (Type.RATIO, Type.FACTOR):
        return numbers.decimal(value, _places(one.type))
    return json.dumps(shown(kind, key, value), ensure_ascii=False)


def _places(kind: Type) -> int:
    return 6 if kind is Type.RATIO else 9


def _keep(found: Values, one: Parameter, value: Any) -> None:
    if one.type is Type.FLAG and value == one.default:
        return
    if one.type is Type.GROUPS and len(value) == 1 and len(value[0]) == 1:
        found["of"] = value[0][0]
    else:
        found[one.key] = value


def _value(kind: str, one: Parameter, given: object) -> Any:
    value = _read_as(one.type, given)
    if value is None:
        raise InvalidArgument(f"{kind}: {one.key} wants {one.type}, not {given!r}", hint=_example(kind))
    if one.type in (Type.COUNT, Type.SPAN, Type.RATIO, Type.FACTOR):
        _check_bounds(kind, one, value)
    for name in _names_in(one.type, value):
        if not name:
            raise InvalidArgument(f"{kind}: a name in {one.key} is empty")
        if any(letter < " " for letter in name):
            raise InvalidArgument(f"{kind}: a name in {one.key} has a control character")
    return value


def _read_as(kind: Type, given: object) -> Any:
    if kind is Type.FLAG:
        return given if isinstance(given, bool) else None
    if kind is Type.COUNT:
        try:
            return whole("", given, least=None)
        except InvalidArgument:
            return None
    if kind is Type.SPAN:
        return numbers.span(given)
    if kind in (Type.RATIO, Type.FACTOR):
        return numbers.scaled(given, _places(kind))
    if kind is Type.NAME:
        return _name(given)
    if kind is Type.NAMES:
        return _names(given)
    if kind is Type.GROUPS:
        return _groups(given)
    good = isinstance(given, Mapping) and all(
        isinstance(word, str) for pair in given.items() for word in pair
    )
    return dict(sorted(given.items())) if good and isinstance(given, Mapping) else None


def _name(given: object) -> str | None:
    """A name; a Node, a Task or whatever has one stands for it."""
    name = given if isinstance(given, str) else getattr(given, "name", None)
    return name if isinstance(name, str) else None


def _names(given: object) -> tuple[str, ...] | None:
    if _name(given) is not None:
        return (str(_name(given)),)
    if not isinstance(given, Iterable) or isinstance(given, str | bytes | Mapping):
        return None
    names = [_name(one) for one in in_order(given)]
    return None if not names or None in names else tuple(name for name in names if name is not None)


def _groups(given: object) -> tuple[tuple[str, ...], ...] | None:
    if not isinstance(given, Iterable) or isinstance(given, str | bytes | Mapping):
        return None
    groups = [_names(group) for group in in_order(given)]
    return None if not groups or None in groups else tuple(group for group in groups if group is not None)


def _names_in(kind: Type, value: Any) -> list[str]:
    if kind is Type.NAME:
        return [value]
    if kind is Type.NAMES:
        return list(value)
    return [name for group in value for name in group] if kind is Type.GROUPS else []


def _check_bounds(kind: str, one: Parameter, value: int) -> None:
    if one.least <= value <= one.most:
        return

    def said(number: int) -> str:
        if one.type is Type.SPAN:
            return numbers.span_text(number)
        return str(number) if one.type is Type.COUNT else numbers.decimal(number, _places(one.type))

    upto = " and more" if one.most == words.MOST else f" to {said(one.most)}"
    raise InvalidArgument(f"{kind}: {one.key} is {said(value)}; it may be {said(one.least)}{upto}")


# ---- what must hold among the arguments


def _check(kind: str, found: Values) -> None:
    if kind == "partition":
        _check_partition(found)
    elif kind in words.LINKS:
        _check_link(kind, found)
    elif kind == "disk":
        _check_disk(found)
    elif kind == "clock" and len(found) < 2:
        raise InvalidArgument("clock: it wants at least one of skew, drift, jump", hint=_example(kind))


def _check_partition(found: Values) -> None:
    groups = found.get("groups")
    if (groups is None) == ("of" not in found):
        raise InvalidArgument(
            'partition: it wants either groups ([["m1"], ["m2", "m3"]]) or one of "leader", "minority" or a '
            "node",
        )
    placed: set[str] = set()
    for name in (name for group in groups or () for name in group):
        if name == "minority":
            raise InvalidArgument('partition: "minority" stands alone', hint='Say partition("minority").')
        if name in placed:
            raise InvalidArgument(f"partition: {name} is on two sides")
        placed.add(name)
    if found.get("one_way") and len(groups or ()) > 2:
        raise InvalidArgument(
            "partition: one_way is between two groups: what the first says does not reach the second"
        )


def _check_link(kind: str, found: Values) -> None:
    source, target = found["from"], found["to"]
    if len(source) == 1 and source == target != ("*",):
        raise InvalidArgument(f"{kind}: {source[0]} is on both ends of the link")
    if any(len(end) > 1 and "*" in end for end in (source, target)):
        raise InvalidArgument(f'{kind}: "*" (all others) stands alone')
    if kind == "net" and not found.keys() - {"from", "to", "both"}:
        raise InvalidArgument(
            "net: it wants at least one of latency, jitter, loss, duplicate, reorder", hint=_example(kind)
        )


def _check_disk(found: Values) -> None:
    if len(found) < 2:
        raise InvalidArgument(
            "disk: it wants at least one of fsync_delay, full, errors, lost_tail, flip, torn, old_copy, "
            "altered",
            hint=_example("disk"),
        )
    if "after" in found and "errors" not in found:
        raise InvalidArgument("disk: after counts operations until the first of errors: it wants errors")
    errors = found.get("errors")
    if errors is None:
        return
    if not errors:
        raise InvalidArgument("disk: errors is empty", hint=_example("disk"))
    for operation, error in errors.items():
        check_word("operation of a disk", operation, words.DISK_OPERATIONS)
        check_word("error of a disk", error, words.DISK_ERRORS)


_EXAMPLES = {
    "partition": 'c.faults.partition("leader")',
    "cut": 'c.faults.cut("m1", "m2")',
    "net": 'c.faults.net(between=("m1", "*"), latency="80ms")',
    "hold": 'c.faults.hold("m1", "m2")',
    "throttle": 'c.faults.throttle("w1", factor=10)',
    "disk": 'c.faults.disk("m2", fsync_delay="500ms")',
    "clock": 'c.faults.clock("m3", skew="5s")',
    "port": 'c.faults.port("w1", 8080)',
    "image": 'c.faults.image("web:2", exit_code=1, after="1s")',
    "kill_task": "c.faults.kill(web.tasks[0])",
}


def _example(kind: str) -> str:
    other = f'c.faults.{kind}("w1")'
    return f"For example: {_EXAMPLES.get(kind, other)}."
