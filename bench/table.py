"""One row of the table, the arithmetic of its numbers, and how it is printed."""

from __future__ import annotations

import statistics
import textwrap
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """`ok` is None where nothing can be judged: the feature, or a peer, is not there."""

    what: str
    must: str
    measured: str
    ok: bool | None
    beside: str = ""  # the floor or peer of the same run, and the ratio to it
    docker: str = ""  # Docker Swarm 20.10 on a machine of this kind, measured before

    @property
    def verdict(self) -> str:
        return {True: "ok", False: "SHORT", None: "-"}[self.ok]


def not_there(what: str, must: str, why: str) -> Row:
    return Row(what, must, f"not there: {why}", None)


def share(values: Sequence[float], part: float) -> float:
    """The value below which `part` of all lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def median(values: Iterable[float]) -> float:
    return statistics.median(values)


def milliseconds(seconds: float) -> str:
    value = seconds * 1000
    return f"{value:.0f} ms" if value >= 100 else f"{value:.3g} ms"


def spread(values: Sequence[float]) -> str:
    """p50, p99 and max of some seconds."""
    return (
        f"p50 {milliseconds(median(values))}, p99 {milliseconds(share(values, 0.99))}, "
        f"max {milliseconds(max(values))} (n={len(values)})"
    )


COLUMNS = (("what", 38), ("must reach", 22), ("measured", 44), ("", 5), ("beside it, same run", 40))


def header() -> str:
    titles = "  ".join(f"{title:{width}}" for title, width in COLUMNS) + "  Docker 20.10"
    return titles + "\n" + "-" * len(titles)


def text(row: Row) -> str:
    cells = (row.what, row.must, row.measured, row.verdict, row.beside)
    wrapped = [textwrap.wrap(cell, width) for cell, (_, width) in zip(cells, COLUMNS, strict=True)]
    wrapped.append(textwrap.wrap(row.docker, 20))
    lines = []
    for i in range(max(map(len, wrapped))):
        parts = [cell[i] if i < len(cell) else "" for cell in wrapped]
        line = "  ".join(f"{part:{width}}" for part, (_, width) in zip(parts, COLUMNS, strict=False))
        lines.append(f"{line}  {parts[-1]}".rstrip())
    return "\n".join(lines)


def show(measure: Callable[[], list[Row]]) -> None:
    """What `python -m bench.NAME` does."""
    print(header())
    for row in measure():
        print(text(row), flush=True)
