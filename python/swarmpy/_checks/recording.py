"""Recordings: files of recorded events, one JSON object a line, written and read.

Ours begin with a head and finish with an end (docs/design/checks.md). Read, too: lines as
`GET /swarmpy/v1/events` and `docker events --format json` give them, and whole answers of
`/swarmpy/v1/changes` and `/swarmpy/v1/raft/events`.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from swarmpy._event_stream import stamp
from swarmpy.errors import InvalidArgument, NotFound

FORMAT = 1
KINDS = ("state", "node", "service", "task", "raft", "log", "look", "note", "end")
PASSED = ("network", "container", "image", "volume", "daemon", "plugin", "secret", "config")
HOW = "swarmpy check --record FILE makes one"
MAKE_ONE = "Make one: swarmpy check --record FILE."
Item = dict[str, Any]


class Writer:
    """Writes each item at once: what was written stays when the program is killed."""

    def __init__(self, path: Path, epoch_ns: int | None) -> None:
        self.path = path
        try:
            self._file: TextIO = path.open("w", encoding="utf-8")
        except OSError as error:
            hint = "Name a file in a folder that is there."
            raise InvalidArgument(f"{path} cannot be written: {error.strerror}", hint=hint) from None
        self.write({"swarmpy": "recording", "format": FORMAT, "epoch": epoch_ns})

    def write(self, item: Item) -> None:
        self._file.write(json.dumps(item, separators=(",", ":")) + "\n")
        self._file.flush()

    def close(self, now_ns: int) -> None:
        self.write({"Type": "end", "timeNano": now_ns})
        self._file.close()


class Recording:
    """A file that was read: `.items`, `.epoch_ns` (None: the first event is the clock's 0), `.cut`
    (what is wrong with its end, "" for nothing).
    """

    def __init__(self, path: Path) -> None:
        self.path, self.cut = path, ""
        self.epoch_ns: int | None = None
        self.is_ours = False
        rows = list(_rows(path))
        if rows and isinstance(rows[0][1], dict) and rows[0][1].get("swarmpy") == "recording":
            self._head(rows.pop(0)[1])
        found = [(number, one) for number, raw in rows for one in _flat(raw)]
        self.items: list[tuple[int, Item]] = [pair for pair in found if _checked(path, *pair)]
        if not self.is_ours:
            self.items.sort(key=lambda pair: stamp(pair[1]))
        elif not self.items or self.items[-1][1]["Type"] != "end":
            self.cut = "the recording has no end: it was cut short, and what came after is not in it"

    def _head(self, head: Item) -> None:
        if head.get("format") != FORMAT:
            raise InvalidArgument(
                f"{self.path} is a recording of format {head.get('format')}, and this version reads {FORMAT}",
                hint="Use the version of swarmpy that made it.",
            )
        self.is_ours, epoch = True, head.get("epoch")
        self.epoch_ns = None if epoch is None else int(epoch)


def _refuse_other_files(path: Path, first: str) -> None:
    head: object = None
    with contextlib.suppress(ValueError):
        head = json.loads(first)
    kind = head.get("swarmpy", "recording") if isinstance(head, dict) else "recording"
    if kind != "recording":
        hint = f"A simulated run is made again: swarmpy replay {path}."
        raise InvalidArgument(f"{path} is a {kind} and no recording of events", hint=hint)


def _rows(path: Path) -> Iterator[tuple[int, Item]]:
    """Each object with the number of its line."""
    text = _text(path)
    if text.lstrip().startswith("["):
        return iter(list(enumerate(_parsed(path, 1, text), 1)))
    lines = text.split("\n")
    _refuse_other_files(path, lines[0])
    last = lines.pop()  # what has no line end was cut off, unless it is whole
    found = [(number, _parsed(path, number, line)) for number, line in enumerate(lines, 1) if line.strip()]
    if last.strip():
        try:
            found.append((len(lines) + 1, json.loads(last)))
        except ValueError:
            if not found:
                raise no_event(path, 1, last) from None
    return iter(found)


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise NotFound(f"there is no file {path}", hint=MAKE_ONE) from None
    except OSError as error:
        raise InvalidArgument(f"{path} cannot be read: {error.strerror}", hint=MAKE_ONE) from None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        hint = "A journal of swarm.save() is replayed: swarmpy replay FILE."
        raise InvalidArgument(f"{path} is no recording: it is not text", hint=hint) from None


def _parsed(path: Path, number: int, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise no_event(path, number, text) from None


def _flat(raw: Any) -> list[Any]:
    """An answer with many events is its events."""
    if isinstance(raw, dict):
        for key in ("Changes", "Events"):
            if isinstance(raw.get(key), list) and "Type" not in raw:
                return list(raw[key])
    return [raw]


def _checked(path: Path, number: int, raw: Any) -> bool:
    """Returns true if it is something to be judged."""
    kind = raw.get("Type") if isinstance(raw, dict) else None
    if kind in PASSED:
        return False
    if kind not in KINDS or not ("timeNano" in raw or "time" in raw):
        raise no_event(path, number, raw)
    if kind in ("node", "service", "task", "raft") and not (raw.get("Action") and raw.get("Actor")):
        raise no_event(path, number, raw)
    return True


def no_event(path: Path, number: int, what: object) -> InvalidArgument:
    text = what if isinstance(what, str) else json.dumps(what)
    shown = text if len(text) <= 60 else text[:57] + "..."
    return InvalidArgument(
        f"line {number} of {path} is no recorded event: {shown}",
        hint=f"A recording has one JSON object a line; {HOW}.",
    )
