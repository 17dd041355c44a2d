"""The text form of a fault, one line: `net m1 <-> * latency 80ms loss 0.05 at 1s for 3s`.

`parse` and `write` are inverse. A word in double quotes is never a keyword. The same form as cpp/faults.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from swarmpy._faults import numbers, values, words
from swarmpy._faults.words import Parameter, Place, Type
from swarmpy._models.nearest import did_you_mean
from swarmpy.errors import InvalidArgument

_PLAIN = re.compile(r"[A-Za-z0-9_.:/@*+=,][A-Za-z0-9_.:/@*+\-=,]*")
_WORD = re.compile(r'"((?:[^"\\]|\\.)*)"|([^\s"]+)')
_MARKS = ("at", "for", "|", "->", "<->")


@dataclass(frozen=True)
class Word:
    text: str
    quoted: bool = False


@dataclass
class Parsed:
    kind: str
    given: dict[str, object]
    at: str | None = None
    lasts: str | None = None


def parse(line: str) -> Parsed:
    """What a line says, not checked yet. Raises `InvalidArgument`."""
    found = _words(line)
    if not found:
        raise InvalidArgument("an empty line is no fault", hint=did_you_mean("", words.KINDS, most=20))
    return _Reader(found[1:], values.check_kind(found[0].text)).read()


def write(kind: str, kept: Mapping[str, Any], at: int | None, lasts: int | None) -> str:
    parts = [kind, *_places(kind, kept)]
    for one in words.KINDS[kind]:
        if one.key not in kept or one.place in (Place.LINK, Place.SIDES):
            continue
        value = kept[one.key]
        if one.place is Place.KEYED:
            parts.append(_shown_key(one.key))
        if one.type is not Type.FLAG:
            parts.append(_value_text(kind, one, value))
        elif not value:
            parts.append("false")
    parts += ["at", numbers.span_text(at)] if at is not None else []
    parts += ["for", numbers.span_text(lasts)] if lasts is not None else []
    return " ".join(parts)


# ---- reading


def _words(line: str) -> list[Word]:
    found, at = [], 0
    line = line.strip()
    while at < len(line):
        if line[at].isspace():
            at += 1
            continue
        match = _WORD.match(line, at)
        if match is None:
            raise InvalidArgument(f"a quotation mark is not closed: {line}")
        quoted = match[1] is not None
        found.append(Word(re.sub(r"\\(.)", r"\1", match[1]) if quoted else match[2], quoted))
        at = match.end()
    return found


def is_keyword(word: Word, kind: str) -> bool:
    if word.quoted:
        return False
    one = words.parameter(kind, _key(word.text))
    return word.text in _MARKS or (one is not None and one.place is Place.KEYED)


def _key(text: str) -> str:
    return text.replace("-", "_")


def _shown_key(key: str) -> str:
    return "one-way" if key == "one_way" else key


class _Reader:
    def __init__(self, line: list[Word], kind: str) -> None:
        self._line, self._at, self._kind = line, 0, kind
        self._found = Parsed(kind, {})
        self._said: set[str] = set()

    def read(self) -> Parsed:
        for one in words.KINDS[self._kind]:
            if one.place is Place.WORD:
                self._by_place(one)
            elif one.place is Place.LINK and one.key == "from":
                self._link()
            elif one.place is Place.SIDES and one.key == "groups":
                self._sides()
        while not self._over():
            self._keyed()
        return self._found

    def _over(self) -> bool:
        return self._at == len(self._line)

    def _sees(self, mark: str) -> bool:
        return not self._over() and self._line[self._at] == Word(mark)

    def _take(self) -> Word:
        self._at += 1
        return self._line[self._at - 1]

    def _by_place(self, one: Parameter) -> None:
        if self._over() or is_keyword(self._line[self._at], self._kind):
            raise InvalidArgument(f"{self._kind}: it wants {one.key}", hint=self._form())
        self._found.given[one.key] = self._value(one, self._take().text)

    def _names(self) -> list[str]:
        names = []
        while not self._over() and not is_keyword(self._line[self._at], self._kind):
            names.append(self._take().text)
        return names

    def _link(self) -> None:
        source = self._names()
        both = self._sees("<->")
        if not both and not self._sees("->"):
            raise InvalidArgument(
                f"{self._kind}: it wants a link: m1 -> m2 (one way) or m1 <-> m2", hint=self._form()
            )
        self._take()
        target = self._names()
        if not source or not target:
            raise InvalidArgument(f"{self._kind}: {'to' if source else 'from'} is empty", hint=self._form())
        self._found.given.update({"from": source, "to": target, "both": both})

    def _sides(self) -> None:
        groups = [self._names()]
        while self._sees("|"):
            self._take()
            groups.append(self._names())
        if groups == [[]]:
            raise InvalidArgument(
                f"{self._kind}: it wants a node, leader, minority, or sides: m1 | m2 m3", hint=self._form()
            )
        if [] in groups:
            raise InvalidArgument(f"{self._kind}: a group is empty", hint=self._form())
        self._found.given["groups"] = groups

    def _keyed(self) -> None:
        word = self._take()
        key = "" if word.quoted else _key(word.text)
        if key in ("at", "for"):
            self._once(key, key)
            text = "" if self._over() else self._take().text
            if numbers.span(text) is None:
                raise InvalidArgument(f"{self._kind}: {key} wants a duration (80ms, 1m30s)")
            self._found.at, self._found.lasts = (
                (text, self._found.lasts) if key == "at" else (self._found.at, text)
            )
            return
        one = words.parameter(self._kind, key) if key else None
        if one is None or one.place is not Place.KEYED:
            known = [_shown_key(one.key) for one in words.KINDS[self._kind] if one.place is Place.KEYED]
            hint = did_you_mean(word.text, [*known, "at", "for"])
            raise InvalidArgument(f"there is no argument of {self._kind} {word.text!r}", hint=hint)
        self._once(key, word.text)
        if one.type is Type.FLAG:
            said = self._take().text if self._sees("true") or self._sees("false") else "true"
            self._found.given[key] = said == "true"
        elif self._over():
            raise InvalidArgument(f"{self._kind}: {key} wants a value")
        else:
            self._found.given[key] = self._value(one, self._take().text)

    def _once(self, key: str, shown: str) -> None:
        if key in self._said:
            raise InvalidArgument(f"{self._kind}: {shown} is said twice", hint=self._form())
        self._said.add(key)

    def _value(self, one: Parameter, text: str) -> object:
        if one.type is Type.COUNT:
            return int(text) if re.fullmatch("-?[0-9]+", text) else text
        if one.type is not Type.ERRORS:
            return text
        pairs = [pair.partition("=") for pair in text.split(",")]
        if not all(equals for _, equals, _ in pairs):
            raise InvalidArgument(
                f"{self._kind}: errors wants OPERATION=ERROR (write=EIO,fsync=ENOSPC), not {text}"
            )
        return {operation: error for operation, _, error in pairs}

    def _form(self) -> str:
        return f"For example: {EXAMPLES[self._kind]}."


EXAMPLES = {
    "partition": "partition leader for 5s",
    "cut": "cut m1 <-> m2",
    "net": "net m1 <-> * latency 80ms loss 0.05",
    "hold": "hold m1 -> m2 for 1s",
    "throttle": "throttle w1 factor 10",
    "disk": "disk m2 fsync_delay 500ms",
    "clock": "clock m3 skew 5s",
    "freeze": "freeze w1 for 3s",
    "power_off": "power_off m1",
    "stop": "stop w1 for 3s",
    "kill": "kill leader for 1s",
    "kill_task": "kill_task web.1",
    "port": "port w1 8080",
    "image": "image web:2 exit_code 1 after 1s",
    "transfer": "transfer",
}


# ---- writing


def _name_text(name: str, kind: str) -> str:
    if _PLAIN.fullmatch(name) and not is_keyword(Word(name), kind):
        return name
    return '"' + re.sub(r'(["\\])', r"\\\1", name) + '"'


def _joined(names: tuple[str, ...], kind: str) -> str:
    return " ".join(_name_text(name, kind) for name in names)


def _places(kind: str, kept: Mapping[str, Any]) -> list[str]:
    if kind == "partition":
        groups = kept["groups"] if "groups" in kept else ((kept["of"],),)
        return [" | ".join(_joined(group, kind) for group in groups)]
    if kind in words.LINKS:
        mark = "<->" if kept.get("both", True) else "->"
        return [_joined(kept["from"], kind), mark, _joined(kept["to"], kind)]
    return []


def _value_text(kind: str, one: Parameter, value: Any) -> str:
    if one.type is Type.SPAN:
        return numbers.span_text(value)
    if one.type in (Type.RATIO, Type.FACTOR):
        return numbers.decimal(value, 6 if one.type is Type.RATIO else 9)
    if one.type is Type.NAME:
        return _name_text(value, kind)
    return ",".join(f"{a}={b}" for a, b in value.items()) if one.type is Type.ERRORS else str(value)
