"""Lanes: a window of a history as a picture. Clients are lanes, operations bars from call to return. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Protocol

from swarmpy._view.letters import wide
from swarmpy._view.paint import WIDTH, Canvas
from swarmpy._view.palette import BLUE, ORANGE, VERMILLION, Theme

LEFT, RIGHT, TOP, LANE, BAR = 90.0, 20.0, 50.0, 44.0, 14.0
DASHES = "5 3"


class Bar(Protocol):
    """An operation, as far as it is drawn."""

    @property
    def client(self) -> int | str: ...
    @property
    def call(self) -> float: ...
    @property
    def returned(self) -> float | None: ...
    def what(self) -> str: ...
    def answer(self) -> str: ...


def lanes(window: Sequence[Bar], title: str, theme: str = "auto") -> str:
    """As an SVG element; the same window gives the same bytes."""
    name = hashlib.blake2s(f"{title}{list(map(repr, window))}".encode(), digest_size=4).hexdigest()
    canvas = Canvas(f"l{name}", Theme(theme))
    canvas.text(10, 18, title, bold=True)
    if not window:
        return canvas.document(WIDTH, 30, title, "")
    axis = Axis(window)
    clients = list(dict.fromkeys(bar.client for bar in sorted(window, key=lambda bar: bar.call)))
    bottom = TOP + LANE * len(clients)
    for number, client in enumerate(clients):
        y = TOP + LANE * number
        canvas.text(10, y + 16, f"client {client}")
        canvas.line(LEFT, y + 12, WIDTH - RIGHT, y + 12, "hair")
    last = max(
        (bar for bar in window if bar.returned is not None), key=lambda bar: bar.returned or 0.0, default=None
    )
    for bar in window:
        _bar(canvas, axis, bar, TOP + LANE * clients.index(bar.client), broken=bar is last)
    for place, words in axis.marks():
        canvas.line(place, TOP - 8, place, bottom - 8, "hair")
        canvas.text(place, bottom + 8, words, "dim", "middle")
    return canvas.document(WIDTH, bottom + 18, title, "")


class Axis:
    """Instants in their order, at equal distances where gaps are long: what matters is which came first."""

    def __init__(self, window: Sequence[Bar]) -> None:
        times = {bar.call for bar in window} | {bar.returned for bar in window if bar.returned is not None}
        self._times = sorted(times)
        self._step = (WIDTH - LEFT - RIGHT - 80) / max(len(self._times) - 1, 1)

    def at(self, time: float) -> float:
        return LEFT + 20 + self._step * self._times.index(time)

    @property
    def end(self) -> float:
        return WIDTH - RIGHT

    def marks(self) -> list[tuple[float, str]]:
        """As many instants as have room."""
        marks: list[tuple[float, str]] = []
        for time in self._times:
            words = f"{time:.3f} s"
            if not marks or self.at(time) - marks[-1][0] > wide(words) + 14:
                marks.append((self.at(time), words))
        return marks


def _bar(canvas: Canvas, axis: Axis, bar: Bar, y: float, *, broken: bool) -> None:
    begin = axis.at(bar.call)
    known = bar.returned is not None
    end = axis.end if bar.returned is None else max(axis.at(bar.returned), begin + 6)
    colour = VERMILLION if broken else BLUE if known else ORANGE
    looks = {"fill": colour, "stroke": colour, "fill_opacity": 0.35 if known else 0.15}
    if not known:
        looks["stroke_dasharray"] = DASHES
    canvas.rect(begin, y + 5, end - begin, BAR, "", 2, **looks)
    if broken:
        canvas.text(end + 4, y + 16, "\u2717", bold=True)
    words = f"{bar.what()} \u2192 {bar.answer()}"
    start = min(begin, WIDTH - RIGHT - wide(words))
    canvas.text(start, y + 31, words)
