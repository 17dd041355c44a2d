"""Work: what a recorded client does, as generators of requests: each is sent the answer of the last one.

A request that may or may not have been carried out is `Lost`; one that certainly was not, `Refused`.
Pure: who sends the requests is `drive`'s business.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from dataclasses import dataclass
from random import Random
from typing import Any, TypeAlias
from urllib.parse import quote

from swarmpy._connection.base import Request

ROUTE = "/swarmpy/v1/kv"
MODELS = ("register", "cas", "list-append", "set")
OK, NOT_FOUND, CONFLICT = 200, 404, 409


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    headers: dict[str, str]


class Refused(Exception):
    """It certainly changed nothing; the sentence says why."""


class Lost(Exception):
    """It may or may not have been carried out; the sentence says why."""


Asking: TypeAlias = Generator[Request, Answer, Any]
Job: TypeAlias = tuple[str, str, Any, Asking]  # kind, key, argument, and how it is done


def path(key: str) -> str:
    return f"{ROUTE}/{quote(key, safe='')}"


def text_of(value: object) -> str:
    """The value as it is kept: JSON, the same text for equal values."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def value_of(text: str) -> Any:
    """What is no JSON, somebody else's text, is itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def read(key: str) -> Asking:
    answer = yield Request("GET", path(key))
    return None if answer.status == NOT_FOUND else value_of(_good(answer)["Value"])


def write(key: str, value: object) -> Asking:
    answer = yield Request("PUT", path(key), {}, text_of(value).encode())
    _good(answer)


def swap(key: str, old: object, new: object) -> Asking:
    """True when it took place."""
    body = {"Old": None if old is None else text_of(old), "New": None if new is None else text_of(new)}
    headers = {"content-type": "application/json"}
    answer = yield Request("POST", f"{path(key)}/cas", headers, json.dumps(body).encode())
    if answer.status == CONFLICT:
        return False
    _good(answer)
    return True


def change(key: str, how: Callable[[list[Any]], list[Any]]) -> Asking:
    """Writes what `how` makes of the list that is there, again when somebody else was faster."""
    while True:
        answer = yield Request("GET", path(key))
        there = answer.status != NOT_FOUND
        seen = _good(answer) if there else {"Value": "[]", "Version": {"Index": 0}}
        wanted = text_of(how(list(value_of(seen["Value"])))).encode()
        answer = yield Request("PUT", f"{path(key)}?version={seen['Version']['Index']}", {}, wanted)
        if answer.status != CONFLICT:
            _good(answer)
            return


def _good(answer: Answer) -> dict[str, Any]:
    if answer.status == OK:
        return dict(json.loads(answer.body))
    try:
        why = str(json.loads(answer.body)["message"])
    except (ValueError, KeyError, TypeError):
        why = f"HTTP status {answer.status}"
    if answer.status < 500 or "swarmpy-nothing-done" in answer.headers:
        raise Refused(why)
    raise Lost(why)


class Client:
    """One who works: reads half of the time. `seen`: what it believes each key to be."""

    def __init__(self, number: int, keys: tuple[str, ...], model: str, random: Random) -> None:
        self.number, self._keys, self._model, self._random = number, keys, model, random
        self._written = 0
        self._seen: dict[str, Any] = {}

    def next_job(self) -> Job:
        key = self._random.choice(self._keys)
        dice = self._random.random()
        if dice < 0.5:
            asks = read(key) if self._model in ("register", "cas") else self._read_list(key)
            return "read", key, None, asks
        if self._model == "set":
            return self._on_set(key, dice)
        value = self._new_value()
        if self._model == "list-append":
            return "append", key, value, change(key, lambda there: [*there, value])
        if self._model == "cas" and dice < 0.8:
            old = self._seen.get(key)
            return "cas", key, (old, value), swap(key, old, value)
        return "write", key, value, write(key, value)

    def learned(self, kind: str, key: str, argument: Any, result: Any) -> None:
        if kind == "read":
            self._seen[key] = result
        elif kind == "write":
            self._seen[key] = argument
        elif kind == "cas" and result:
            self._seen[key] = argument[1]

    def _on_set(self, key: str, dice: float) -> Job:
        if dice < 0.8:
            value = self._new_value()
            return "add", key, value, change(key, lambda there: sorted({*there, value}))
        value = f"{self.number}.{self._random.randint(1, max(self._written, 1))}"
        return "remove", key, value, change(key, lambda there: [one for one in there if one != value])

    def _new_value(self) -> str:
        self._written += 1
        return f"{self.number}.{self._written}"

    @staticmethod
    def _read_list(key: str) -> Asking:
        return (yield from read(key)) or []
