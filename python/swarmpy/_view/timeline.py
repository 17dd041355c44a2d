"""Pictures over time: desired and running by version (`load`), and every task's life by slot and by node
(`lanes`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from swarmpy._view.letters import fit, lines, wide
from swarmpy._view.model import Frame, History, Life, Look, Mark, Sample
from swarmpy._view.paint import WIDTH, Canvas, n, ticks
from swarmpy._view.palette import (
    GREEN,
    MARK_WORDS,
    ORANGE,
    VERMILLION,
    VersionMark,
    version_mark,
)

HEIGHT = 120
GAP = 6  # between a name and what it names
MOST_LEFT, MOST_RIGHT = 240.0, 300.0
MOST_LISTED = 24
LANE, MOST_LANES = 15, 120
LINE = 13  # from one line of words to the next

Dress = Mapping[str, VersionMark]  # of each version


@dataclass(frozen=True)
class Axis:
    """Seconds to pixels, between `left` and `right`."""

    start: float
    end: float
    left: float
    right: float

    def x(self, at: float) -> float:
        share = (min(max(at, self.start), self.end) - self.start) / (self.end - self.start)
        return self.left + share * (self.right - self.left)


def axis_of(history: History, frame: Frame) -> Axis:
    """The same for all panels of a picture: names have room at the left, and what runs at the right."""
    names = [_lane_name(life) for life in history.lives.values()] + list(history.spells)
    left = max([70.0, *(wide(name) + GAP + 4 for name in names)])
    right = max([90.0, *(wide(version) + 60 for version in history.versions)])
    end = max(history.last(frame), history.began + 0.1)
    return Axis(history.began, end, min(left, MOST_LEFT), WIDTH - min(right, MOST_RIGHT))


def dress_of(history: History) -> Dress:
    return {version: version_mark(number) for version, number in history.versions.items()}


# ---- desired and running


@dataclass(frozen=True)
class _Label:
    """What stands at the right of the last moment, at the height of what it names."""

    y: float
    words: str
    version: VersionMark | None = None


def load(canvas: Canvas, history: History, frame: Frame, y: float) -> float:
    """Desired (dashed line) and running (areas, one per version) over time, with the marks."""
    axis = axis_of(history, frame)
    samples = list(history.samples)
    top = max([1, *(max(s.wanted, sum(s.running.values())) for s in samples)])
    base, scale = y + 32 + HEIGHT, HEIGHT / (top * 1.08)
    canvas.text(10, y + 10, "running tasks", bold=True)
    _ground(canvas, axis, y + 32, base)
    for value in sorted({0, top // 2, top}):
        canvas.text(axis.left - 6, base - value * scale + 4, value, "dim", "end")
        canvas.line(axis.left, base - value * scale, axis.right, base - value * scale, "hair")
    labels = _areas(canvas, history, samples, axis, base, scale)
    if samples:
        d = _steps(samples, axis, lambda s: base - s.wanted * scale)
        canvas.path(d, "ink", fill="none", stroke_width=1.5, stroke_dasharray="5 3")
        labels.append(_Label(base - samples[-1].wanted * scale, f"desired: {samples[-1].wanted}"))
    _labels(canvas, labels, axis.right + GAP, y + 36, base)
    return _marks(canvas, history, axis, y + 23, base)


def _areas(
    canvas: Canvas, history: History, samples: Sequence[Sample], axis: Axis, base: float, scale: float
) -> list[_Label]:
    """Stacked, each with its letter and, when it ended, its name; gives the names of those that run now."""
    below = [0] * len(samples)
    labels: list[_Label] = []
    names: list[Callable[[], None]] = []  # above all areas
    for version, mark in dress_of(history).items():
        counts = [sample.running.get(version, 0) for sample in samples]
        if not any(counts):
            continue
        above = [a + b for a, b in zip(below, counts, strict=True)]
        d = _band(samples, axis, [base - v * scale for v in below], [base - v * scale for v in above])
        canvas.area(d, mark)
        canvas.path(d, "ink", fill="none", stroke_width=0.7)  # also of what is too short to be an area
        if counts[-1]:
            height = base - (below[-1] + above[-1]) / 2 * scale
            labels.append(_Label(height, f"{version}: {counts[-1]}", mark))
        else:
            names.append(_name(canvas, version, mark, samples, axis, below, above, base, scale))
        below = above
    for write in names:
        write()
    return labels


def _name(
    canvas: Canvas,
    version: str,
    mark: VersionMark,
    samples: Sequence[Sample],
    axis: Axis,
    below: Sequence[int],
    above: Sequence[int],
    base: float,
    scale: float,
) -> Callable[[], None]:
    """Of an area that ended: inside it where that has room, else beside its end."""
    edges = [axis.x(sample.at) for sample in samples] + [axis.x(axis.end)]
    room = wide(version) + 24
    x, y = _room_in(edges, below, above, room, LINE / scale) or _beside(edges, below, above)
    x, y = min(x, axis.right - room), base - y * scale

    def write() -> None:
        canvas.rect(x, y - 7, room, 14, "card", rx=3)
        canvas.tag(mark, x, y - 7, 14)
        canvas.text(x + 18, y + 4, version, "cardfg")

    return write


def _room_in(
    edges: Sequence[float], below: Sequence[int], above: Sequence[int], width: float, height: float
) -> tuple[float, float] | None:
    """Where the area is highest over that width, if it is that high anywhere: x, and its middle's value."""
    best: tuple[float, float, float] | None = None
    start = 0
    while start < len(below):
        low, high, stop = below[start], above[start], start
        while stop < len(below) and edges[stop] - edges[start] < width:
            low, high, stop = max(below[stop], low), min(above[stop], high), stop + 1
        if (
            edges[stop] - edges[start] >= width
            and high - low >= height
            and (not best or high - low > best[0])
        ):
            best = high - low, (edges[start] + edges[stop] - width) / 2, (low + high) / 2
        start = max(stop - 1, start + 1)
    return best[1:] if best else None


def _beside(edges: Sequence[float], below: Sequence[int], above: Sequence[int]) -> tuple[float, float]:
    last = max(i for i in range(len(below)) if above[i] > below[i])
    return edges[last + 1] + 2, (below[last] + above[last]) / 2


def _band(samples: Sequence[Sample], axis: Axis, low: Sequence[float], high: Sequence[float]) -> str:
    """One outline for each time that it had any height."""
    edges = [axis.x(sample.at) for sample in samples] + [axis.x(axis.end)]
    d = ""
    for there, span in groupby(range(len(samples)), lambda i: high[i] < low[i]):
        if there:
            run = list(span)
            over = "".join(f"V{n(high[i])}H{n(edges[i + 1])}" for i in run)
            under = "".join(f"V{n(low[i])}H{n(edges[i])}" for i in reversed(run))
            d += f"M{n(edges[run[0]])} {n(low[run[0]])}{over}{under}z"
    return d


def _steps(samples: Sequence[Sample], axis: Axis, height: Callable[[Sample], float]) -> str:
    d = f"M{n(axis.x(samples[0].at))} {n(height(samples[0]))}"
    for sample in samples[1:]:
        d += f"H{n(axis.x(sample.at))}V{n(height(sample))}"
    return d + f"H{n(axis.x(axis.end))}"


def _labels(canvas: Canvas, labels: list[_Label], x: float, top: float, bottom: float) -> None:
    """Pushed apart so that none hides another; a long one goes on in a line below."""
    low = bottom + LINE
    for label in sorted(labels, key=lambda one: (-one.y, one.words)):
        indent = 18 if label.version else 0
        rows = lines(label.words, WIDTH - x - indent - 4)
        y = min(label.y + 4, low - LINE * len(rows))
        if y <= top - 10:
            return
        if label.version:
            canvas.tag(label.version, x, y - 10, 13)
        for i, row in enumerate(rows):
            canvas.text(x + indent, y + i * LINE, row)
        low = y


def _ground(canvas: Canvas, axis: Axis, top: float, base: float) -> None:
    for at in ticks(axis.start, axis.end):
        x = axis.x(at)
        canvas.line(x, top, x, base, "hair")
        canvas.text(x, base + 13, f"{at:g} s", "dim", "middle")


def _marks(canvas: Canvas, history: History, axis: Axis, y: float, base: float) -> float:
    """A sign and a line for each, and below, in words, the newest."""
    _lines_of(canvas, history, axis, y, base)
    return listed(canvas, list(history.marks), base + 22)


def _lines_of(canvas: Canvas, history: History, axis: Axis, y: float, base: float) -> None:
    for mark in history.marks:
        x = axis.x(mark.at)
        canvas.group(f"{mark.at:.2f} s: {mark.text}", mark=mark.kind)
        canvas.line(x, y + 5, x, base, "ln", stroke_dasharray="2 2")
        canvas.sign(mark.kind, x, y)
        canvas.end()


def listed(canvas: Canvas, marks: Sequence[Mark], y: float) -> float:
    """In as many columns as the longest has room in."""
    shown = marks[-MOST_LISTED:]
    words = [f"{mark.at:.2f} s  {mark.text}" for mark in shown]
    longest = max([1.0, *(wide(one) + 26 for one in words)])
    across = min(max(int((WIDTH - 20) / longest), 1), 4)
    width = (WIDTH - 20) / across
    for i, (mark, text) in enumerate(zip(shown, words, strict=True)):
        x, row = 10 + i % across * width, y + 6 + i // across * 16
        canvas.sign(mark.kind, x + 6, row)
        canvas.text(x + 16, row + 4, text, "dim")
    return y + -(-len(shown) // across) * 16 + 8


def key_of_marks(canvas: Canvas, x: float, y: float) -> float:
    """What the signs and the dotted lines below them mean; gives where that ended."""
    canvas.line(x + 4, y, x + 4, y + 12, "ln", stroke_dasharray="2 2")
    canvas.text(x + 12, y + 10, "when:", "dim")
    x += 50
    for kind, word in MARK_WORDS.items():
        canvas.sign(kind, x + 6, y + 6)
        canvas.text(x + 16, y + 10, word, "dim")
        x += 32 + wide(word)
    return x


# ---- lives


def lanes(canvas: Canvas, history: History, frame: Frame, y: float) -> float:
    """One lane for each slot of each service, then one block for each node, below a common time."""
    axis = axis_of(history, frame)
    dress = dress_of(history)
    began = y
    canvas.text(10, y + 10, "every task, by slot", bold=True)
    y = _slots(canvas, history, axis, dress, y + 32)
    canvas.text(10, y + 16, "every task, by node", bold=True)
    y = _nodes(canvas, history, axis, dress, y + 24)
    _lines_of(canvas, history, axis, began + 23, y)
    for at in ticks(axis.start, axis.end, 12):
        canvas.text(axis.x(at), y + 12, f"{at:g} s", "dim", "middle")
    return _key_of_bars(canvas, y + 22)


def _key_of_bars(canvas: Canvas, y: float) -> float:
    canvas.line(14, y + 6, 34, y + 6, "ln", stroke_dasharray="2 2")
    canvas.text(40, y + 10, "waits or starts", "dim")
    x = 56 + wide("waits or starts")
    canvas.rect(x, y + 1, 20, 11, "ink", fill="none", stroke_width=0.7)
    canvas.text(x + 26, y + 10, "runs", "dim")
    x += 42 + wide("runs")
    canvas.line(x, y + 6, x + 20, y + 6, "", fill="none", stroke=ORANGE, stroke_width=3)
    canvas.text(x + 26, y + 10, "leads", "dim")
    return y + 20


def _lane_name(life: Life) -> str:
    return f"{life.service}.{life.slot or life.node}"


def _slots(canvas: Canvas, history: History, axis: Axis, dress: Dress, y: float) -> float:
    by_slot: dict[tuple[str, int, str], list[Life]] = defaultdict(list)
    for life in history.lives.values():
        by_slot[life.service, life.slot, "" if life.slot else life.node].append(life)
    for (service, slot, node), lives in sorted(by_slot.items())[:MOST_LANES]:
        name = f"{service}.{slot or node}"
        y = _lane(canvas, name, sorted(lives, key=_order), axis, dress, y, lambda life: life.node)
    return _and_more(canvas, len(by_slot) - MOST_LANES, axis, y)


def _nodes(canvas: Canvas, history: History, axis: Axis, dress: Dress, y: float) -> float:
    by_node: dict[str, list[Life]] = defaultdict(list)
    for life in history.lives.values():
        by_node[life.node].append(life)
    shown = list(history.spells)[:MOST_LANES]
    for name in shown:
        top, lives = y, sorted(by_node[name], key=_order)
        led = LANE if any(spell.leader for spell in history.spells[name]) else 0
        _spells(canvas, history, name, axis, y, led + LANE * max(_rows_of(lives, axis), 1))
        y += led
        y = _lane(canvas, name, lives, axis, dress, y, _lane_name)
        canvas.line(axis.left, top, axis.right, top, "hair")
    return _and_more(canvas, len(history.spells) - MOST_LANES, axis, y)


def _spells(canvas: Canvas, history: History, name: str, axis: Axis, y: float, height: float) -> None:
    spells = history.spells[name]
    ends = [spell.at for spell in spells[1:]] + [axis.end]
    for spell, end in zip(spells, ends, strict=True):
        x, width = axis.x(spell.at), axis.x(end) - axis.x(spell.at)
        if not spell.up:
            canvas.group(f"{name} {spell.trouble} from {spell.at:.2f} s")
            canvas.hatch(x, y, width, height)
            canvas.end()
        if spell.leader:
            canvas.group(f"{name} leads from {spell.at:.2f} s")
            canvas.line(x, y + 7, x + width, y + 7, "", fill="none", stroke=ORANGE, stroke_width=3)
            canvas.star(x, y + 7, 6)
            canvas.end()


def _lane(
    canvas: Canvas,
    name: str,
    lives: Sequence[Life],
    axis: Axis,
    dress: Dress,
    y: float,
    where: Callable[[Life], str],
) -> float:
    canvas.text(axis.left - GAP, y + 11, fit(name, axis.left - GAP - 2), "fg", "end")
    rows: list[float] = []  # up to where each row is taken
    for life in lives:
        row = _free_row(rows, life, axis)
        _bar(canvas, life, axis, dress, y + row * LANE, where(life))
    return y + max(len(rows), 1) * LANE + 2


def _rows_of(lives: Sequence[Life], axis: Axis) -> int:
    rows: list[float] = []
    for life in lives:
        _free_row(rows, life, axis)
    return len(rows)


def _free_row(rows: list[float], life: Life, axis: Axis) -> int:
    end = axis.end if life.ended is None else life.ended
    for i, taken in enumerate(rows):
        if taken <= life.created + 1e-9:
            rows[i] = end
            return i
    rows.append(end)
    return len(rows) - 1


def _bar(canvas: Canvas, life: Life, axis: Axis, dress: Dress, y: float, words: str) -> None:
    start, end = axis.x(life.created), axis.x(axis.end if life.ended is None else life.ended)
    running = end if life.running is None else axis.x(life.running)
    error = f": {life.error}" if life.error else ""
    title = f"{life.service}.{life.slot or life.node} {life.version} on {life.node or 'no node'}, {life.look}"
    canvas.group(title + error, life=life.id, look=life.look)
    canvas.line(start, y + 6.5, max(running, start), y + 6.5, "ln", stroke_dasharray="2 2")
    if life.running is not None:
        _ran(canvas, dress.get(life.version), running, max(end - running, 1), y + 1)
        _bar_words(canvas, words, life, running, end, axis, y + 10.5)
    if life.ended is not None:
        canvas.task(life.look, end, y + 6.5, 4)
    canvas.end()


def _ran(canvas: Canvas, version: VersionMark | None, x: float, width: float, y: float) -> None:
    if version:
        canvas.block(x, y, width, 11, version, opacity=0.35)
        if width >= 13:
            canvas.tag(version, x, y, 11)
    canvas.rect(x, y, width, 11, "ink", fill="transparent", stroke_width=0.7)


def _bar_words(
    canvas: Canvas, words: str, life: Life, start: float, end: float, axis: Axis, y: float
) -> None:
    """Whole or not at all; at the right edge of the picture there is room beside the bar."""
    mark = 0 if life.ended is None else 8
    if wide(words) <= end - start - 20 - mark:
        canvas.text(start + 17, y, words)
    elif end >= axis.right - 1:
        canvas.text(end + 4 + mark, y, words, "dim")


def _and_more(canvas: Canvas, more: int, axis: Axis, y: float) -> float:
    if more <= 0:
        return y
    canvas.text(axis.left, y + 11, f"and {more} more", "dim")
    return y + LANE


def _order(life: Life) -> tuple[float, str]:
    return life.created, life.id


# ---- requests


def requests(canvas: Canvas, history: History, frame: Frame, y: float) -> float:
    """Requests that were answered (up) and that failed (down, crossed), per slice of time."""
    if not history.requests:
        return y
    axis, base, slices = axis_of(history, frame), y + 70, 120
    width = (axis.end - axis.start) / slices
    ok, bad = [0] * slices, [0] * slices
    for at, good, failed in history.requests:
        i = min(max(int((at - axis.start) / width), 0), slices - 1)
        ok[i], bad[i] = ok[i] + good, bad[i] + failed
    scale = 45 / max([1, *ok, *bad])
    canvas.text(10, y + 10, "requests", bold=True)
    canvas.text(axis.left + 20, y + 10, f"{sum(ok)} answered, {sum(bad)} failed")
    for i in range(slices):
        x, w = axis.x(axis.start + i * width), (axis.right - axis.left) / slices
        if ok[i]:
            canvas.rect(x, base - ok[i] * scale, w - 1, ok[i] * scale, fill=GREEN)
        if bad[i]:
            canvas.group(f"{bad[i]} failed")
            canvas.rect(x, base + 1, w - 1, max(bad[i] * scale / 3, 2), fill=VERMILLION)
            canvas.task(Look.FAILED, x + w / 2, base + 8, 4)
            canvas.end()
    canvas.line(axis.left, base, axis.right, base)
    return base + 26
