"""One daemon of a local cluster: its places, its process, kill and start.

Invariant: whether it lives is asked of the kernel. The pid file only says where to look: the process counts
when its command line is that of a daemon on this node's data root.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from swarmpy._cluster import lease as leases
from swarmpy._cluster import networks, places, private, processes
from swarmpy._cluster.door import Door
from swarmpy._cluster.errors import ClusterError
from swarmpy._cluster.hub import Hub
from swarmpy._cluster.patience import waiting_for
from swarmpy._cluster.processes import Process, is_daemon

START_SECONDS = 30.0


@dataclass(frozen=True)
class LocalNode:
    """A node of a cluster in `folder`. `role` is what it was started as, not what it became since. `hub`: of
    its network namespace, where it has one.
    """

    name: str
    role: str
    address: str
    folder: Path
    sockets: Path
    leased: bool
    hub: Hub | None = None
    is_reached: bool = True  # by this machine's host, at its address

    @property
    def reach(self) -> str:
        """Where this machine reaches what the node publishes: its address, or one of the loopback that stands
        for it where a plain user's node has a network namespace.
        """
        network, number = self.address.split(".")[2:]
        return self.address if self.is_reached else f"127.0.{network}.{number}"

    @property
    def docker_host(self) -> str:
        return f"unix://{self.sockets / self.name}.sock"

    @property
    def data_root(self) -> Path:
        return self.folder / self.name

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.log"

    @property
    def door(self) -> Door:
        return Door(self.docker_host)

    @property
    def pid(self) -> int | None:
        process = self._process()
        if process is None:
            return None
        with process:
            return process.pid

    @property
    def alive(self) -> bool:
        return self.pid is not None

    def kill(self) -> None:
        """SIGKILL; returns when the process is dead and its sockets are closed."""
        process = self._process()
        if process is None:
            hint = f"start it: swarmpy node start {self.name}"
            raise ClusterError(f"{self.name} does not run", hint, python="start it: node.restart()")
        with process, waiting_for(f"{self.name} (pid {process.pid}) to die"):
            process.send(signal.SIGKILL)
            if not process.wait(10.0):
                raise ClusterError(f"{self.name} (pid {process.pid}) does not die")
        processes.reap()

    @property
    def stopped(self) -> bool:
        """It stands still (SIGSTOP)."""
        pid = self.pid
        return pid is not None and processes.state(pid) in ("T", "t")

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal; harmless when it is dead."""
        process = self._process()
        if process is not None:
            with process:
                process.send(number)

    def wait_dead(self, timeout: float) -> bool:
        """True when it has ended, or was dead."""
        process = self._process()
        if process is None:
            return True
        with process:
            dead = process.wait(timeout)
        processes.reap()
        return dead

    def start(self) -> None:
        """Starts the daemon on its data root; returns when its API answers, quorum or not."""
        if self.alive:
            hint = f"kill it first: swarmpy node kill {self.name}"
            raise ClusterError(f"{self.name} runs already", hint, python="kill it first: node.kill()")
        try:
            self._begin()
        except KeyboardInterrupt:  # half a start is none: it would hold what the next one needs
            words = str(self.data_root)
            processes.wait_for_names()
            processes.end_all(Process.find_all(lambda all_: is_daemon(all_) and words in all_), 0)
            raise
        if (self.folder / "faults.json").exists():
            from swarmpy._cluster.cluster import LocalCluster
            from swarmpy._faults.inside import tell_again

            tell_again(LocalCluster(self.folder), self.name, anew=True)

    def _begin(self) -> None:
        processes.reap()
        if (self.folder / "old-copies").exists():
            from swarmpy._faults import old_copy

            old_copy.put_back(self)
        ready, write_end = os.pipe()
        try:
            with (
                leases.reader(self.folder, self.leased) as lease,
                networks.claimed_for(self.folder, self.address) as claim,
                self._spaces() as spaces,
            ):
                self._spawn(write_end, claim.fileno(), lease, spaces)
        finally:
            os.close(write_end)
        try:
            with waiting_for(f"{self.name} to start (its log: {self.log})"):
                self._wait_ready(ready)
        finally:
            os.close(ready)

    @contextmanager
    def _spaces(self) -> Iterator[list[int]]:
        """Descriptors of the namespaces that its daemon is to enter: none on loopback."""
        if self.hub is None:
            yield []
            return
        self.hub.add(self.name, self.address)
        with self.hub.spaces(self.name) as spaces:
            yield spaces

    def _spawn(self, ready: int, claim: int, lease: int | None, spaces: list[int]) -> None:
        """`claim` is only kept open: it holds the cluster's network for as long as the daemon lives."""
        command: list[str | Path] = [places.program(), "--data-root", self.data_root, "-H", self.docker_host]
        command += ["--pidfile", self._pidfile, "--address", self.address, "--hostname", self.name]
        command += ["--runner", "process", "--faults", "--ready-fd", str(ready)]
        passed = [ready, claim, *spaces]
        for flag, space in zip(("--netns", "--userns"), spaces, strict=False):
            command += [flag, f"/proc/self/fd/{space}"]
        for folder in {self.folder, self.sockets}:  # of all its nodes: no task is to command another one
            command += ["--hide", folder]
        if self.hub is not None and not self.is_reached:
            command += ["--publish-door", self.hub.socket]
        if lease is not None:
            command += ["--lease-fd", str(lease)]
            passed.append(lease)
        with open(self.log, "ab", opener=private.opener) as log:
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=passed,
                cwd="/",
                start_new_session=True,  # Ctrl-C in a terminal is for the command, not for the daemons
            )
        processes.adopt(child)

    def _wait_ready(self, ready: int) -> None:
        poll = select.poll()
        poll.register(ready, select.POLLIN)
        if not poll.poll(START_SECONDS * 1000):
            raise ClusterError(f"{self.name} does not get ready", f"see its log: {self.log}")
        if not os.read(ready, 64):
            processes.reap()
            raise ClusterError(f"{self.name} did not start: {self._last_words()}", f"see its log: {self.log}")

    def _last_words(self) -> str:
        lines = self.log.read_text(errors="replace").split("\n") if self.log.exists() else []
        return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")

    @property
    def _pidfile(self) -> Path:
        return self.folder / f"{self.name}.pid"

    def _process(self) -> Process | None:
        try:
            pid = int(self._pidfile.read_text())
        except (OSError, ValueError):
            return None
        return Process.find(pid, lambda words: is_daemon(words) and str(self.data_root) in words)
