"""notebooks: copies the notebooks, and the page of first steps, to where they can be worked on.

A wheel carries them in the package; in the source tree they are beside it.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

from swarmpy.errors import Conflict, NotFound, SwarmError

PACKAGE = Path(__file__).resolve().parents[1]
IN_WHEEL, IN_SOURCE = PACKAGE / "notebooks", PACKAGE.parents[1] / "notebooks"
PAGE = PACKAGE / "docs" / "first_steps.md"


def notebooks(options: argparse.Namespace) -> None:
    files = [*originals(), PAGE]
    folder = Path(options.folder)
    if folder.exists() and not folder.is_dir():
        raise SwarmError(f"{folder} is a file", code="FailedPrecondition", hint="Name a folder.")
    there = [file.name for file in files if (folder / file.name).exists()]
    if there and not options.force:
        raise Conflict(
            f"{folder} has {', '.join(there)} already",
            hint="Name another folder, or overwrite your changes with --force.",
        )
    folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        shutil.copyfile(file, folder / file.name)
    copies = [str(folder / file.name) for file in files]
    print(json.dumps(copies, indent=2) if options.json else "\n".join(copies))


def originals() -> list[Path]:
    found = sorted((IN_WHEEL if IN_WHEEL.is_dir() else IN_SOURCE).glob("*.ipynb"))
    if not found:
        raise NotFound("this installation has no notebooks", hint="Install the wheel again.")
    return found
