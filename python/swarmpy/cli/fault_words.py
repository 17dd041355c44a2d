"""fault_words: the words behind `swarmpy fault KIND` as a fault. They are its text form, as `str(fault)` and
`swarmpy fault history` write it (`freeze w1 for 1s`, `net m1 '->' w1 latency 20ms`), or options, or both.
"""

from __future__ import annotations

import argparse
import re
from itertools import takewhile
from typing import Any

from swarmpy._faults import text
from swarmpy._faults.words import KINDS, LINKS, Parameter, Place, Type
from swarmpy.errors import InvalidArgument
from swarmpy.plan import Fault

NO_OPTION = re.compile(r"-\d|->")  # "-5s" is a value, and "->" a word of a link


def unquoted(words: list[str]) -> list[str]:
    """`fault 'net m1 -> w1 latency 20ms'` in one pair of quotes, as its words: a shell knows `>` and `|`."""
    for at, word in enumerate(words[1:], 1):
        if words[at - 1] == "fault" and word.strip().partition(" ")[0].replace("-", "_") in KINDS:
            return [*words[:at], *word.split(), *words[at + 1 :]]
    return words


def read(options: argparse.Namespace) -> Fault:
    """Raises `InvalidArgument`."""
    kind: str = options.kind
    found = text.parse(f"{kind} {' '.join(_words(options, kind))}")
    given, lasts = found.given, found.lasts
    for one in KINDS[kind]:
        if one.place is Place.KEYED and getattr(options, one.key, None) is not None:
            _once(kind, one.key, one.key not in given)
            given[one.key] = _value(one, getattr(options, one.key))
    if getattr(options, "for_", None) is not None:
        _once(kind, "for", lasts is None)
        lasts = options.for_
    return Fault(kind, at=found.at, for_=lasts, **given)


def _words(options: argparse.Namespace, kind: str) -> list[str]:
    if kind != "partition" and kind not in LINKS:
        places = [one.key for one in KINDS[kind] if one.place is Place.WORD]
        return [*(getattr(options, key) for key in places), *options.words]
    words: list[str] = options.sides if kind == "partition" else _link(options, kind)
    names = list(takewhile(lambda word: not _is_key(word, kind), words))
    return [*(name.replace(",", " ") for name in names), *words[len(names) :]]


def _link(options: argparse.Namespace, kind: str) -> list[str]:
    """With its arrow, which options need not have."""
    words = [options.__dict__["from"], *([options.to] if options.to else []), *options.words]
    if "<->" in words and options.both is False:
        raise InvalidArgument(f'{kind}: "<->" is both ways, --one-way is one', hint="Say one of them.")
    if "->" in words or "<->" in words:
        return words
    arrow = "<->" if options.both is None else "->"
    there = [] if not options.to or _is_key(options.to, kind) else [options.to]
    return [words[0], arrow, *(there or ["*"]), *words[1 + len(there) :]]


def _is_key(word: str, kind: str) -> bool:
    return word not in ("|", "->", "<->") and text.is_keyword(text.Word(word), kind)


def _value(one: Parameter, value: Any) -> Any:
    if one.type is Type.COUNT:
        return int(value) if value.lstrip("-").isdigit() else value
    return dict(pair.partition("=")[::2] for pair in value.split(",")) if one.type is Type.ERRORS else value


def _once(kind: str, key: str, is_new: bool) -> None:
    if not is_new:
        raise InvalidArgument(f"{kind}: {key.replace('_', '-')} is said twice", hint="Say it once.")
