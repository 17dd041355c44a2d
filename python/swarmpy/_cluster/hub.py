"""Hub: the process that holds the network namespaces of a cluster's nodes (cpp/tools/swarm_hub), and requests
to it.

A node has the address 10.214.K.N in its own namespace; K is the number of the cluster's loopback network,
which no other cluster has (`networks`). All that the hub made ends with it: by `close()`, by the end of the
lease, by any death.
"""

from __future__ import annotations

import os
import select
import socket
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from swarmpy._cluster import lease as leases
from swarmpy._cluster import places, private, processes
from swarmpy._cluster.errors import ClusterError
from swarmpy._cluster.processes import Process

READY_SECONDS, ANSWER_SECONDS = 10.0, 10.0
LARGEST_ANSWER, MOST_DESCRIPTORS = 65_536, 2


class NotGranted(ClusterError):
    """This machine does not let this user make network namespaces."""


def is_hub(words: list[str]) -> bool:
    """Is that the command line of a hub?"""
    return Path(words[0]).name == "swarm-hub"


class Hub:
    """The hub of the cluster in `folder`, whose sockets are in `sockets`."""

    def __init__(self, folder: Path, sockets: Path) -> None:
        self._folder, self.socket = folder, sockets / "hub.sock"

    # ---- its process

    def start(self, network: int, leased: bool) -> bool:
        """Returns when it answers: True when this machine's host reaches the nodes at their addresses. Raises
        `NotGranted`.
        """
        ready, write_end = os.pipe()
        try:
            with leases.reader(self._folder, leased) as lease:
                self._spawn(network, write_end, lease)
        finally:
            os.close(write_end)
        try:
            return self._wait_ready(ready)
        finally:
            os.close(ready)

    def _spawn(self, network: int, ready: int, lease: int | None) -> None:
        command: list[str | Path] = [places.program("swarm-hub"), "--network", str(network)]
        command += ["--socket", self.socket, "--pidfile", self._pidfile, "--ready-fd", str(ready)]
        passed = [ready]
        if lease is not None:
            command += ["--lease-fd", str(lease)]
            passed.append(lease)
        with open(self._log, "ab", opener=private.opener) as log:
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=passed,
                cwd="/",
                start_new_session=True,
            )
        processes.adopt(child)

    def _wait_ready(self, ready: int) -> bool:
        poll = select.poll()
        poll.register(ready, select.POLLIN)
        said = os.read(ready, 64) if poll.poll(READY_SECONDS * 1000) else b""
        if said:
            return said == b"ready host\n"
        processes.reap()
        said_last = self._log.read_text(errors="replace").strip().rpartition("\n")[2]
        words = said_last.removeprefix("swarm-hub: ") or "the hub is silent"
        raise NotGranted(
            f"nodes cannot have network namespaces here: {words}",
            "swarmpy up --net loopback",
            python='say net="loopback"',
        )

    @property
    def _log(self) -> Path:
        return self._folder / "hub.log"

    @property
    def _pidfile(self) -> Path:
        return self._folder / "hub.pid"

    @property
    def pid(self) -> int | None:
        """None when it is dead."""
        try:
            pid = int(self._pidfile.read_text())
        except (OSError, ValueError):
            return None
        process = Process.find(pid, lambda words: is_hub(words) and str(self._pidfile) in words)
        if process is None:
            return None
        with process:
            return process.pid

    # ---- requests

    def add(self, name: str, address: str) -> None:
        """Harmless for a node that is there."""
        self._ask("add", name, address)

    @contextmanager
    def spaces(self, name: str) -> Iterator[list[int]]:
        """Descriptors of the node's network namespace and, of a plain user, of its user namespace."""
        found = self._ask("enter", name)
        try:
            yield found
        finally:
            for one in found:
                os.close(one)

    def deafen(self, name: str, to: Iterable[str]) -> None:
        """From now on the node hears all nodes but these."""
        self._ask("deafen", name, *to)

    def set_link(self, name: str, up: bool) -> None:
        """Its cable."""
        self._ask("link", name, "up" if up else "down")

    def listen(self, name: str, port: int) -> socket.socket:
        """A listening socket at the node's address. Raises `ClusterError` with the kernel's words."""
        (found,) = self._ask("listen", name, str(port))
        return socket.socket(fileno=found)

    def _ask(self, *words: str) -> list[int]:
        """The descriptors that came with the answer."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
            connection.settimeout(ANSWER_SECONDS)
            try:
                connection.connect(str(self.socket))
                connection.send(" ".join(words).encode())
                said, found, _, _ = socket.recv_fds(connection, LARGEST_ANSWER, MOST_DESCRIPTORS)
            except OSError as error:
                raise self._gone() from error
        if said != b"ok":
            raise ClusterError(said.decode(errors="replace").removeprefix("error: ") or "the hub hung up")
        return found

    def _gone(self) -> ClusterError:
        name = self._folder.name
        return ClusterError(
            f'the hub of the cluster "{name}" does not answer: what joins its nodes has ended with it',
            f"swarmpy down {name}, and start it anew",
            python=f'swarmpy.Swarm(..., mode="real", name="{name}", if_exists="replace")',
        )
