"""How likely a failure was over time, as a picture."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from swarmpy._models.nearest import check_word
from swarmpy._view.paint import WIDTH, Canvas, n, ticks
from swarmpy._view.palette import BLUE, VERMILLION, Theme

if TYPE_CHECKING:
    from swarmpy._replay.inevitable import Inevitability

LEFT, RIGHT, TOP, HEIGHT = 50.0, 16.0, 44.0, 180.0


def picture(found: Inevitability, theme: str) -> str:
    """An SVG element; the same values give the same bytes."""
    check_word("theme", theme, tuple(Theme))
    title = f"How likely it was that {found.failure.invariant} breaks"
    name = hashlib.blake2s(f"{title}{found.points}".encode(), digest_size=4).hexdigest()
    canvas = Canvas(f"s{name}", Theme(theme))
    canvas.text(10, 18, title, bold=True, size=13)
    canvas.text(10, 34, found._verdict(), "dim")
    moments = [found.failure.at, *(one.at for one in found.points)]
    begin, end = min(moments), max(moments)
    span = max(end - begin, 1e-9)
    width = WIDTH - LEFT - RIGHT

    def x(at: float) -> float:
        return LEFT + (at - begin) / span * width

    def y(p: float) -> float:
        return TOP + (1 - p) * HEIGHT

    for p in (0.0, 0.5, 1.0):
        canvas.line(LEFT, y(p), WIDTH - RIGHT, y(p), "hair")
        canvas.text(LEFT - 6, y(p) + 4, f"{p:.0%}", "dim", "end")
    for tick in ticks(begin, end):
        canvas.text(x(tick), TOP + HEIGHT + 16, f"{tick:g} s", "dim", "middle")
    band = [(x(one.at), y(one.high)) for one in found.points]
    band += [(x(one.at), y(one.low)) for one in reversed(found.points)]
    if found.points:
        canvas.path(f"M{_joined(band)}z", fill=BLUE, fill_opacity=0.2)
        line = _joined([(x(one.at), y(one.p)) for one in found.points])
        canvas.path(f"M{line}", fill="none", stroke=BLUE, stroke_width=2)
    for one in found.points:
        canvas.group(f"{one.at:.3f} s: {one.failed} of {one.forks} failed")
        canvas.circle(x(one.at), y(one.p), 3.5, "ink", fill=BLUE)
        canvas.end()
    _failure(canvas, x(found.failure.at), f"{found.failure.at:.3f} s: it broke")
    bottom = TOP + HEIGHT + 28
    for event in found.events[:4]:
        canvas.text(10, bottom + 10, event[:110], "dim")
        bottom += 16
    words = f"{len(found.points)} moments, {found.forks} branches; {found._verdict()}"
    return canvas.document(WIDTH, bottom + 4, title, words)


def _joined(points: list[tuple[float, float]]) -> str:
    return "L".join(f"{n(x)} {n(y)}" for x, y in points)


def _failure(canvas: Canvas, x: float, words: str) -> None:
    canvas.line(x, TOP, x, TOP + HEIGHT, "", stroke=VERMILLION, stroke_width=2, stroke_dasharray="4 2")
    canvas.text(x - 5, TOP + 12, words, "fg", "end")
