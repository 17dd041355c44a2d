"""An older copy of a node's data root: taken when the fault begins, put back at the daemon's next start.

It is what a power cut at that moment would have left: the daemon stands still while its files are copied.
"""

from __future__ import annotations

import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from swarmpy._cluster import processes
from swarmpy.errors import SwarmError

if TYPE_CHECKING:
    from swarmpy._cluster import LocalNode

OF_PROCESSES = ("tasks", "LOCK", "docker.sock")  # not of the disk: they stay as they are
MOST_SECONDS = 5.0  # for a daemon to stand still


def _place(node: LocalNode) -> Path:
    return node.folder / "old-copies" / node.name


def take(node: LocalNode) -> None:
    """One at a time: the latest counts."""
    drop(node)
    with _standing_still(node):
        shutil.copytree(node.data_root, _place(node), ignore=shutil.ignore_patterns(*OF_PROCESSES))


def put_back(node: LocalNode) -> None:
    """Once, of a node that is down. Harmless where there is no copy, or after half of it was put back."""
    copy = _place(node)
    if not copy.is_dir():
        return
    for entry in node.data_root.iterdir():
        if entry.name not in OF_PROCESSES:
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    shutil.copytree(copy, node.data_root, dirs_exist_ok=True)
    drop(node)


def drop(node: LocalNode) -> None:
    shutil.rmtree(_place(node), ignore_errors=True)


@contextmanager
def _standing_still(node: LocalNode) -> Iterator[None]:
    pid = node.pid
    if pid is None or node.stopped:
        yield
        return
    node.signal(signal.SIGSTOP)
    try:
        deadline = time.monotonic() + MOST_SECONDS
        while not processes.stands_still(pid):
            if time.monotonic() > deadline:
                raise SwarmError(f"{node.name} (pid {pid}) does not stand still", code="Internal")
            time.sleep(0.001)
        yield
    finally:
        node.signal(signal.SIGCONT)
