"""Processes which others may have started, held by pidfds: a reused number is never signalled."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

# Daemons that this process started, kept so that they can be reaped. Unless leased they outlive it.
_children: list[subprocess.Popen[bytes]] = []


def adopt(child: subprocess.Popen[bytes]) -> None:
    _children.append(child)


def reap() -> None:
    """Takes note of children that have ended, so that they do not stay as zombies."""
    _children[:] = [child for child in _children if child.poll() is None]


def wait_for_names() -> None:
    """Waits until each child shows its command line: for a moment after it was started it has none yet."""
    ends = time.monotonic() + 1.0
    while any(child.poll() is None and not arguments(child.pid) for child in _children):
        if time.monotonic() > ends:
            return
        time.sleep(0.001)


def arguments(pid: int) -> list[str]:
    """The command line of a process; empty when it is dead or dying."""
    try:
        raw = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return []
    return [os.fsdecode(word) for word in raw.split(b"\0")[:-1]]


def state(pid: int) -> str:
    """As /proc tells it: "R", "S", "T" (stopped), ...; "" when it is dead."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return ""


def parent(pid: int) -> int:
    """0 when it is dead."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return 0


def children() -> dict[int, list[int]]:
    """Of all processes of this moment, by their parent."""
    found: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            found.setdefault(parent(int(entry.name)), []).append(int(entry.name))
    return found


def has_pending(pid: int, number: signal.Signals) -> bool:
    """It was sent a signal that it has not heard yet: it stands still."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().split("\n")
    except OSError:
        return False
    pending = next((line.split()[1] for line in lines if line.startswith("ShdPnd:")), "0")
    return bool(int(pending, 16) >> (number - 1) & 1)


def stands_still(pid: int) -> bool:
    """All of its threads are stopped, or it is dead."""
    try:
        threads = [int(entry.name) for entry in Path(f"/proc/{pid}/task").iterdir()]
    except OSError:
        return True
    return all(state(thread) in ("T", "t", "") for thread in threads)


def is_daemon(words: list[str]) -> bool:
    """Is that the command line of a swarmd?"""
    return Path(words[0]).name == "swarmd" and not is_shim(words)


def is_shim(words: list[str]) -> bool:
    """The process behind which a task runs (cpp/real/task_shim.hpp). Never killed: it does the killing."""
    return words[1:2] == ["--task-shim"]


class Process:
    """A living process whose command line is what was looked for. Use it as a context manager."""

    def __init__(self, pid: int, handle: int) -> None:
        self.pid = pid
        self._handle = handle

    @classmethod
    def find(cls, pid: int, is_wanted: Callable[[list[str]], bool]) -> Process | None:
        try:
            handle = os.pidfd_open(pid)
        except OSError:
            return None
        process = cls(pid, handle)
        words = arguments(pid)
        if words and is_wanted(words):
            return process
        if not words:
            process.wait(1.0)  # its memory is gone, its sockets follow: dead means both
        process.close()
        return None

    @classmethod
    def find_all(cls, is_wanted: Callable[[list[str]], bool]) -> list[Process]:
        found = (cls.find(pid, is_wanted) for pid in _looking_like(is_wanted))
        return [process for process in found if process is not None]

    def send(self, number: signal.Signals) -> None:
        try:
            signal.pidfd_send_signal(self._handle, number)
        except ProcessLookupError:
            return

    def wait(self, timeout: float) -> bool:
        """True when the process has ended: its sockets and files are closed."""
        poll = select.poll()
        poll.register(self._handle, select.POLLIN)
        return bool(poll.poll(max(0, int(timeout * 1000))))

    def close(self) -> None:
        os.close(self._handle)

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _looking_like(is_wanted: Callable[[list[str]], bool]) -> Iterator[int]:
    """Numbers whose command line is the one; whether it still is, is asked once the process is held."""
    own = os.getpid()
    with os.scandir("/proc") as entries:
        for entry in entries:
            pid = int(entry.name) if entry.name.isdigit() else own
            words = arguments(pid) if pid != own else []  # kernel threads have none, and never end
            if words and is_wanted(words):
                yield pid


def end_all(processes: Iterable[Process], grace: float) -> None:
    """SIGTERM, then SIGKILL to those that are there after `grace` seconds; closes the handles."""
    left = list(processes)
    for number, seconds in ((signal.SIGTERM, grace), (signal.SIGKILL, 10.0)):
        for process in left:
            process.send(number)
            process.send(signal.SIGCONT)  # one that stands still would not hear it
        deadline = time.monotonic() + seconds
        staying = []
        for process in left:
            if process.wait(deadline - time.monotonic()):
                process.close()
            else:
                staying.append(process)
        left = staying
    for process in left:
        process.close()
    reap()
