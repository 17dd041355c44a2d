"""What tests of nodes with network namespaces share: a cluster of them, or a skip with the kernel's words."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from local import PATIENCE, own_home
from swarmpy._cluster import LocalCluster
from swarmpy._cluster.hub import NotGranted

LINKS = 1  # RTMGRP_LINK: the kernel tells of links that come and go


@contextmanager
def spaced(managers: int, workers: int, *, init: bool = True) -> Iterator[LocalCluster]:
    """A cluster in namespaces, in a home of its own."""
    with own_home(), start(managers, workers, init=init) as cluster:
        yield cluster


def start(managers: int, workers: int, *, name: str = "spaced", init: bool = True) -> LocalCluster:
    try:
        return LocalCluster.start(name, managers, workers, init=init, net="namespaces")
    except NotGranted as error:
        pytest.skip(str(error))


def host_link(cluster: LocalCluster) -> str:
    """The host's own link to the cluster's hub."""
    return f"swarmpy{cluster.nodes[0].address.split('.')[2]}"


def links() -> set[str]:
    return {name for _, name in socket.if_nameindex()}


def await_links(hold: Callable[[set[str]], bool]) -> None:
    """Returns when the host's links are so; looks again whenever the kernel says that one has changed."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as news:
        news.bind((0, LINKS))
        news.settimeout(PATIENCE)
        while not hold(links()):
            news.recv(65_536)


def network_spaces() -> set[int]:
    """The network namespaces that a process of this machine is in, by their numbers."""
    found = set()
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):
                found.add((folder / "ns" / "net").stat().st_ino)
    return found


def space_of(pid: int | None) -> int:
    return Path(f"/proc/{pid}/ns/net").stat().st_ino


def await_end(pids: list[int]) -> None:
    """Of processes that others ended."""
    import select

    deadline = time.monotonic() + PATIENCE
    for pid in pids:
        with suppress(ProcessLookupError):
            handle = os.pidfd_open(pid)
            poll = select.poll()
            poll.register(handle, select.POLLIN)
            assert poll.poll(max(0.0, deadline - time.monotonic()) * 1000), f"{pid} lives on"
            os.close(handle)
