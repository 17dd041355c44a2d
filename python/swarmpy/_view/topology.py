"""The nodes with their tasks: as columns of cards (few nodes), as small marks (up to about 100), as a density
map (any number).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from swarmpy._view.letters import fit, wide
from swarmpy._view.model import Frame, Look, NodeCard, TaskCard
from swarmpy._view.paint import WIDTH, Canvas
from swarmpy._view.palette import VERMILLION, VersionMark, version_mark
from swarmpy.states import Availability

MOST_CARDS, MOST_MARKED = 12, 120  # nodes drawn as columns, and as small marks
TOMBSTONE_SECONDS = 20.0  # for how long a task that died stays in sight
TOMBSTONES = 3  # of one node
CARDS = 9  # of one column
HEAD, CARD, MARGIN = 34, 34, 10

Dress = Mapping[str, VersionMark]  # of each version


def topology(canvas: Canvas, frame: Frame, versions: Mapping[str, int], y: float) -> float:
    """Draws below `y`; gives where it ended."""
    if not frame.nodes:
        canvas.text(MARGIN, y + 14, frame.notice or "no nodes yet", "dim")
        return y + 24
    shown = _shown(frame)
    draw = (
        _columns
        if len(frame.nodes) <= MOST_CARDS
        else _marks
        if len(frame.nodes) <= MOST_MARKED
        else _density
    )
    y = draw(canvas, frame, shown, {version: version_mark(i) for version, i in versions.items()}, y)
    return _homeless(canvas, shown[""], y)


def _shown(frame: Frame) -> dict[str, list[TaskCard]]:
    """By node id: the tasks that matter now, and the newest of those that died not long ago."""
    living: dict[str, list[TaskCard]] = defaultdict(list)
    dead: dict[str, list[TaskCard]] = defaultdict(list)
    for task in frame.tasks:
        if not task.look.over:
            living[task.node_id].append(task)
        elif task.look is Look.LOST or frame.at - task.since <= TOMBSTONE_SECONDS:
            dead[task.node_id].append(task)
    for node, tasks in dead.items():
        newest = sorted(tasks, key=lambda task: (task.since, task.id))[-TOMBSTONES:]
        living[node] += newest if node else []
    return living


# ---- a dozen nodes: columns of cards


def _columns(
    canvas: Canvas, frame: Frame, shown: Mapping[str, list[TaskCard]], dress: Dress, y: float
) -> float:
    gap = 8
    width = min((WIDTH - 2 * MARGIN + gap) / len(frame.nodes) - gap, 180)
    tallest = max(min(len(shown.get(node.id, ())), CARDS + 1) for node in frame.nodes)
    height = HEAD + max(tallest, 2) * CARD + 8
    for i, node in enumerate(frame.nodes):
        x = MARGIN + i * (width + gap)
        tasks = shown.get(node.id, [])
        canvas.group(_about(node, tasks), node=node.name, state=node.trouble or "ready")
        _frame_of(canvas, node, x, y, width, height)
        _head(canvas, node, x + 8, y + 15, width - 16)
        for row, task in enumerate(tasks[:CARDS]):
            _card(canvas, task, dress.get(task.version), x + 5, y + HEAD + row * CARD, width - 10)
        if len(tasks) > CARDS:
            canvas.text(x + 8, y + HEAD + CARDS * CARD + 14, f"+{len(tasks) - CARDS} more", "dim")
        canvas.end()
    return y + height + 8


def _head(canvas: Canvas, node: NodeCard, x: float, y: float, width: float) -> None:
    if node.leader and node.alive:
        canvas.star(x + 6, y - 4, 7)
    canvas.text(
        x + (18 if node.leader and node.alive else 0), y, fit(node.name, width - 18, bold=True), bold=True
    )
    words = f"{node.standing}, {node.trouble}" if node.trouble else node.standing
    canvas.text(x, y + 13, fit(words, width), "dim")


def _card(
    canvas: Canvas, task: TaskCard, version: VersionMark | None, x: float, y: float, width: float
) -> None:
    canvas.group(_task_words(task), task=task.label, id=task.id, look=task.look)
    h, over = CARD - 4, task.look.over
    if over:  # a tombstone
        canvas.path(f"M{x:.1f} {y + h}V{y + 8}q0 -8 8 -8H{x + width - 8:.1f}q8 0 8 8V{y + h}z", "tomb")
    else:
        canvas.rect(x, y, width, h, "card", rx=3)
        if version:
            canvas.block(x, y, 6, h, version, opacity=1.0)
    canvas.task(task.look, x + 15, y + h / 2, 6.5, version)
    canvas.text(x + 25, y + 13, fit(task.label, width - 26), "dim" if over else "cardfg")
    tag = task.version if task.words == "running" else task.words
    canvas.text(x + 25, y + 25, fit(_short(tag), width - 26), "dim" if over else "carddim")
    canvas.end()


def _short(version: str) -> str:
    """The tag of an image: its name is the service's, mostly."""
    return version.rpartition("/")[2]


# ---- a hundred: one small mark per task


def _marks(
    canvas: Canvas, frame: Frame, shown: Mapping[str, list[TaskCard]], dress: Dress, y: float
) -> float:
    across, size, rows = 10, 15, 2
    width, in_row = (WIDTH - 2 * MARGIN) / across, 6
    height = 22 + rows * size + 4
    for i, node in enumerate(frame.nodes):
        x, top = MARGIN + i % across * width, y + i // across * (height + 4)
        tasks = shown.get(node.id, [])
        canvas.group(_about(node, tasks), node=node.name, state=node.trouble or "ready")
        _frame_of(canvas, node, x, top, width - 5, height)
        star = node.leader and node.alive
        if star:
            canvas.star(x + 11, top + 10, 6)
        canvas.text(x + (21 if star else 5), top + 14, fit(node.name, width - 52, bold=True), bold=True)
        extra = len(tasks) - in_row * rows
        note = node.trouble or (f"+{extra}" if extra > 0 else "")
        canvas.text(x + width - 10, top + 14, note, "dim", "end")
        for k, task in enumerate(tasks[: in_row * rows]):
            canvas.group(_task_words(task), task=task.label, id=task.id, look=task.look)
            mark = dress.get(task.version)
            canvas.task(task.look, x + 10 + k % in_row * 14, top + 29 + k // in_row * size, 6.3, mark)
            canvas.end()
        canvas.end()
    return y + -(-len(frame.nodes) // across) * (height + 4) + 6


# ---- more: how much runs where


def _density(
    canvas: Canvas, frame: Frame, shown: Mapping[str, list[TaskCard]], dress: Dress, y: float
) -> float:
    size = 30 if len(frame.nodes) <= 1200 else 14 if len(frame.nodes) <= 5000 else 8
    across = int((WIDTH - 2 * MARGIN) / size)
    counts = {node.id: sum(task.serves for task in shown.get(node.id, ())) for node in frame.nodes}
    most = max(*counts.values(), 1)
    for i, node in enumerate(frame.nodes):
        x, top = MARGIN + i % across * size, y + i // across * size
        tasks = shown.get(node.id, [])
        canvas.group(_about(node, tasks), node=node.name, state=node.trouble or "ready")
        side = size - 2
        canvas.rect(x, top, side, side, "box", stroke_dasharray="3 2" if _held_back(node) else "")
        foot = _levels(canvas, tasks, dress, x, top, side, side / most)
        if not node.up:
            canvas.hatch(x, top, side, side)
            canvas.path(f"M{x} {top}l{side} {side}m0 {-side}l{-side} {side}", fill="none", stroke=VERMILLION)
        elif size >= 30:
            _count(canvas, counts[node.id], foot, x + side - 2, top + side - 2)
        if node.leader and node.alive:
            middle = 8 if size >= 30 else side / 2
            canvas.circle(x + middle, top + middle, min(7, side / 2), "card")
            canvas.star(x + middle, top + middle, min(5, size / 3))
        canvas.end()
    y += -(-len(frame.nodes) // across) * size + 14
    words = f"each square a node, the fuller the more tasks run there (at most {most}), by version"
    canvas.text(MARGIN, y, words, "dim")
    return y + 10


def _levels(
    canvas: Canvas, tasks: Sequence[TaskCard], dress: Dress, x: float, y: float, side: float, each: float
) -> VersionMark | None:
    """What runs on a node, from below: for each version as much as runs of it. Gives the lowest."""
    counts = Counter(task.version for task in tasks if task.serves)
    low, foot = y + side, None
    for version, mark in dress.items():
        if counts[version]:
            low -= counts[version] * each
            foot = foot or mark
            canvas.block(x, low, side, counts[version] * each, mark, opacity=1.0)
    return foot


def _count(canvas: Canvas, count: int, on: VersionMark | None, right: float, bottom: float) -> None:
    """On plain colour: a texture would hide it."""
    if on is None:
        canvas.text(right, bottom - 1, count, "dim", "end")
        return
    canvas.rect(right - wide(str(count)) - 1, bottom - 12, wide(str(count)) + 2, 13, fill=on.colour)
    canvas.text(right, bottom - 1, count, "", "end", fill=on.ink)


# ---- of all three


def _frame_of(canvas: Canvas, node: NodeCard, x: float, y: float, w: float, h: float) -> None:
    """Hatched: down. Dashed: it gets no new tasks."""
    if not node.up:
        canvas.hatch(x, y, w, h)
    canvas.rect(x, y, w, h, "box", rx=5, stroke_dasharray="6 4" if _held_back(node) else "")


def _held_back(node: NodeCard) -> bool:
    return node.availability is not Availability.ACTIVE


def _homeless(canvas: Canvas, tasks: Sequence[TaskCard], y: float) -> float:
    """Tasks that no node was found for."""
    if not tasks:
        return y
    canvas.text(MARGIN, y + 15, "no node yet", "dim")
    x = MARGIN + 80.0
    for k, task in enumerate(tasks):
        room = 26 + wide(task.label)
        if x + room > WIDTH - 90:
            canvas.text(x + 4, y + 15, f"+{len(tasks) - k} more", "dim")
            break
        canvas.group(_task_words(task), task=task.label, id=task.id, look=task.look)
        canvas.task(task.look, x + 8, y + 11, 6.5)
        canvas.text(x + 19, y + 15, task.label)
        canvas.end()
        x += room
    return y + 26


def _about(node: NodeCard, tasks: Sequence[TaskCard]) -> str:
    trouble = f", {node.trouble}" if node.trouble else ""
    return f"{node.name}: {node.standing}{trouble}; {sum(task.serves for task in tasks)} tasks run"


def _task_words(task: TaskCard) -> str:
    error = f": {task.error}" if task.error else ""
    return f"{task.label} {task.words} on {task.node or 'no node'}, {task.version}{error}"
