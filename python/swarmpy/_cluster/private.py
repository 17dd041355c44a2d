"""Files and folders that are their user's alone, under any umask."""

from __future__ import annotations

import os
from pathlib import Path


def make_folder(path: Path) -> None:
    """Makes it, 0700, and the folders above it that are missing; FileExistsError if it is there."""
    for missing in reversed([parent for parent in path.parents if not parent.exists()]):
        make_one(missing, exist_ok=True)
    make_one(path, exist_ok=False)


def make_one(path: Path, exist_ok: bool) -> None:
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        if not exist_ok or not path.is_dir():
            raise
        return
    path.chmod(0o700)  # a umask may have taken the user's own rights


def opener(path: str, flags: int) -> int:
    """For open(opener=...): a file that is made is 0600."""
    file = os.open(path, flags, 0o600)
    if os.fstat(file).st_mode & 0o777 != 0o600:
        os.fchmod(file, 0o600)
    return file


def write_text(path: Path, text: str) -> None:
    with open(path, "w", opener=opener) as file:
        file.write(text)
