"""What differs between two moments of a swarm, as a table."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from swarmpy import _show
from swarmpy._brief import Brief
from swarmpy.peek import Peek

HEADER = ("WHAT", "NAME", "FIELD", "BEFORE", "AFTER")
MOST_SHOWN = 30
_DULL = {"id", "version", "name", "service", "slot"}  # which one it is, and numbers that only count


@dataclass(frozen=True)
class Change(metaclass=Brief):
    """One difference. `what`: "node", "service", "task", "raft" or "swarm". `field`: "" where the whole thing
    came (`before` is None) or went (`after` is None).
    """

    what: str
    name: str
    field: str
    before: Any
    after: Any

    def row(self) -> tuple[str, ...]:
        """As a line of a table."""
        return self.what, self.name, self.field, _text(self.before), _text(self.after)


class Diff(metaclass=Brief):
    """What changed between two moments, a `Change` each: iterate, `len`, index. Empty, and so false, when
    nothing did. `.before` and `.after` are the two peeks.
    """

    def __init__(self, before: Peek, after: Peek) -> None:
        self.before, self.after = before, after
        self._changes = tuple(_changes(before, after))

    def __len__(self) -> int:
        return len(self._changes)

    def __getitem__(self, index: int) -> Change:
        return self._changes[index]

    def __iter__(self) -> Iterator[Change]:
        return iter(self._changes)

    def _head(self) -> str:
        some = f"{len(self)} changes" if self else "nothing changed"
        return f"{self.before.at:.3f}s -> {self.after.at:.3f}s: {some}"

    def __repr__(self) -> str:
        rows = [change.row() for change in self._changes[:MOST_SHOWN]]
        more = [f"... and {len(self) - MOST_SHOWN} more"] if len(self) > MOST_SHOWN else []
        return "\n".join([f"<Diff {self._head()}>", *([_show.table(HEADER, rows)] if rows else []), *more])

    def _repr_html_(self) -> str:
        return _show.html_box([_show.html_table(self._head(), HEADER, [one.row() for one in self])])


def _text(value: object) -> str:
    return "-" if value is None else str(value)


def _changes(before: Peek, after: Peek) -> Iterator[Change]:
    if before.leader != after.leader:
        yield Change("swarm", "", "leader", before.leader, after.leader)
    yield from _of("node", before.nodes, after.nodes, "name")
    yield from _of("service", before.services, after.services, "name")
    yield from _of("task", before.tasks, after.tasks, "id")
    yield from _of("raft", before.raft, after.raft, "node")


def _of(what: str, before: Sequence[Any], after: Sequence[Any], key: str) -> Iterator[Change]:
    then = {getattr(one, key): one for one in before}
    now = {getattr(one, key): one for one in after}
    for which in [*then, *(one for one in now if one not in then)]:
        old, new = then.get(which), now.get(which)
        name = _name(what, new if new is not None else old)
        if old is None or new is None:
            yield Change(what, name, "", old and _brief(old), new and _brief(new))
            continue
        for field in dataclasses.fields(new):
            one, other = getattr(old, field.name), getattr(new, field.name)
            if one != other and field.name not in _DULL and field.name != key:
                yield Change(what, name, field.name, one, other)


def _name(what: str, thing: Any) -> str:
    return thing.node if what == "raft" else str(thing.name)


def _brief(thing: Any) -> str:
    return " ".join(str(part) for part in thing.row()[1:4] if part != "")
