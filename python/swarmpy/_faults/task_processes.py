"""The processes of a cluster's running tasks, found by their shims: no daemon is asked, for it may stand
still, or there may be no leader.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from swarmpy._cluster import processes
from swarmpy._cluster.processes import Process
from swarmpy._models.nearest import not_found

if TYPE_CHECKING:
    from swarmpy._cluster import LocalCluster


@dataclass(frozen=True)
class TaskProcess:
    """`name`: "web.1", or "agent.w1" of a global service."""

    name: str
    names: tuple[str, ...]
    pid: int
    shim: int


def kill(cluster: LocalCluster, wanted: str) -> None:
    """SIGKILL to a task's first process; raises `NotFound`."""
    found = list(_running(cluster))
    for task in found:
        if wanted in task.names:
            process = Process.find(task.pid, bool)
            if process is None:
                return
            with process:
                if processes.parent(task.pid) == task.shim:  # now that it is held: it is still that one
                    process.send(signal.SIGKILL)
            return
    raise not_found("running task", wanted, sorted(task.name for task in found))


def _running(cluster: LocalCluster) -> Iterator[TaskProcess]:
    children = processes.children()
    daemons = [pid for node in cluster.nodes if (pid := node.pid) is not None]
    shims = [child for daemon in daemons for child in children.get(daemon, [])]
    for shim in shims:
        if not processes.is_shim(processes.arguments(shim)):
            continue
        for pid in children.get(shim, []):
            told = _environment(pid)
            service, slot = told.get("SWARM_SERVICE_NAME", ""), told.get("SWARM_TASK_SLOT", "")
            if service:
                host = told.get("SWARM_NODE_HOSTNAME", "")
                name = f"{service}.{slot if slot.isdigit() else host}"
                names = (name, f"{service}.{slot}", told.get("SWARM_TASK_ID", ""))
                yield TaskProcess(name, (*names, told.get("SWARM_TASK_NAME", "")), pid, shim)


def _environment(pid: int) -> dict[str, str]:
    words: list[str] = []
    with suppress(OSError):
        words = Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace").split("\0")
    return dict(word.partition("=")[::2] for word in words)
