"""Prints the share of lines that tests reached for each room of cpp/.

coverage_rooms.py SUMMARY    SUMMARY: what gcovr --json-summary wrote
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path


def main(arguments: list[str]) -> int:
    lines: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for file in json.loads(Path(arguments[0]).read_text())["files"]:
        room = Path(file["filename"]).parts[1]
        for name in (room, "all of C++"):
            lines[name][0] += file["line_covered"]
            lines[name][1] += file["line_total"]
    for name, (covered, total) in sorted(lines.items(), key=lambda item: item[1][0] / max(item[1][1], 1)):
        print(f"{name:18} {100 * covered / max(total, 1):5.1f} % of {total:6} lines")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
