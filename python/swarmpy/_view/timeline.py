"""Pictures over time: desired and running by version (`load`), and every task's life by slot and by node
(`lanes`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from swarmpy._view.model import Frame, History, Life, Look, Mark, Sample
from swarmpy._view.paint import GREEN, GREY, ORANGE, VERMILLION, WIDTH, Canvas, colours, fit, n, ticks

LEFT, RIGHT, HEIGHT = 70, 150, 120
MOST_LISTED = 24
LANE, MOST_LANES = 15, 120


@dataclass(frozen=True)
class Axis:
    """Seconds to pixels."""

    start: float
    end: float

    def x(self, at: float) -> float:
        share = (min(max(at, self.start), self.end) - self.start) / (self.end - self.start)
        return LEFT + share * (WIDTH - LEFT - RIGHT)


def axis_of(history: History, frame: Frame) -> Axis:
    return Axis(history.began, max(history.last(frame), history.began + 0.1))


# ---- desired and running


def load(canvas: Canvas, history: History, frame: Frame, y: float) -> float:
    """Desired (dashed line) and running (areas, one per version) over time, with the marks."""
    axis = axis_of(history, frame)
    samples = list(history.samples)
    top = max([1, *(max(s.wanted, sum(s.running.values())) for s in samples)])
    base, scale = y + 32 + HEIGHT, HEIGHT / (top * 1.08)
    canvas.text(10, y + 10, "running tasks", "fg b")
    _ground(canvas, axis, y + 32, base)
    for value in sorted({0, top // 2, top}):
        canvas.text(LEFT - 6, base - value * scale + 4, value, "dim", "end")
        canvas.line(LEFT, base - value * scale, WIDTH - RIGHT, base - value * scale, "hair")
    levels = _areas(canvas, history, samples, axis, base, scale)
    if samples:
        d = _steps(samples, axis, lambda s: base - s.wanted * scale)
        canvas.path(d, "ink", fill="none", stroke_width=1.5, stroke_dasharray="5 3")
        levels.append((base - samples[-1].wanted * scale, f"desired {samples[-1].wanted}"))
    _labels(canvas, levels, y + 36, base)
    return _marks(canvas, history, axis, y + 23, base)


def _areas(
    canvas: Canvas, history: History, samples: Sequence[Sample], axis: Axis, base: float, scale: float
) -> list[tuple[float, str]]:
    """Stacked; gives where each that runs now is to be named."""
    hues = colours(history.versions)
    below = [0] * len(samples)
    labels: list[tuple[float, str]] = []
    for version in history.versions:
        counts = [sample.running.get(version, 0) for sample in samples]
        if not any(counts):
            continue
        above = [a + b for a, b in zip(below, counts, strict=True)]
        d = _band(samples, axis, [base - v * scale for v in below], [base - v * scale for v in above])
        canvas.path(d, fill=hues[version], fill_opacity=0.8, stroke=hues[version])
        if counts[-1]:
            labels.append((base - (below[-1] + above[-1]) / 2 * scale, f"{version}  {counts[-1]}"))
        below = above
    return labels


def _band(samples: Sequence[Sample], axis: Axis, low: Sequence[float], high: Sequence[float]) -> str:
    edges = [axis.x(sample.at) for sample in samples] + [axis.x(axis.end)]
    over = "".join(f"V{n(high[i])}H{n(edges[i + 1])}" for i in range(len(samples)))
    under = "".join(f"V{n(low[i])}H{n(edges[i])}" for i in reversed(range(len(samples))))
    return f"M{n(edges[0])} {n(low[0])}{over}{under}z"


def _steps(samples: Sequence[Sample], axis: Axis, height: Callable[[Sample], float]) -> str:
    d = f"M{n(axis.x(samples[0].at))} {n(height(samples[0]))}"
    for sample in samples[1:]:
        d += f"H{n(axis.x(sample.at))}V{n(height(sample))}"
    return d + f"H{n(axis.x(axis.end))}"


def _labels(canvas: Canvas, labels: list[tuple[float, str]], top: float, bottom: float) -> None:
    """To the right of the last moment, pushed apart so that none hides another."""
    y = bottom + 13.0
    for wish, words in sorted(labels, reverse=True):
        y = min(wish + 4, y - 13)
        if y > top - 10:
            canvas.text(WIDTH - RIGHT + 6, y, fit(words, RIGHT - 8))


def _ground(canvas: Canvas, axis: Axis, top: float, base: float) -> None:
    for at in ticks(axis.start, axis.end):
        x = axis.x(at)
        canvas.line(x, top, x, base, "hair")
        canvas.text(x, base + 13, f"{at:g} s", "dim", "middle")


def _marks(canvas: Canvas, history: History, axis: Axis, y: float, base: float) -> float:
    """A sign and a line for each, and below, in words, the newest."""
    marks = list(history.marks)
    for mark in marks:
        x = axis.x(mark.at)
        canvas.group(f"{mark.at:.2f} s: {mark.text}", mark=mark.kind)
        canvas.line(x, y + 5, x, base, "ln", stroke_dasharray="2 2")
        canvas.sign(mark.kind, x, y)
        canvas.end()
    return _listed(canvas, marks, base + 22)


def _listed(canvas: Canvas, marks: Sequence[Mark], y: float) -> float:
    shown, across = marks[-MOST_LISTED:], 4
    width = (WIDTH - 20) / across
    for i, mark in enumerate(shown):
        x, row = 10 + i % across * width, y + 6 + i // across * 16
        canvas.sign(mark.kind, x + 6, row)
        canvas.text(x + 16, row + 4, fit(f"{mark.at:.2f} s  {mark.text}", width - 22), "dim")
    return y + -(-len(shown) // across) * 16 + 8


# ---- lives


def lanes(canvas: Canvas, history: History, frame: Frame, y: float) -> float:
    """One lane for each slot of each service, then one block for each node, below a common time."""
    axis = axis_of(history, frame)
    hues = colours(history.versions)
    began = y
    canvas.text(10, y + 10, "every task, by slot", "fg b")
    x = 200.0
    for version, hue in hues.items():
        canvas.rect(x, y, 10, 10, fill=hue)
        canvas.text(x + 14, y + 10, version)
        x += 30 + 6.6 * len(version)
    y = _slots(canvas, history, axis, hues, y + 20)
    canvas.text(10, y + 16, "every task, by node", "fg b")
    y = _nodes(canvas, history, axis, hues, y + 24)
    for mark in history.marks:
        canvas.group(f"{mark.at:.2f} s: {mark.text}", mark=mark.kind)
        canvas.line(axis.x(mark.at), began + 16, axis.x(mark.at), y, "ln", stroke_dasharray="2 3")
        canvas.end()
    for at in ticks(axis.start, axis.end, 12):
        canvas.text(axis.x(at), y + 12, f"{at:g} s", "dim", "middle")
    return y + 22


def _slots(canvas: Canvas, history: History, axis: Axis, hues: Mapping[str, str], y: float) -> float:
    by_slot: dict[tuple[str, int, str], list[Life]] = defaultdict(list)
    for life in history.lives.values():
        by_slot[life.service, life.slot, "" if life.slot else life.node].append(life)
    for (service, slot, node), lives in sorted(by_slot.items())[:MOST_LANES]:
        name = f"{service}.{slot or node}"
        y = _lane(canvas, name, sorted(lives, key=_order), axis, hues, y, lambda life: life.node)
    return _and_more(canvas, len(by_slot) - MOST_LANES, y)


def _nodes(canvas: Canvas, history: History, axis: Axis, hues: Mapping[str, str], y: float) -> float:
    by_node: dict[str, list[Life]] = defaultdict(list)
    for life in history.lives.values():
        by_node[life.node].append(life)
    shown = list(history.spells)[:MOST_LANES]
    for name in shown:
        top, lives = y, sorted(by_node[name], key=_order)
        led = LANE if any(spell.leader for spell in history.spells[name]) else 0
        _spells(canvas, history, name, axis, y, led + LANE * max(_rows_of(lives, axis), 1))
        y += led
        y = _lane(canvas, name, lives, axis, hues, y, lambda life: f"{life.service}.{life.slot or life.node}")
        canvas.line(LEFT, top, WIDTH - RIGHT, top, "hair")
    return _and_more(canvas, len(history.spells) - MOST_LANES, y)


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
            canvas.line(x, y + 7, x + width, y + 7, "", stroke=ORANGE, stroke_width=3)
            canvas.star(x, y + 7, 6)
            canvas.end()


def _lane(
    canvas: Canvas,
    name: str,
    lives: Sequence[Life],
    axis: Axis,
    hues: Mapping[str, str],
    y: float,
    where: Callable[[Life], str],
) -> float:
    canvas.text(LEFT - 6, y + 11, fit(name, LEFT - 8), "fg", "end")
    rows: list[float] = []  # up to where each row is taken
    for life in lives:
        row = _free_row(rows, life, axis)
        _bar(canvas, life, axis, hues, y + row * LANE, where(life))
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


def _bar(canvas: Canvas, life: Life, axis: Axis, hues: Mapping[str, str], y: float, words: str) -> None:
    start, end = axis.x(life.created), axis.x(axis.end if life.ended is None else life.ended)
    running = end if life.running is None else axis.x(life.running)
    error = f": {life.error}" if life.error else ""
    title = f"{life.service}.{life.slot or life.node} {life.version} on {life.node or 'no node'}, {life.look}"
    canvas.group(title + error, life=life.id, look=life.look)
    canvas.line(start, y + 6.5, max(running, start), y + 6.5, "ln", stroke_dasharray="2 2")
    if life.running is not None:
        canvas.rect(running, y + 1, max(end - running, 1), 11, "ink", fill=hues.get(life.version, GREY),
                    fill_opacity=0.35, stroke_width=0.7)  # fmt: skip
        if end - running > 18:
            canvas.text(running + 4, y + 10.5, fit(words, end - running - 14))
    if life.ended is not None:
        canvas.task(life.look, end, y + 6.5, 4)
    canvas.end()


def _and_more(canvas: Canvas, more: int, y: float) -> float:
    if more <= 0:
        return y
    canvas.text(LEFT, y + 11, f"and {more} more", "dim")
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
    canvas.text(10, y + 10, "requests", "fg b")
    canvas.text(LEFT + 20, y + 10, f"{sum(ok)} answered, {sum(bad)} failed")
    for i in range(slices):
        x, w = axis.x(axis.start + i * width), (WIDTH - LEFT - RIGHT) / slices
        if ok[i]:
            canvas.rect(x, base - ok[i] * scale, w - 1, ok[i] * scale, fill=GREEN)
        if bad[i]:
            canvas.group(f"{bad[i]} failed")
            canvas.rect(x, base + 1, w - 1, max(bad[i] * scale / 3, 2), fill=VERMILLION)
            canvas.task(Look.FAILED, x + w / 2, base + 8, 4)
            canvas.end()
    canvas.line(LEFT, base, WIDTH - RIGHT, base)
    return base + 26
