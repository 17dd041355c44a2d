"""The same picture in characters: nodes with a sign per task, services, what happened last. ANSI
colours where asked for.
"""

from __future__ import annotations

import re
import shutil
from collections import defaultdict
from collections.abc import Sequence
from typing import TextIO

from swarmpy._view.model import Frame, History, Look, TaskCard
from swarmpy._view.svg import headline
from swarmpy.events import Event
from swarmpy.states import UpdateState

SIGNS = {
    Look.RUNNING: "●",
    Look.STARTING: "◐",
    Look.PENDING: "?",
    Look.FAILED: "✗",
    Look.SHUTDOWN: "■",
    Look.LOST: "☓",
}
COLOURS = {  # Okabe and Ito's, in the 256 of terminals
    Look.RUNNING: "38;5;36",
    Look.STARTING: "38;5;74",
    Look.PENDING: "38;5;214",
    Look.FAILED: "38;5;166",
    Look.SHUTDOWN: "38;5;247",
    Look.LOST: "38;5;166",
}
MARK_SIGNS = {"fault": "▼", "repair": "▲", "update": "◆", "leader": "★"}
MOST_EVENTS = 8
ESCAPE = re.compile("(\033\\[[0-9;]*m)")
Rows = list[Sequence[str]]


def text(
    history: History,
    frame: Frame,
    *,
    colour: bool = False,
    width: int = 100,
    height: int | None = None,
    tasks: bool = False,
) -> str:
    """`tasks`: also one line for each that is not over. What has no room in `height` lines is counted."""
    blocks = [[_bold(headline(frame), colour)], _nodes(frame, colour, width)]
    if frame.services:
        blocks.append(_services(frame))
    if tasks and frame.tasks:
        blocks.append(_tasks(frame))
    events = _events(history)
    if events:
        blocks.append(events)
    return "\n".join(_cut(line, width) for line in _within(blocks, height))


def _cut(line: str, width: int) -> str:
    """What has room, so that no line becomes two; escape codes take none."""
    parts = []
    for part in ESCAPE.split(line):
        if part.startswith("\033"):
            parts.append(part)
        else:
            parts.append(part[: max(width, 0)])
            width -= len(parts[-1])
    return "".join(parts)


def _within(blocks: list[list[str]], height: int | None) -> list[str]:
    """Cuts the longest blocks until all have room; every block keeps three lines."""
    if height is not None:
        while sum(map(len, blocks)) + len(blocks) > height:
            longest = max(blocks, key=len)
            if len(longest) <= 4:
                break
            hidden = 2 if not longest[-1].startswith("... ") else int(longest[-1].split()[1]) + 1
            del longest[-2:]
            longest.append(f"... {hidden} more")
    lines = [line for block in blocks for line in [*block, ""]][:-1]
    return lines if height is None else lines[:height]


def _nodes(frame: Frame, colour: bool, width: int) -> list[str]:
    on: dict[str, list[TaskCard]] = defaultdict(list)
    for task in frame.tasks:
        if not task.look.over or task.look is Look.LOST or frame.at - task.since < 10:
            on[task.node_id].append(task)
    rows: Rows = [("NODE", "ROLE", "STATE", "TASKS")]
    for node in frame.nodes:
        state = node.trouble or "ready"
        role = "★ leader" if node.leader and node.alive else node.standing
        rows.append((node.name, role, state, _signs(on[node.id], colour, width - 34)))
    if on[""]:
        rows.append(("", "no node yet", "", _signs(on[""], colour, width - 34)))
    return _aligned(rows)


def _signs(tasks: Sequence[TaskCard], colour: bool, room: int) -> str:
    """Named while there is room, then bare."""
    named = [f"{SIGNS[task.look]} {task.label}" for task in tasks]
    if sum(len(word) + 2 for word in named) > room:
        named = [SIGNS[task.look] for task in tasks]
    if sum(len(word) + 2 for word in named) > room and len(named) > 1:
        most = min(max((room - 8) // 3, 1), len(named) - 1)
        return "  ".join([*named[:most], f"+{len(named) - most}"])
    if not colour:
        return "  ".join(named)
    pairs = zip(tasks, named, strict=True)
    return "  ".join(f"\033[{COLOURS[task.look]}m{word}\033[0m" for task, word in pairs)


def _services(frame: Frame) -> list[str]:
    rows: Rows = [("SERVICE", "MODE", "RUNNING", "IMAGE", "UPDATE")]
    for line in frame.services:
        update = "" if line.update is UpdateState.NONE else str(line.update)
        rows.append((line.name, line.mode, f"{line.running}/{line.wanted}", line.image, update))
    return _aligned(rows)


def _tasks(frame: Frame) -> list[str]:
    rows: Rows = [("TASK", "NODE", "STATE", "IMAGE", "ERROR")]
    for task in frame.tasks:
        if not task.look.over or frame.at - task.since < 10:
            state = f"{SIGNS[task.look]} {task.words}"
            rows.append((task.label, task.node or "-", state, task.version, _plain(task.error)))
    return _aligned(rows)


def _events(history: History) -> list[str]:
    if history.events:
        return [_event(event) for event in reversed(list(history.events)[-MOST_EVENTS:])]
    marks = list(history.marks)[-MOST_EVENTS:]
    return [f"{mark.at:9.2f} s  {MARK_SIGNS[mark.kind]} {mark.text}" for mark in reversed(marks)]


def _event(event: Event) -> str:
    words = [event.kind, event.name or event.id[:12], event.action]
    words += [event.attributes[key] for key in ("node", "err") if event.attributes.get(key)]
    return _plain(f"{event.time:%H:%M:%S}  {' '.join(words)}")


def _plain(words: str) -> str:
    """A task's error may hold what would clear the screen."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in words)


def _aligned(rows: Rows) -> list[str]:
    """The last column may hold escape codes: nothing is aligned behind it."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]) - 1)]
    return [
        "   ".join([*(cell.ljust(w) for cell, w in zip(row, widths, strict=False)), row[-1]]).rstrip()
        for row in rows
    ]


def _bold(line: str, colour: bool) -> str:
    return f"\033[1m{line}\033[0m" if colour else line


class InPlace:
    """A block of lines on a terminal that is drawn over its older self."""

    def __init__(self, out: TextIO) -> None:
        self._out, self._lines = out, 0

    def size(self) -> tuple[int, int]:
        size = shutil.get_terminal_size()
        return size.columns, size.lines

    def draw(self, block: str) -> None:
        up = f"\033[{self._lines}A\r" if self._lines else ""
        self._out.write(f"{up}\033[J{block}\n")
        self._out.flush()
        self._lines = block.count("\n") + 1
