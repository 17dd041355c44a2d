"""One picture: the panels that were asked for, one below the other, with a head and a legend. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

from swarmpy._view import timeline
from swarmpy._view.model import Frame, History, Look
from swarmpy._view.paint import WIDTH, Canvas
from swarmpy._view.topology import topology
from swarmpy.errors import InvalidArgument

Panel = Callable[[Canvas, History, Frame, float], float]

PANELS: dict[str, Panel] = {
    "topology": lambda canvas, history, frame, y: topology(canvas, frame, history.versions, y),
    "tasks": timeline.load,
    "timeline": timeline.lanes,
    "requests": timeline.requests,
}
DEFAULT = ("topology", "tasks")


def check(panels: Sequence[str]) -> tuple[str, ...]:
    for panel in panels:
        if not isinstance(panel, str) or panel not in PANELS:
            raise InvalidArgument(
                f"there is no panel {panel!r}", hint=f"There are: {', '.join(map(repr, PANELS))}."
            )
    return tuple(panels) or DEFAULT


def picture(panels: Sequence[str], history: History, frame: Frame, title: str) -> str:
    """The whole as an SVG element. The same values give the same bytes."""
    name = hashlib.blake2s(f"{title}{frame.at}{panels}".encode(), digest_size=4).hexdigest()
    canvas = Canvas(f"s{name}")
    words = headline(frame)
    canvas.text(10, 18, title, "fg h")
    canvas.text(WIDTH - 10, 18, words, "dim", "end")
    y = 30.0
    for panel in panels:
        y = PANELS[panel](canvas, history, frame, y) + 6
    y = _legend(canvas, y)
    return canvas.document(WIDTH, y, title, words)


def headline(frame: Frame) -> str:
    up = sum(node.up for node in frame.nodes)
    running, wanted = (
        sum(line.running for line in frame.services),
        sum(line.wanted for line in frame.services),
    )
    words = f"{frame.at:.2f} s   {up} of {len(frame.nodes)} nodes up   {running} of {wanted} tasks run"
    return f"{words}   {frame.notice}" if frame.notice else words


def _legend(canvas: Canvas, y: float) -> float:
    x = 10.0
    for look in Look:
        canvas.task(look, x + 6, y + 6, 5)
        canvas.text(x + 16, y + 10, str(look), "dim")
        x += 34 + 6.3 * len(look)
    canvas.star(x + 6, y + 6, 6)
    canvas.text(x + 16, y + 10, "leader", "dim")
    x += 72
    canvas.hatch(x, y, 14, 12)
    canvas.rect(x, y, 14, 12, "box")
    canvas.text(x + 19, y + 10, "node down", "dim")
    x += 92
    canvas.rect(x, y, 14, 12, "box", stroke_dasharray="3 2")
    canvas.text(x + 19, y + 10, "drained or paused", "dim")
    return y + 22
