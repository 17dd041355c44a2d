"""How large a wheel is, and its largest parts, as they lie in it compressed.

wheel_parts.py WHEEL...
"""

from __future__ import annotations

import sys
from pathlib import Path
from zipfile import ZipFile

SHOWN = 5


def megabytes(size: int) -> str:
    return f"{size / 1e6:5.1f} MB"


def main(wheels: list[str]) -> None:
    for wheel in map(Path, wheels):
        print(f"{megabytes(wheel.stat().st_size)}  {wheel}")
        with ZipFile(wheel) as archive:
            parts = sorted(archive.infolist(), key=lambda part: -part.compress_size)
        for part in parts[:SHOWN]:
            print(
                f"   {megabytes(part.compress_size)}  {part.filename} ({megabytes(part.file_size).strip()})"
            )


if __name__ == "__main__":
    main(sys.argv[1:])
