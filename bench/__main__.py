"""`python -m bench [NAME...]`: the whole table, or some of its lines."""

from __future__ import annotations

import importlib
import os
import sys
import traceback

from bench.table import Row, header, text

NAMES = (
    "restart",
    "scale",
    "update",
    "mesh_update",
    "leader_loss",
    "worker_loss",
    "creates",
    "reads",
    "lists",
    "mesh",
    "tls",
    "overlay",
    "networks",
    "sim",
    "seeds",
    "replay",
    "timeline",
    "footprint",
)


def main() -> int:
    names = sys.argv[1:] or os.environ.get("ONLY", "").replace(",", " ").split() or list(NAMES)
    if unknown := [name for name in names if name not in NAMES]:
        print(f"bench: no line {' '.join(unknown)}; there are: {' '.join(NAMES)}", file=sys.stderr)
        return 2
    print(header(), flush=True)
    rows: list[Row] = []
    for name in names:
        try:
            found = importlib.import_module(f"bench.{name}").measure()
        except Exception as error:  # the other lines are wanted all the same
            traceback.print_exc()
            found = [Row(name, "", f"it broke: {error}", False)]
        for row in found:
            print(text(row), flush=True)
        rows += found
    short = [row for row in rows if row.ok is False]
    fine, absent = (sum(row.ok is verdict for row in rows) for verdict in (True, None))
    print(f"\n{fine} ok, {len(short)} short, {absent} not there")
    return 1 if short else 0


if __name__ == "__main__":
    sys.exit(main())
