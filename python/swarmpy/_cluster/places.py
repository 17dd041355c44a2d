"""Where clusters live: the home folder, the program, and loopback networks that nobody uses."""

from __future__ import annotations

import os
import re
import shutil
import socket
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from importlib.resources import files
from pathlib import Path

from swarmpy._cluster.errors import ClusterError
from swarmpy._cluster.processes import Process, arguments
from swarmpy._models.plain import NAME, NAME_RULE

MANAGEMENT_PORT = 2377
LOCK_RECHECK = 0.005  # seconds
SOCKET_PATH_LIMIT = 107  # sun_path of unix(7), less the terminating zero


def home() -> Path:
    """The folder of all clusters of this user: $SWARMPY_HOME, or ~/.swarmpy."""
    return Path(os.environ.get("SWARMPY_HOME") or "~/.swarmpy").expanduser().absolute()


def check_name(name: str, what: str) -> str:
    if not NAME.fullmatch(name):
        raise ClusterError(f'"{name}" is no name for a {what}', NAME_RULE)
    return name


def program(name: str = "swarmd") -> Path:
    """A program of this package: inside it, else on PATH, else beside the Python that runs."""
    packaged, beside = str(files("swarmpy") / "bin" / name), str(Path(sys.prefix, "bin", name))
    for candidate in (packaged, shutil.which(name), beside):
        if candidate and os.access(candidate, os.X_OK):
            return Path(candidate)
    raise ClusterError(f"the program {name} is not installed", "in the source tree, run: make build")


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Networks are chosen under one lock: a name that only one process can have, in the very network whose
    addresses are chosen. The kernel takes it back from the dead.
    """
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as lock:
        while not _bound(lock, "\0swarmpy-networks"):
            time.sleep(LOCK_RECHECK)
        yield


def _bound(lock: socket.socket, name: str) -> bool:
    try:
        lock.bind(name)
    except OSError:
        return False
    return True


def free_network(known: Iterable[int]) -> int:
    """The lowest X of 127.0.X.0/24 that no cluster of this user has and nobody on this machine uses."""
    taken = {*known, *_networks_of_daemons()}
    for network in range(1, 255):
        if network not in taken and _nobody_listens(network):
            return network
    raise ClusterError("no loopback network is free", "end some clusters: swarmpy down --all")


def _networks_of_daemons() -> set[int]:
    found = set()
    for process in Process.find_all(lambda words: "--address" in words):
        with process:
            words = arguments(process.pid)
            if match := re.search(r"\0--address\0127\.0\.(\d+)\.", "\0".join(words)):
                found.add(int(match[1]))
    return found


def _nobody_listens(network: int) -> bool:
    for host in range(1, 17):
        with closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((f"127.0.{network}.{host}", MANAGEMENT_PORT))
            except OSError:
                return False
    return True
