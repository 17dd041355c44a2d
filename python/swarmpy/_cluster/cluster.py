"""LocalCluster: some daemons on one machine, in one folder, with addresses of one network: 127.0.X.0/24, or
10.214.X.0/24 where each node has a network namespace (`hub`).
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import secrets
import shutil
import socket
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any

from swarmpy._cluster import lease as leases
from swarmpy._cluster import networks, places, private, processes, removal
from swarmpy._cluster.errors import ClusterError, NoSuchCluster, NoSuchNode
from swarmpy._cluster.form import form
from swarmpy._cluster.hub import Hub, NotGranted, is_hub
from swarmpy._cluster.node import LocalNode
from swarmpy._cluster.patience import waiting_for
from swarmpy._cluster.processes import Process, is_daemon, is_shim
from swarmpy._models.nearest import did_you_mean
from swarmpy._models.plain import AUTO, LOOPBACK, NAME, NAMESPACES

STATE = "state.json"
STATE_FORMAT = 1
STOP_SECONDS = 5.0
MOST_NODES = 240


@dataclass(frozen=True)
class _State:
    network: int
    sockets: str
    leased: bool
    nodes: tuple[tuple[str, str, str], ...]  # name, role, address
    id: str = ""  # tells it from another cluster that was made under its name later
    net: str = LOOPBACK
    reached: bool = True  # this machine's host reaches its nodes at their addresses

    def address(self, number: int) -> str:
        prefix = "10.214" if self.net == NAMESPACES else "127.0"
        return f"{prefix}.{self.network}.{number}"


class LocalCluster:
    """The cluster in `folder`. Several objects, also of several processes, may be the same cluster."""

    def __init__(self, folder: Path, held_lease: int | None = None) -> None:
        self.name = folder.name
        self.folder = folder
        self._lease = held_lease
        self._claim: socket.socket | None = None  # on its network, where it belongs to this Python
        self._id = ""  # once it was read

    # ---- finding

    @classmethod
    def open(cls, name: str) -> LocalCluster:
        cluster = cls(places.home() / places.check_name(name, "cluster"))
        if not cluster.folder.is_dir():
            names = [other.name for other in cls.all()]
            hint = did_you_mean(name, names) if names else "start one: swarmpy up"
            python = "" if names else 'start one: swarmpy.Swarm(mode="real")'
            raise NoSuchCluster(f'there is no cluster "{name}"', hint, python=python)
        return cluster

    @classmethod
    def only(cls) -> LocalCluster:
        """The one that is meant where none was named."""
        clusters = cls.all()
        if not clusters:
            hint = "start one: swarmpy up"
            raise ClusterError("no cluster is up", hint, python='start one: swarmpy.Swarm(mode="real")')
        if len(clusters) > 1:
            names = ", ".join(one.name for one in clusters)
            hint = "say which: --cluster NAME"
            raise ClusterError(f"several clusters could be meant: {names}", hint, python="give its name")
        return clusters[0]

    @classmethod
    def exists(cls, name: str) -> bool:
        """Is there one, also when its Python is dead? That is cleared away."""
        return any(cluster.name == name for cluster in cls.all())

    @classmethod
    def all(cls) -> list[LocalCluster]:
        """Every cluster of this user, by name; what a dead Python left of its own is cleared away first."""
        try:
            names = sorted(entry.name for entry in places.home().iterdir() if entry.is_dir())
        except FileNotFoundError:
            return []
        clusters = [cls(places.home() / name) for name in names if NAME.fullmatch(name)]
        return [cluster for cluster in clusters if not cluster._sweep()]

    # ---- making

    @classmethod
    def start(
        cls,
        name: str | None = None,
        managers: int = 3,
        workers: int = 2,
        init: bool = True,
        lease: bool = True,
        net: str = LOOPBACK,
    ) -> LocalCluster:
        """Starts daemons m1.. and w1.., in a swarm if `init`. With `lease` they end with this Python. `net`:
        "loopback"; "namespaces", one for each node; "auto", namespaces where this machine grants them. Raises
        `NotGranted` where it grants none.
        """
        if managers < 0 or workers < 0 or (init and managers < 1):
            raise ClusterError("a swarm needs at least one manager", "ask for 1, 3 or 5 managers")
        if managers + workers > MOST_NODES:
            sentence = f"a local cluster has at most {MOST_NODES} nodes, not {managers + workers}"
            raise ClusterError(sentence, 'simulate more: swarmpy.Swarm(mode="sim")')
        places.program()  # or say at once that there is none
        cluster = cls._make(name, lease)
        try:
            with cluster._settle(managers, workers, lease, net) as claim:
                cluster._claim = claim.dup() if lease else None
                for node in cluster.nodes:
                    node.start()
            if init:
                form(cluster.nodes)
        except BaseException:
            cluster.close()
            raise
        return cluster

    @classmethod
    def _make(cls, name: str | None, lease: bool) -> LocalCluster:
        taken = {cluster.name for cluster in cls.all()}
        if name is None:
            name = next(free for n in range(1, 10_000) if (free := f"py{os.getpid()}-{n}") not in taken)
        folder = places.home() / places.check_name(name, "cluster")
        try:
            private.make_folder(folder)
        except FileExistsError as error:
            raise ClusterError(
                f'a cluster "{name}" is there already',
                f"end it: swarmpy down {name}",
                python=f'say if_exists="replace" or "reuse", take another name=, or swarmpy.attach("{name}")',
            ) from error
        except OSError as error:
            hint = "name a folder that you may write to: SWARMPY_HOME=..."
            raise ClusterError(f"{folder} cannot be made: {error.strerror}", hint) from error
        held = leases.hold(folder) if lease else None
        cluster = cls(folder, held)
        if lease:
            atexit.register(cluster._close_if_mine, os.getpid())
        return cluster

    def _settle(self, managers: int, workers: int, leased: bool, net: str) -> socket.socket:
        """Chooses the network and the socket folder, starts the hub where there is to be one, and writes down
        what this cluster is. The claim on the network is given back.
        """
        others = [other._read() for other in self.all() if other.name != self.name]
        network, claim = networks.choose((state.network for state in others), spaces=net != LOOPBACK)
        self._id = secrets.token_hex(8)
        state = _State(network, _socket_folder(self.folder), leased, (), self._id)
        self._write(state)  # so that a start which fails or is interrupted is cleared away whole
        if net != LOOPBACK:
            state = self._with_hub(state, net)
        names = [f"m{i}" for i in range(1, managers + 1)] + [f"w{i}" for i in range(1, workers + 1)]
        nodes = tuple((name, _role(name), state.address(i)) for i, name in enumerate(names, 1))
        self._write(replace(state, nodes=nodes))
        return claim

    def _with_hub(self, state: _State, net: str) -> _State:
        """Starts it; "auto" does without where this machine grants none."""
        try:
            reached = Hub(self.folder, Path(state.sockets)).start(state.network, state.leased)
        except NotGranted:
            if net != AUTO:
                raise
            return state
        return replace(state, net=NAMESPACES, reached=reached)

    def _end_hub(self) -> None:
        processes.end_all(self._find(is_hub), STOP_SECONDS)

    def add(self, name: str) -> LocalNode:
        """One more daemon, started, outside any swarm."""
        places.check_name(name, "node")
        state = self._read()
        if any(name == known for known, _, _ in state.nodes):
            raise ClusterError(f'the cluster "{self.name}" has a node {name} already', "choose another name")
        used = {address for _, _, address in state.nodes}
        free = (state.address(n) for n in range(1, networks.CLAIM_HOST))
        address = next((one for one in free if one not in used), None)
        if address is None:
            raise ClusterError(f'the cluster "{self.name}" has no address left', "simulate more nodes")
        self._write(replace(state, nodes=(*state.nodes, (name, _role(name), address))))
        node = self.node(name)
        node.start()
        return node

    # ---- using

    @property
    def nodes(self) -> list[LocalNode]:
        """In the order of their making: managers, then workers, then what was added."""
        state = self._read()
        hub, sockets = self._hub_of(state), Path(state.sockets)
        leased, reached = state.leased, state.reached
        return [LocalNode(*one, self.folder, sockets, leased, hub, reached) for one in state.nodes]

    @property
    def hub(self) -> Hub | None:
        """Of its nodes' network namespaces; None on loopback."""
        return self._hub_of(self._read())

    def _hub_of(self, state: _State) -> Hub | None:
        return Hub(self.folder, Path(state.sockets)) if state.net == NAMESPACES else None

    def node(self, name: str) -> LocalNode:
        for node in self.nodes:
            if node.name == name:
                return node
        hint = did_you_mean(name, [node.name for node in self.nodes])
        raise NoSuchNode(f'the cluster "{self.name}" has no node {name}', hint)

    def __repr__(self) -> str:
        return f"LocalCluster({self.name!r}, nodes={[node.name for node in self.nodes]})"

    # ---- ending

    @property
    def ended(self) -> bool:
        """It was ended, by this process or another; a new one of its name may be there now."""
        return not self.folder.is_dir() or bool(self._id and self._raw().get("id", self._id) != self._id)

    def close(self) -> None:
        """Ends all that belongs to this cluster. Safe to call twice and on a half-made cluster."""
        if not self.ended:
            with waiting_for(f'the daemons of "{self.name}" to end'):
                self._end()
        if self._lease is not None:  # last: until then the daemons stop in an orderly way
            atexit.unregister(self._close_if_mine)
            os.close(self._lease)
            self._lease = None
        if self._claim is not None:
            self._claim.close()
            self._claim = None

    def _end(self) -> None:
        sockets = self._read().sockets
        found = self._find(lambda words: is_daemon(words) or is_shim(words))
        tasks = [process for process in found if is_shim(processes.arguments(process.pid))]
        for process in tasks:
            process.close()
        # Without a task a daemon has nothing to stop in an orderly way: what it keeps is removed next.
        daemons = [process for process in found if process not in tasks]
        processes.end_all(daemons, STOP_SECONDS if tasks else 0)
        for process in self._find(is_shim):  # ends by itself, after all that its task has started
            with process:
                process.wait(STOP_SECONDS)
        self._end_hub()  # last: until then tasks reach each other
        removal.remove(self.folder)
        if sockets:
            shutil.rmtree(sockets, ignore_errors=True)
        with contextlib.suppress(OSError):
            self.folder.parent.rmdir()  # only when it was the last

    def _close_if_mine(self, maker: int) -> None:
        if os.getpid() == maker:  # a forked child exits too
            self.close()

    def __enter__(self) -> LocalCluster:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def processes(self) -> list[int]:
        """The ids of all processes of this program that belong to this cluster now."""
        found = self._find(lambda words: is_daemon(words) or is_shim(words) or is_hub(words))
        for process in found:
            process.close()
        return [process.pid for process in found]

    def _find(self, kind: Callable[[list[str]], bool]) -> list[Process]:
        inside = f"{self.folder}/"
        return Process.find_all(lambda words: kind(words) and any(word.startswith(inside) for word in words))

    def _sweep(self) -> bool:
        """Clears away a leased cluster whose owner is dead. True when it is gone."""
        if not (self.folder / "lease").exists() or leases.is_held(self.folder):
            return False
        self.close()
        return True

    # ---- the state file

    def _read(self) -> _State:
        """What was written down; an empty cluster where nothing was yet, so that it can be closed."""
        raw = self._raw()
        if not raw:
            return _State(0, "", False, ())
        if raw.get("format") != STATE_FORMAT:
            sentence = f'the cluster "{self.name}" was made by another version of swarmpy'
            raise ClusterError(sentence, "use that version")
        found = str(raw.get("id", ""))
        self._id = self._id or found
        if found != self._id:
            sentence = f'the cluster "{self.name}" was ended, and another one was made under its name'
            raise ClusterError(sentence, f'take that one: swarmpy.attach("{self.name}")')
        nodes = tuple(tuple(node) for node in raw["nodes"])
        net, reached = raw.get("net", LOOPBACK), raw.get("reached", True)
        return _State(raw["network"], raw["sockets"], raw["leased"], nodes, found, net, reached)

    def _raw(self) -> dict[str, Any]:
        try:
            raw: dict[str, Any] = json.loads((self.folder / STATE).read_text())
        except (OSError, ValueError):
            return {}
        return raw

    def _write(self, state: _State) -> None:
        text = {"format": STATE_FORMAT, **state.__dict__}
        draft = self.folder / f"{STATE}.new"
        private.write_text(draft, json.dumps(text, indent=1) + "\n")
        draft.replace(self.folder / STATE)


def _role(name: str) -> str:
    return "worker" if name.startswith("w") else "manager"


def _socket_folder(folder: Path) -> str:
    """The cluster's folder, or one with a short path where sockets in it would have too long a one."""
    longest = folder / ("n" * 32 + ".sock")
    if len(os.fsencode(longest)) <= places.SOCKET_PATH_LIMIT:
        return str(folder)
    return tempfile.mkdtemp(prefix="swarmpy-", dir="/tmp")
