"""What tests of nodes with network namespaces share: a cluster of them, or a skip with the kernel's words."""

from __future__ import annotations

import ctypes
import itertools
import os
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import pytest

import swarmpy as sp
from local import PATIENCE, eventually, own_home
from swarmpy._cluster import LocalCluster, LocalNode
from swarmpy._cluster.hub import NotGranted

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000
T = TypeVar("T")
NUMBERS = itertools.count()
LINKS = 1  # RTMGRP_LINK: the kernel tells of links that come and go


def until(holds: Callable[[], bool], what: str) -> None:
    """Asks again and again, where nothing tells of a change."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, f"not so in {PATIENCE:g} s: {what}"
        time.sleep(0.005)


@contextmanager
def spaced(managers: int, workers: int, *, init: bool = True) -> Iterator[LocalCluster]:
    """A cluster in namespaces, in a home of its own."""
    with own_home(), start(managers, workers, init=init) as cluster:
        yield cluster


@contextmanager
def emptied(cluster: LocalCluster) -> Iterator[sp.Swarm]:
    """The swarm of a `spaced` cluster; what services and networks there are at the end go."""
    door = cluster.nodes[0].door
    with sp.attach("spaced") as swarm:
        yield swarm
        for service in swarm.services:
            service.remove()
        eventually(door, lambda: not door.get("/tasks"), "its tasks are gone")
        swarm.networks.prune()


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
    deadline = time.monotonic() + PATIENCE
    for pid in pids:
        with suppress(ProcessLookupError):
            handle = os.pidfd_open(pid)
            poll = select.poll()
            poll.register(handle, select.POLLIN)
            assert poll.poll(max(0.0, deadline - time.monotonic()) * 1000), f"{pid} lives on"
            os.close(handle)


def in_space(node: LocalNode, make: Callable[[], T]) -> T:
    """What `make` returns in the node's network namespace; a socket that it opens belongs there."""
    made: list[T] = []

    def enter_and_make() -> None:
        assert node.hub is not None
        with node.hub.spaces(node.name) as (space, *_):
            assert LIBC.setns(space, CLONE_NEWNET) == 0
            made.append(make())

    thread = threading.Thread(target=enter_and_make)  # it ends in there
    thread.start()
    thread.join()
    return made[0]


class Ear:
    """A datagram socket of a node, and what it hears."""

    def __init__(self, node: LocalNode) -> None:
        self._socket = in_space(node, lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        self._socket.bind((node.address, 0))
        self._socket.setblocking(False)

    def hears(self, other: Ear) -> bool:
        """At once: the kernel delivers a datagram within the call that sends it, or little later."""
        text = f"{next(NUMBERS)}".encode()
        other._socket.sendto(text, self._socket.getsockname())
        while select.select([self._socket], [], [], 0)[0]:
            if self._socket.recv(64) == text:
                return True
        return False

    def will_hear(self, other: Ear) -> bool:
        """Or fails."""
        until(lambda: self.hears(other), "a node hears the other one")
        return True

    def close(self) -> None:
        self._socket.close()


@contextmanager
def ears(*nodes: LocalNode) -> Iterator[list[Ear]]:
    """Of nodes that hear each other: their kernels know each other's MACs."""
    found = [Ear(node) for node in nodes]
    assert all(one.will_hear(other) for one in found for other in found)
    try:
        yield found
    finally:
        for one in found:
            one.close()
