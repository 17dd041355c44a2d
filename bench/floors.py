"""What the machine itself can do: the floors that lines are measured against."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from swarmpy._cluster.places import program


class HandRun:
    """The stand-in web server, started and ended by hand: no supervisor, no swarm."""

    def __init__(self) -> None:
        self._program = str(program("swarm-web"))
        with contextlib.closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = str(probe.getsockname()[1])

    def start(self) -> int:
        """The pid of one that listens."""
        read, write = os.pipe()
        environment = {"SWARM_TASK_IP": "127.0.0.1", "SWARM_WEB_PORT": self._port}
        redirect = [(os.POSIX_SPAWN_DUP2, write, 1)]
        pid = os.posix_spawn(self._program, [self._program], environment, file_actions=redirect)
        os.close(write)
        os.read(read, 100)  # "listening"
        os.close(read)
        return pid

    @staticmethod
    def end(pid: int, number: signal.Signals) -> None:
        handle = os.pidfd_open(pid)
        os.kill(pid, number)
        select.select([handle], [], [])
        os.close(handle)
        os.waitpid(pid, 0)


def replace_by_hand(number: signal.Signals, rounds: int = 50) -> list[float]:
    """Seconds from the signal until a new process of the same program listens."""
    hand, took = HandRun(), []
    pid = hand.start()
    for _ in range(rounds):
        begun = time.perf_counter()
        hand.end(pid, number)
        pid = hand.start()
        took.append(time.perf_counter() - begun)
    hand.end(pid, signal.SIGKILL)
    return took


def durable_writes(rounds: int = 200) -> list[float]:
    """Seconds of a 4 KiB write with fdatasync into a file that has its size already."""
    took = []
    with scratch() as folder:
        handle = os.open(folder / "probe", os.O_RDWR | os.O_CREAT)
        os.pwrite(handle, bytes(4096 * rounds), 0)
        os.fsync(handle)
        for i in range(rounds):
            begun = time.perf_counter()
            os.pwrite(handle, b"x" * 4096, 4096 * i)
            os.fdatasync(handle)
            took.append(time.perf_counter() - begun)
        os.close(handle)
    return took


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="swarmpy-bench-", dir="/tmp") as folder:
        yield Path(folder)
