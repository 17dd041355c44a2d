"""Mask: what a run leaves out. Shape: what it starts with. Happening: what a gate was asked about. Values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

from swarmpy._show import counted

Item: TypeAlias = tuple[str, int]  # ("fault" | "write" | "sleep", its number within the run)
HARM = ("kill", "kill_task")  # changes by Node and Task that are faults in all but the call


@dataclass(frozen=True)
class Shape:
    """A swarm to be made for each seed."""

    managers: int = 3
    workers: int = 5
    mode: str = "sim"

    def __str__(self) -> str:
        real = "" if self.mode == "sim" else f", {self.mode}"
        return f"{counted(self.managers, 'manager')}, {counted(self.workers, 'worker')}{real}"


@dataclass(frozen=True)
class Mask:
    """`out`: what does not happen. `only`: of faults and changes nothing else, either (None: all may): a run
    that goes on for longer than the first one has no new ones. `spans`: seconds that take the place of a
    fault's or a sleep's own.
    """

    out: frozenset[Item] = frozenset()
    spans: tuple[tuple[Item, float], ...] = ()
    managers: int | None = None
    workers: int | None = None
    only: frozenset[Item] | None = None

    @property
    def smaller(self) -> bool:
        """It leaves something out, or makes something shorter."""
        return bool(self.out or self.spans or self.managers is not None or self.workers is not None)

    def lets(self, item: Item) -> bool:
        """Returns true if this one is to happen."""
        return item not in self.out and (self.only is None or item in self.only or item[0] == "sleep")

    def without(self, *items: Item) -> Mask:
        """Returns a mask that leaves these out, too."""
        return replace(self, out=self.out | set(items))

    def with_span(self, item: Item, seconds: float) -> Mask:
        """Returns a mask in which the item lasts for so long."""
        spans = {**dict(self.spans), item: seconds}
        return replace(self, spans=tuple(sorted(spans.items())))

    def applied_to(self, shape: Shape) -> Shape:
        """Returns the shape of a swarm with the number of nodes that the mask says."""
        managers = shape.managers if self.managers is None else self.managers
        return replace(
            shape, managers=managers, workers=shape.workers if self.workers is None else self.workers
        )


NOTHING = Mask()


@dataclass(frozen=True)
class Happening:
    """What a gate was asked about. `kind`: the fault's kind, the change's verb, or `"sleep"`. `at`: seconds
    of the swarm's clock when it began or is to begin; `span`: how long it was meant to last, 0 for no end.
    """

    item: Item
    kind: str
    text: str
    at: float
    span: float = 0.0
    happened: bool = True

    @property
    def is_fault(self) -> bool:
        """Returns true for a fault, and for a change that harms as one."""
        return self.item[0] == "fault" or self.kind in HARM

    def __str__(self) -> str:
        return f"{self.text}@{self.at:.3f}s"
