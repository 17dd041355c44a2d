#!/usr/bin/env python3
"""A fingerprint of the engine, as a header: of all code under cpp/ that a simulated run depends on.

Two builds with the same fingerprint give the same trace for the same journal, whatever compiled them.
Comments, blanks and tests do not count. Called by the build: engine_fingerprint.py CPP_DIR HEADER.
"""

import hashlib
import re
import sys
from pathlib import Path

ELSEWHERE = {"real", "bindings", "tools"}  # what a simulated run does not go through
KINDS = {".cpp", ".hpp", ".proto"}


def fingerprint(root: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*")):
        place = path.relative_to(root)
        if path.suffix not in KINDS or path.stem.endswith("_test") or place.parts[0] in ELSEWHERE:
            continue
        code = re.sub(rb"^\s*//.*$|\s+//\s.*$|\s+", b" ", path.read_bytes(), flags=re.MULTILINE)
        digest.update(str(place).encode() + b"\0" + re.sub(rb" +", b" ", code) + b"\0")
    return digest.hexdigest()[:16]


def main(root: str, header: str) -> None:
    text = f'#define SWARM_ENGINE_FINGERPRINT "{fingerprint(Path(root))}"\n'
    target = Path(header)
    if not target.exists() or target.read_text() != text:
        target.write_text(text)


if __name__ == "__main__":
    main(*sys.argv[1:])
