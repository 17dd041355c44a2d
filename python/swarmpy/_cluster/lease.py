"""The lease that ties daemons to the Python that made them: a FIFO in the cluster's folder.

The owner holds the write end open for as long as it lives; every daemon, by whatever process started, gets a
read end (`swarmd --lease-fd`) and ends when that says end-of-file. The kernel closes what the dead held:
no crash of Python leaves a daemon behind. A cluster without a lease has no FIFO.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from swarmpy._cluster.errors import ClusterError


def _path(folder: Path) -> Path:
    return folder / "lease"


def hold(folder: Path) -> int:
    """Makes the lease and holds it: the descriptor to close when the cluster may end."""
    draft = folder / "lease.new"  # no process may see a lease that is not held yet
    os.mkfifo(draft, 0o600)
    draft.chmod(0o600)  # a umask may have taken rights of the user's own
    held = os.open(draft, os.O_RDWR)  # read-write: opening for writing alone waits for a reader
    draft.rename(_path(folder))
    return held


def is_held(folder: Path) -> bool:
    try:
        end = os.open(_path(folder), os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        return os.read(end, 1) != b""  # end-of-file: no process has the write end
    except BlockingIOError:
        return True
    finally:
        os.close(end)


@contextmanager
def reader(folder: Path, leased: bool) -> Iterator[int | None]:
    """A read end for one daemon, None where the cluster has no lease."""
    if not leased:
        yield None
        return
    if not is_held(folder):
        raise ClusterError(
            f"the Python that made the cluster {folder.name} has ended",
            f"end the cluster too: swarmpy down {folder.name}",
            python="make a new one: swarmpy.Swarm(...)",
        )
    end = os.open(_path(folder), os.O_RDONLY | os.O_NONBLOCK)
    try:
        yield end
    finally:
        os.close(end)
