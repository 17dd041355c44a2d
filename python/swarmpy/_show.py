"""Tables for people: plain text for terminals, HTML (scoped, no script) for notebooks. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

MOST_LINES, MOST_ROWS = 9, 50
MOST_FOLDED = 1000  # rows of a page: a notebook keeps what it shows


def counted(number: int, word: str) -> str:
    """`1 manager`, `3 managers`."""
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"


def table(header: Sequence[str], rows: Sequence[Sequence[object]], most: int = MOST_LINES) -> str:
    """Columns as wide as they need; what is over `most` rows is counted, not shown."""
    shown = [[str(cell) for cell in row] for row in rows[:most]]
    widths = [max(len(line[i]) for line in [list(header), *shown]) for i in range(len(header))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in [list(header), *shown]
    ]
    if len(rows) > most:
        lines.append(f"... and {len(rows) - most} more")
    return "\n".join(lines)


def short(value: object, most: int = 60) -> str:
    """Its repr, cut where it is long."""
    text = repr(value)
    return text if len(text) <= most else f"{text[: most - 3]}..."


def html_table(caption: str, header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """One table with its caption; rows over `MOST_ROWS` fold away, those over `MOST_FOLDED` are counted."""
    head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
    body = _html_rows(rows[:MOST_ROWS])
    top = f"<caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead>"
    markup = f"<table>{top}<tbody>{body}</tbody></table>"
    if len(rows) > MOST_ROWS:
        rest, left = _html_rows(rows[MOST_ROWS:MOST_FOLDED]), len(rows) - MOST_FOLDED
        markup += (
            f"<details><summary>{len(rows) - MOST_ROWS} more</summary>"
            f"<table><tbody>{rest}</tbody></table>{f'... and {left} more' if left > 0 else ''}</details>"
        )
    return markup


def html_box(parts: Iterable[str]) -> str:
    return (
        '<div class="swarmpy"><style>.swarmpy table{margin:.3em 0;border-collapse:collapse}'
        ".swarmpy caption{text-align:left;font-weight:bold}"
        ".swarmpy th,.swarmpy td{text-align:left;padding:.1em .8em .1em 0}"
        "</style>" + "".join(parts) + "</div>"
    )


def _html_rows(rows: Sequence[Sequence[object]]) -> str:
    return "".join(
        "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows
    )
