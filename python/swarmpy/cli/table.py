"""Plain tables in the manner of docker: upper-case heads, columns three blanks apart."""

from __future__ import annotations

from collections.abc import Sequence

GAP = "   "


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[i]) for row in [heads, *rows]) for i in range(len(heads))]
    return "\n".join(
        GAP.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in [heads, *rows]
    )
