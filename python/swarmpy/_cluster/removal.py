"""Removes the folder of a cluster that has ended. A file system that keeps a journal lets each removal wait a
little; the nodes' folders wait together, not one after the other.
"""

from __future__ import annotations

import os
import shutil
import threading
from contextlib import suppress
from pathlib import Path

AT_ONCE = 16


def remove(folder: Path) -> None:
    """All of it that can be removed. Returns when that is gone."""
    parts: list[str] = []
    with suppress(OSError), os.scandir(folder) as entries:
        parts = [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
    workers = [
        threading.Thread(target=_remove_all, args=(parts[first::AT_ONCE],), name="swarmpy-removal")
        for first in range(min(AT_ONCE, len(parts)))
    ]
    with suppress(RuntimeError):  # a Python that is at its end may start no threads: what follows does it
        for worker in workers:
            worker.start()
    for worker in workers:
        if worker.ident is not None:
            worker.join()
    shutil.rmtree(folder, ignore_errors=True)


def _remove_all(folders: list[str]) -> None:
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
