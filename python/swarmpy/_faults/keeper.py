"""The keeper of one fault of a real cluster: a small process beside the Python that began it. It ends the
fault when its time is over, also when that Python is busy or dead; it holds the port that "another program
has"; and it wakes a frozen daemon whose cluster ends.

It ends by itself as soon as its fault is over, whichever process ended it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

LOOK = 0.1  # seconds between two looks at the ledger


def start(folder: Path, number: int, held: int | None = None) -> int:
    """Its process id. `held`: a descriptor that it keeps open."""
    from swarmpy._cluster import processes

    path = [entry for entry in sys.path if entry]
    code = f"import sys; sys.path[:] = {path!r}; from swarmpy._faults.keeper import main; main()"
    command = [sys.executable, "-S", "-c", code, f"{folder}/", str(number)]
    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=[] if held is None else [held],
        cwd="/",
        start_new_session=True,
    )
    processes.adopt(child)
    return child.pid


def dismiss(folder: Path, pid: int) -> None:
    """Ends a keeper (unless it is the caller itself) and returns when what it held is free."""
    import signal

    from swarmpy._cluster import processes
    from swarmpy._cluster.processes import Process

    if pid in (0, os.getpid()):
        return
    keeper = Process.find(pid, lambda words: f"{folder}/" in words and any("keeper" in one for one in words))
    if keeper is not None:
        with keeper:
            keeper.send(signal.SIGKILL)
            keeper.wait(2.0)
    processes.reap()


def main() -> None:
    folder, number = Path(sys.argv[1]), int(sys.argv[2])
    while (ends := _entry(folder, number)) is not None:
        left = ends - time.time()
        if left <= 0 or _is_orphan(folder):
            from swarmpy._cluster import LocalCluster
            from swarmpy._faults.real import RealBreaker

            RealBreaker(LocalCluster(folder)).end(number)
            return
        time.sleep(min(LOOK, left))


def _entry(folder: Path, number: int) -> float | None:
    """When it ends; None: it is over."""
    try:
        active = json.loads((folder / "faults.json").read_text())["active"]
    except (OSError, ValueError, KeyError):
        return None
    for entry in active:
        if entry["number"] == number:
            return float("inf") if entry["ends"] is None else entry["ends"] / 1e9
    return None


def _is_orphan(folder: Path) -> bool:
    """The Python that the cluster belongs to is dead: its daemons must hear that, and end."""
    from swarmpy._cluster import lease

    return (folder / "lease").exists() and not lease.is_held(folder)
