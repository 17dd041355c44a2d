"""Draws a plan from a seed. Pure: the same arguments and seed give the same plan, in every world and version
of Python (only `Random.random()` is asked).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from swarmpy._faults.words import KINDS
from swarmpy._models.nearest import check_word
from swarmpy.errors import InvalidArgument
from swarmpy.plan import Fault, Plan

DRAWN = (
    "kill",
    "stop",
    "power_off",
    "freeze",
    "partition",
    "cut",
    "net",
    "hold",
    "throttle",
    "disk",
    "clock",
    "kill_task",
    "transfer",
)
DEFAULT = ("kill", "stop", "power_off", "freeze", "partition", "cut", "net", "hold")
_HARMLESS = ("net", "disk", "clock", "throttle", "kill_task", "transfer")  # they take no manager away
_ATTEMPTS = 20  # to find a fault that leaves a quorum


@dataclass
class Draw:
    """What there is to break. `tasks`: names such as "web.1". `every`, `length`, `most`: seconds; `most`: how
    long one fault lasts at most.
    """

    managers: Sequence[str]
    workers: Sequence[str]
    tasks: Sequence[str]
    kinds: Sequence[str]
    every: float
    length: float
    most: float
    keep_quorum: bool
    random: Random
    _away: list[tuple[str, float, float]] = field(default_factory=list)  # managers, from, until

    def plan(self) -> Plan:
        faults, at = [], self._span(0.2 * self.every, 1.8 * self.every)
        while at < self.length:
            fault = self._one(at)
            if fault is not None:
                faults.append(fault)
            at += self._span(0.2 * self.every, 1.8 * self.every)
        return Plan(faults)

    def _one(self, at: float) -> Fault | None:
        """None: no fault leaves a quorum at that moment."""
        for _ in range(_ATTEMPTS):
            lasts = self._span(0.1 * self.most, self.most)
            kind = self._choice(self.kinds)
            drawn = _WAYS.get(kind, _of_a_node)(self, kind)
            if drawn is None:
                continue
            arguments, hit = drawn
            if kind in _HARMLESS or self._spares_quorum(hit, at, at + lasts):
                momentary = kind in ("kill_task", "transfer")
                return Fault(kind, at=_ms(at), for_=None if momentary else _ms(lasts), **arguments)
        return None

    def _spares_quorum(self, hit: Sequence[str], begin: float, end: float) -> bool:
        new = [name for name in hit if name in self.managers]
        away = {name for name, since, until in self._away if since < end and begin < until + 1}
        bearable = (len(self.managers) - 1) // 2
        if self.keep_quorum and new and len(away | set(new)) > bearable:
            return False
        self._away += [(name, begin, end) for name in new]
        return True

    # ---- chance

    def _span(self, least: float, most: float) -> float:
        return least + (most - least) * self.random.random()

    def _choice(self, of: Sequence[str]) -> str:
        return of[int(self.random.random() * len(of))]

    def _some(self, of: Sequence[str], count: int) -> list[str]:
        left, found = list(of), []
        for _ in range(min(count, len(left))):
            found.append(left.pop(int(self.random.random() * len(left))))
        return found

    @property
    def _nodes(self) -> list[str]:
        return [*self.managers, *self.workers]


_Drawn = tuple[dict[str, Any], Sequence[str]]


def _of_a_node(draw: Draw, _kind: str) -> _Drawn:
    node = draw._choice(draw._nodes)
    return {"node": node}, [node]


def _of_a_link(draw: Draw, kind: str) -> _Drawn | None:
    ends = draw._some(draw._nodes, 2)
    if len(ends) < 2:
        return None
    words: dict[str, Any] = {"from": [ends[0]], "to": [ends[1]], "both": draw.random.random() < 0.5}
    if kind == "net":
        words["latency"] = f"{round(draw._span(5, 200))}ms"
        words["jitter"] = f"{round(draw._span(0, 50))}ms"
        words["loss"] = round(draw._span(0, 0.3), 2)
    return words, ends[:1] if ends[0] in draw.managers else ends[1:]


def _partition(draw: Draw, _kind: str) -> _Drawn | None:
    nodes = draw._nodes
    if len(nodes) < 2:
        return None
    side = draw._some(nodes, 1 + int(draw.random.random() * (len(nodes) // 2)))
    rest = [name for name in nodes if name not in side]
    fewer = side if sum(one in draw.managers for one in side) * 2 <= len(draw.managers) else rest
    return {"groups": [side, rest], "one_way": draw.random.random() < 0.25}, fewer


def _disk(draw: Draw, _kind: str) -> _Drawn:
    node = draw._choice(draw._nodes)
    return {"node": node, "fsync_delay": f"{round(draw._span(5, 300))}ms"}, [node]


def _clock(draw: Draw, _kind: str) -> _Drawn:
    node = draw._choice(draw._nodes)
    return {"node": node, "skew": f"{round(draw._span(-5000, 5000))}ms"}, [node]


def _throttle(draw: Draw, _kind: str) -> _Drawn:
    node = draw._choice(draw._nodes)
    return {"node": node, "factor": round(draw._span(2, 20))}, [node]


def _task(draw: Draw, _kind: str) -> _Drawn | None:
    return ({"task": draw._choice(draw.tasks)}, []) if draw.tasks else None


def _transfer(draw: Draw, _kind: str) -> _Drawn | None:
    return ({}, []) if len(draw.managers) > 1 else None


_WAYS: dict[str, Callable[[Draw, str], _Drawn | None]] = {
    "partition": _partition,
    "cut": _of_a_link,
    "net": _of_a_link,
    "hold": _of_a_link,
    "disk": _disk,
    "clock": _clock,
    "throttle": _throttle,
    "kill_task": _task,
    "transfer": _transfer,
}


def check_kinds(kinds: Sequence[str] | str | None) -> list[str]:
    if kinds is None:
        return list(DEFAULT)
    found = [kinds] if isinstance(kinds, str) else list(kinds)
    for kind in found:
        word = kind.replace("-", "_") if isinstance(kind, str) else kind
        check_word("fault", word, KINDS)
        if word not in DRAWN:
            raise InvalidArgument(f"{word} cannot be drawn: it needs to be told what", hint="Add it by hand.")
    if not found:
        raise InvalidArgument("kinds is empty", hint=f"Say some of: {', '.join(DRAWN)}.")
    return [kind.replace("-", "_") for kind in found]


def _ms(seconds: float) -> str:
    return f"{max(1, round(seconds * 1000))}ms"
