"""One picture: the panels that were asked for, one below the other, with a head and a legend. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

from swarmpy._models.nearest import check_word
from swarmpy._view import timeline
from swarmpy._view.letters import wide
from swarmpy._view.model import Frame, History, Look
from swarmpy._view.paint import WIDTH, Canvas
from swarmpy._view.palette import Theme
from swarmpy._view.topology import topology

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
        check_word("panel", panel, PANELS)
    return tuple(panels) or DEFAULT


def picture(
    panels: Sequence[str],
    history: History,
    frame: Frame,
    title: str,
    *,
    theme: Theme = Theme.AUTO,
    bare: bool = False,
    fluid: bool = False,
) -> str:
    """The whole as an SVG element. The same values give the same bytes. `bare`, `fluid`: see `Canvas`."""
    name = hashlib.blake2s(f"{title}{frame.at}{panels}".encode(), digest_size=4).hexdigest()
    canvas = Canvas(f"s{name}", theme)
    words = headline(frame)
    canvas.text(10, 18, title, bold=True, size=13)
    beside = wide(title, bold=True, size=13) + wide(words) + 40 <= WIDTH
    canvas.text(WIDTH - 10 if beside else 10, 18 if beside else 34, words, "dim", "end" if beside else "")
    y = 30.0 if beside else 46.0
    for panel in panels:
        y = PANELS[panel](canvas, history, frame, y) + 6
    y = _legend(canvas, history, y, signs=any(panel in panels for panel in ("tasks", "timeline")))
    return canvas.document(WIDTH, y, title, words, bare=bare, fluid=fluid)


def headline(frame: Frame) -> str:
    up = sum(node.up for node in frame.nodes)
    running = sum(line.running for line in frame.services)
    wanted = sum(line.wanted for line in frame.services)
    parts = [f"{frame.at:.2f} s", f"{up} of {len(frame.nodes)} nodes up", f"{running} of {wanted} tasks run"]
    return " · ".join([*parts, frame.notice] if frame.notice else parts)


def _legend(canvas: Canvas, history: History, y: float, *, signs: bool) -> float:
    """What the signs mean: of tasks, of nodes, of versions, of moments."""
    x = 10.0
    for look in Look:
        canvas.task(look, x + 6, y + 6, 5)
        canvas.text(x + 16, y + 10, str(look), "dim")
        x += 32 + wide(str(look))
    canvas.star(x + 6, y + 6, 6)
    canvas.text(x + 16, y + 10, "leader", "dim")
    x += 32 + wide("leader")
    canvas.hatch(x, y, 14, 12)
    canvas.rect(x, y, 14, 12, "box")
    canvas.text(x + 19, y + 10, "node down", "dim")
    x += 35 + wide("node down")
    canvas.rect(x, y, 14, 12, "box", stroke_dasharray="3 2")
    canvas.text(x + 19, y + 10, "drained or paused", "dim")
    y += 20
    if signs and history.marks:
        timeline.key_of_marks(canvas, 10, y)
        y += 20
    return _versions(canvas, history, y) + 2


def _versions(canvas: Canvas, history: History, y: float) -> float:
    if not history.versions:
        return y
    x = 10.0
    for version, mark in timeline.dress_of(history).items():
        room = 40 + 9 * len(mark.letter) + wide(version)
        if x > 10 and x + room > WIDTH - 10:
            x, y = 10.0, y + 18
        x += canvas.tag(mark, x, y, 13)
        canvas.block(x, y, 18, 13, mark)
        x += 23
        canvas.text(x, y + 10, version, "dim")
        x += wide(version) + 18
    return y + 20
