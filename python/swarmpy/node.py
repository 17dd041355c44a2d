"""Node: one member of the swarm, or one daemon outside any. Nodes: all of a swarm.

What a Node shows is asked when it is looked at; `kill` and `restart` go to its machine, everything else
through the API.
"""

from __future__ import annotations

import re
import weakref
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from swarmpy import _show
from swarmpy._brief import Brief
from swarmpy._connection.client import finish, make_request
from swarmpy._hub import Hub
from swarmpy._models import sizes
from swarmpy._models.nearest import not_found
from swarmpy._models.node_info import NodeInfo
from swarmpy._models.options import check_labels
from swarmpy._models.plain import whole
from swarmpy._notes import note
from swarmpy._world.base import Needs, wait_until
from swarmpy._world.form import ANYWHERE, join_all, join_body
from swarmpy.autolock import UnlockKey, unlock, unlock_key
from swarmpy.errors import (
    Conflict,
    InvalidArgument,
    Locked,
    NoQuorum,
    NotFound,
    NotManager,
    SwarmError,
    Timeout,
    Unreachable,
)
from swarmpy.states import Availability, Mode, NodeState, Reachability, Role

if TYPE_CHECKING:
    from swarmpy.raft import RaftState

HEADER = ("NODE", "ROLE", "STATE", "AVAILABILITY", "MANAGER")
JOIN_SECONDS, ROLE_SECONDS = 60.0, 15.0
MOST_AT_ONCE = 100_000
ATTEMPTS = 5  # when somebody else changes the same object meanwhile


class JoinToken(str, metaclass=Brief):
    """A secret that lets nodes join, as text: `SWMTKN-1-...`. Its repr hides the secret. `.role`: whom it
    makes.
    """

    role: Role
    _rotate: Callable[[], JoinToken]

    @classmethod
    def _of(cls, text: str, role: Role, rotate: Callable[[], JoinToken]) -> JoinToken:
        token = cls(text)
        token.role, token._rotate = role, rotate
        return token

    def rotate(self) -> JoinToken:
        """Makes a new token; this one is worth nothing from then on. Nodes that joined stay."""
        return self._rotate()

    def __repr__(self) -> str:
        return "<JoinToken SWMTKN-1-...>"


class NodeSwarm(metaclass=Brief):
    """What a node does about being in a swarm: `docker swarm init`, `join`, `leave`, `join-token`, on that
    node.
    """

    def __init__(self, hub: Hub, machine: str, node: Node | None = None) -> None:
        """`node` is only kept: a node of its own ends when no variable holds it any more."""
        self._hub, self._machine, self._node = hub, machine, node

    def init(
        self,
        *,
        advertise_addr: str | None = None,
        listen_addr: str = ANYWHERE,
        force_new_cluster: bool = False,
        autolock: bool = False,
    ) -> str:
        """Makes a swarm with this node as its first manager; returns the node's id.

        `advertise_addr`: where others reach it, default its own address. `autolock`: managers need a key
        (`.unlock_key()`) before they start again. Raises `SwarmError` with Docker's text when it is in a
        swarm already.
        """
        body = {
            "ListenAddr": listen_addr,
            "AdvertiseAddr": advertise_addr or self._own_address(),
            "ForceNewCluster": force_new_cluster,
            "AutoLockManagers": autolock,
        }
        return str(self._ask("POST", "/swarm/init", body=body))

    def join(self, token: str, remote: str | Node, *, advertise_addr: str | None = None) -> None:
        """Joins the swarm of `remote` (a manager: a Node or `ip:2377`), as what the token says. Returns once
        it is in.
        """
        address = advertise_addr or self._own_address()
        remotes = [remote.addr if isinstance(remote, Node) else remote]
        self._ask("POST", "/swarm/join", body=join_body(f"{address}:2377", token, remotes))

    def leave(self, *, force: bool = False) -> None:
        """Leaves. A manager is refused without `force`, because it would take quorum or all state with it.
        With it, it leaves once the other managers are a group without it. Raises `InvalidArgument` while they
        could not be: too many of them are silent, and the sentence names them.
        """
        self._ask("POST", "/swarm/leave", query={"force": force})

    def join_token(self, role: Role | str = Role.WORKER) -> JoinToken:
        """The token for workers or managers. Only managers know it."""
        wanted = Role(role)
        return self._token(self._ask("GET", "/swarm"), wanted)

    def unlock_key(self) -> UnlockKey:
        """What unlocks managers while autolock is on; empty while it is off. Only managers know it."""
        return unlock_key(self._ask)

    def unlock(self, key: str) -> None:
        """Gives a locked manager its key; returns once it takes part again, or has begun to. Raises
        `WrongUnlockKey`, and `Conflict` for a node that is not locked.
        """
        unlock(self._ask, key)

    @property
    def state(self) -> str:
        """`inactive`, `pending`, `active`, `error` or `locked`."""
        return str(self._info()["LocalNodeState"])

    @property
    def node_id(self) -> str:
        """Its id in the swarm; "" outside."""
        return str(self._info()["NodeID"])

    def _info(self) -> dict[str, Any]:
        info: dict[str, Any] = self._ask("GET", "/info")["Swarm"]
        return info

    def _own_address(self) -> str:
        return self._hub.open_world.address(self._machine).rpartition(":")[0]

    def _rotate(self, role: Role) -> JoinToken:
        swarm = self._ask("GET", "/swarm")
        query = {"version": swarm["Version"]["Index"], f"rotate{role.capitalize()}Token": "true"}
        self._ask("POST", "/swarm/update", query=query, body=swarm["Spec"])
        return self.join_token(role)

    def _token(self, swarm: Mapping[str, Any], role: Role) -> JoinToken:
        return JoinToken._of(swarm["JoinTokens"][role.capitalize()], role, lambda: self._rotate(role))

    def _ask(self, method: str, path: str, **options: Any) -> Any:
        return self._hub.client.json(method, path, at=self._hub.open_world.door(self._machine), **options)

    def __repr__(self) -> str:
        return f"<swarm of {self._machine}>"


class Node(metaclass=Brief):
    """`Node("m1")` starts one daemon of its own, outside any swarm; `swarm.nodes["m1"]` is one of a swarm's.

    `.name` (its hostname), `.id`, `.role`, `.state`, `.availability`, `.reachability`, `.is_leader`,
    `.feature_level`, `.labels`, `.addr` (`ip:2377`), `.docker_host`, `.swarm`. Nodes of their own in
    `mode="sim"` share one network, so they can join each other; in `mode="real"` each is a daemon on this
    machine that ends with Python. Use `with`, or `close()`.
    """

    def __init__(self, name: str, *, mode: Mode | str = Mode.SIM) -> None:
        from swarmpy._world.standalone import machine

        world, close = machine(name, Mode(mode))
        self._setup(Hub(world, only=name), name, "", None, weakref.finalize(self, close))

    @classmethod
    def _of(cls, hub: Hub, info: NodeInfo) -> Node:
        node = cls.__new__(cls)
        node._setup(hub, info.name, info.id, info, None)
        return node

    @classmethod
    def _of_machine(cls, hub: Hub, name: str) -> Node:
        """One whose id no manager can tell now."""
        node = cls.__new__(cls)
        node._setup(hub, name, "", None, None)
        return node

    def _setup(
        self, hub: Hub, name: str, node_id: str, info: NodeInfo | None, end: weakref.finalize[[], Node] | None
    ) -> None:
        self._hub, self.name, self._id = hub, name, node_id
        self._end = end
        self._info: NodeInfo | None = info
        self._read: set[str] = set()

    # ---- what it is

    @property
    def id(self) -> str:
        """Its id in the swarm; "" outside."""
        return self._id or self.swarm.node_id

    @property
    def swarm(self) -> NodeSwarm:
        """What it does about being in a swarm: `.init()`, `.join(...)`, `.leave()`, `.join_token()`."""
        return NodeSwarm(self._hub, self.name, self)

    @property
    def role(self) -> Role:
        """`worker` or `manager`: what it is meant to be. Raises `NotManager` when no manager can be
        asked.
        """
        return self._look("role").role

    @property
    def state(self) -> NodeState:
        """What the leader knows of it: `ready`, `down`, ..."""
        return self._look("state").state

    @property
    def availability(self) -> Availability:
        """`active`, `pause` or `drain`: what is wanted of it."""
        return self._look("availability").availability

    @property
    def reachability(self) -> Reachability:
        """Of a manager, as the leader sees it; `unknown` for workers."""
        return self._look("reachability").reachability

    @property
    def is_leader(self) -> bool:
        """It leads the managers, as they say it themselves. Raises `NoQuorum` when none does."""
        return self._look("is_leader").leader

    @property
    def labels(self) -> Mapping[str, str]:
        """The labels that the user gave it (`node.labels.x` in constraints)."""
        return dict(self._look("labels").labels)

    @property
    def alive(self) -> bool:
        """Its daemon runs, as far as this Python knows: True for a machine that is not ours."""
        return self._hub.open_world.alive(self.name)

    @property
    def feature_level(self) -> int:
        """The highest feature level that its build of swarmpy knows, as it said it when it registered last.

        Raises `NotManager` when it is in no swarm. See `swarm.feature_level`, and docs/upgrading.md.
        """
        node_id = self._look("feature_level").id
        nodes = self._hub.feature_levels()["Nodes"]
        return next((int(node["Level"]) for node in nodes if node["ID"] == node_id), 1)

    @property
    def raft(self) -> RaftState:
        """What this manager knows of Raft at this moment, a frozen value: `.term`, `.role`, `.leader`,
        `.vote`, `.commit`, `.applied`, `.members`, `.log` (a table). Also of one without a leader or in a
        minority: it tells what it thinks. In the simulator it takes no time and changes nothing.

        Raises `NotManager` of a worker, `Unreachable` of a node that is dead.

        >>> c.nodes["m1"].raft.role, c.nodes.leader.raft.log.tail(5)
        """
        from swarmpy.raft import raft_of

        return raft_of(self._hub, self.name)

    @property
    def addr(self) -> str:
        """`ip:2377`, where other nodes reach it."""
        return self._hub.open_world.address(self.name)

    @property
    def docker_host(self) -> str:
        """For `DOCKER_HOST`. A simulated node has one only while it is served: `swarm.serve()`."""
        return self._hub.open_world.docker_host(self.name)

    # ---- what is wanted of it

    def promote(self) -> Node:
        """Makes it a manager; returns once it is one (or after 15 s)."""
        return self._become(Role.MANAGER)

    def demote(self) -> Node:
        """Makes it a worker; returns once it is one (or after 15 s). The last manager is refused."""
        return self._become(Role.WORKER)

    def drain(self) -> Node:
        """Moves its tasks elsewhere and gives it no more."""
        return self._update("drain", Availability=str(Availability.DRAIN))

    def pause(self) -> Node:
        """Gives it no new tasks; those that run stay. Docker's availability, and no fault: to stop the daemon
        where it stands, say `swarm.faults.freeze(node)`.
        """
        return self._update("pause", Availability=str(Availability.PAUSE))

    def activate(self) -> Node:
        """Lets it have tasks again. None moves back by itself."""
        return self._update("activate", Availability=str(Availability.ACTIVE))

    def label(self, **labels: str | None) -> Node:
        """Sets labels; None takes one away."""
        merged = {**self._hub.node(self.id).labels, **labels}
        return self._update(
            "label", Labels={key: value for key, value in merged.items() if value is not None}
        )

    def remove(self, *, force: bool = False) -> None:
        """Takes it off the list. Refused while it is up or a manager; `force` is for nodes that will not come
        back.
        """
        if self._hub.may_write("remove", self.name):
            self._hub.client.call("DELETE", f"/nodes/{self.id}", query={"force": force})

    # ---- its machine

    def kill(self) -> Node:
        """SIGKILL to its daemon; its tasks die with it. Returns when it is dead; harmless when it was.

        It is a fault as any other: `swarm.faults.history` tells it, `restart()` or `swarm.heal()` ends it.
        """
        self._hub.check_open()
        if self._hub.may_write("kill", self.name):
            self._hub.world.kill(self.name)
            note(self._hub.world, "fault", f"{self.name} killed", node=self.name)
        return self

    def restart(self) -> Node:
        """Starts the daemon on the disk that it left (killing it first when it runs). Returns when its API
        answers. Where its disk fails on purpose (`faults.disk`), and it ends at once, the error names that
        fault.
        """
        self._hub.check_open()
        if not self._hub.may_write("restart", self.name):
            return self
        try:
            self._start_anew()
        except SwarmError as error:
            raise self._failed_by_its_disk() or error from None
        if not self._hub.world.alive(self.name) and (why := self._failed_by_its_disk()):
            raise why
        return self

    def _start_anew(self) -> None:
        self._hub.world.kill(self.name)
        self._hub.world.start(self.name)
        note(self._hub.world, "repair", f"{self.name} started", node=self.name)
        finish(self._hub.world.door(self.name).open(make_request("GET", "/_ping")))

    def _failed_by_its_disk(self) -> SwarmError | None:
        """What keeps a daemon from running that was started just now; None: no disk fault."""
        for _, fault in self._hub.world.breaker().active():
            if fault.kind == "disk" and fault.args["node"] == self.name:
                return SwarmError(
                    f"{self.name} does not stay up: its disk has a fault, {fault.but(at=None, for_=None)}",
                    code="FailedPrecondition",
                    hint="End that fault, by its .heal() or swarm.heal(): the daemon is started again then.",
                )
        return None

    def unlock(self, key: str) -> Node:
        """Gives this manager the key that it needs after a restart while autolock is on
        (`swarm.unlock_key()`). `node.swarm.state` is `"locked"` until then: it takes no part and runs no
        tasks.

        Raises `WrongUnlockKey`, `TooManyTries` after ten of these (one a second), and `Conflict` for a node
        that is not locked.
        """
        if self._hub.may_write("unlock", self.name):
            self.swarm.unlock(key)
        return self

    def close(self) -> None:
        """Ends a node of its own. A swarm's nodes end with their swarm."""
        if self._end is not None:
            self._hub.close()
            self._end()

    def __enter__(self) -> Node:
        return self

    def __exit__(self, *why: object) -> None:
        self.close()

    # ---- inside

    def _look(self, what: str) -> NodeInfo:
        """One listing serves each node and property once: showing all asks once, and a loop gets news."""
        node_id = self.id
        if not node_id and self.swarm.state == "locked":
            raise Locked(f"{self.name} is locked, and no manager that is not can be asked")
        if not node_id:
            raise NotManager(f"{self.name} is in no swarm", hint="First: node.swarm.init() or .join().")
        info = self._hub.listed_node(node_id)
        if info is None or (info is self._info and what in self._read):
            info = next((other for other in self._hub.nodes() if other.id == node_id), None)
            self._read = set()
        if info is None:
            raise NotFound(f"node {self.name} ({node_id}) is not in this swarm any more")
        if info is not self._info:
            self._info, self._read = info, set()
        self._read.add(what)
        return info

    def _become(self, role: Role) -> Node:
        verb, manager = ("promote", True) if role is Role.MANAGER else ("demote", False)
        if self._hub.may_write(verb, self.name):
            self._write(Role=str(role))
            wait_until(self._hub.world, lambda: self._hub.node(self.id).manages == manager, ROLE_SECONDS)
        return self

    def _update(self, verb: str, **changes: Any) -> Node:
        if self._hub.may_write(verb, self.name):
            if verb in ("drain", "activate"):
                note(self._hub.world, "update", f"{self.name}: {verb}")
            self._write(**changes)
        return self

    def _write(self, **changes: Any) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            info = self._hub.node(self.id, before_write=True)
            query = {"version": info.version}
            try:
                self._hub.client.call(
                    "POST",
                    f"/nodes/{info.id}/update",
                    query=query,
                    body={**info.spec, **changes},
                    after_read=True,
                )
                break
            except Conflict:
                if attempt == ATTEMPTS:
                    raise

    def _repr_html_(self) -> str:
        row = (self.name, "", "", "", "") if self._info is None else node_row(self._info)
        return _show.html_box([_show.html_table(f"node {self.name}", HEADER, [row])])

    def __repr__(self) -> str:
        if self._info is None:
            return f"<Node {self.name}>"
        about = self._info
        leader = " leader" if about.leader else ""
        return f"<Node {self.name} {about.role}{leader} {about.state} {about.availability}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Node) and (self._hub.world, self.name, self._id) == (
            other._hub.world,
            other.name,
            other._id,
        )

    def __hash__(self) -> int:
        return hash((id(self._hub.world), self.name))


class Nodes(metaclass=Brief):
    """All nodes of a swarm: iterate, `nodes["w1"]` (name or id), `len`, `in`, `.leader`, `.add(...)`.

    Without a quorum these are the nodes that were seen last, and `.note` says so: there are nodes to start
    again. What a node itself shows (`.state`, ...) is asked when it is looked at, and raises `NoQuorum` then.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub, self._note = hub, ""

    def __iter__(self) -> Iterator[Node]:
        return iter([Node._of(self._hub, info) for info in self._listed()])

    def __len__(self) -> int:
        return len(self._listed())

    def __contains__(self, name: object) -> bool:
        return any(name in (info.name, info.id) for info in self._listed())

    def __getitem__(self, name: str) -> Node:
        """By hostname or id. Of two with one hostname (it left and came back), the one that is up, then the
        youngest. Raises `NotFound` with the nearest name. A machine of ours is found by its name while no
        manager answers, too: to be started, or unlocked.
        """
        try:
            infos = self._listed()
        except (NoQuorum, NotManager, Timeout, Unreachable):
            if name not in self._hub.open_world.machines():
                raise
            return Node._of_machine(self._hub, name)  # no manager is needed to start or to unlock it
        found = [info for info in infos if name in (info.name, info.id)]
        if not found:
            self._hub.check_leader()
            raise not_found("node", name, [info.name for info in infos])
        return Node._of(self._hub, max(found, key=lambda info: (info.state is NodeState.READY, info.created)))

    @property
    def note(self) -> str:
        """Empty when the last look at the list was the swarm's own answer. Else a sentence: how old the list
        is, and why more is not known (there is no quorum). The repr begins with it.
        """
        return self._note

    def _listed(self) -> list[NodeInfo]:
        """As it was when last known: a swarm without a quorum still has nodes to start again."""
        try:
            infos = self._hub.nodes()
        except (NoQuorum, NotManager, Timeout, Unreachable) as error:
            if not self._hub.seen.nodes:
                raise
            self._note = f"as of {self._hub.seen_nodes_at:.2f}s, because nobody can say: {error.message}"
            return self._hub.seen.nodes
        self._note = ""
        return infos

    @property
    def leader(self) -> Node | None:
        """The leader of the managers; None while there is none, or none can be reached. Raises only when the
        swarm is closed.
        """
        self._hub.check_open()
        try:
            infos = self._hub.nodes()
        except SwarmError:
            return None
        return next((Node._of(self._hub, info) for info in infos if info.leader), None)

    def add(
        self,
        count: int = 1,
        *,
        role: Role | str = Role.WORKER,
        name: str | None = None,
        labels: Mapping[str, str] | None = None,
        cpus: float | None = None,
        memory: int | str | None = None,
        engine_labels: Mapping[str, str] | None = None,
    ) -> list[Node]:
        """Starts `count` more daemons and joins them; returns them once they are ready. Raises `Timeout` when
        they are not after 60 s, `Conflict` or `ClusterError` when the name is taken.

        `labels`: the user's (`node.labels.x`). Simulated nodes only: `cpus`, `memory` (`"8g"`; default 4 and
        8 GiB) and `engine_labels`.
        """
        self._hub.check_open()
        wanted = Role(role)
        count = whole("count", count, most=MOST_AT_ONCE)
        check_labels("labels", labels or {})
        check_labels("engine_labels", engine_labels or {})
        names = [name] if name else self._free_names(wanted, count)
        if name and count != 1:
            raise InvalidArgument("one name is for one node", hint="Leave out name= or count.")
        for one in names:
            self._hub.world.add(
                one,
                labels=engine_labels or {},
                nano_cpus=_capacity("cpus", cpus, sizes.nano_cpus),
                memory_bytes=_capacity("memory", memory, sizes.memory_bytes),
            )
        added = self._join(names, wanted)
        for node in added if labels else []:
            node.label(**(labels or {}))
        return added

    def _join(self, names: list[str], role: Role) -> list[Node]:
        remotes = [info.manager_address for info in self._hub.nodes() if info.manager_address]
        token = self._hub.client.json("GET", "/swarm")["JoinTokens"][role.capitalize()]
        join_all(self._hub.world, names, token, remotes, at_once=role is Role.WORKER)
        found: dict[str, NodeInfo] = {}

        def all_ready() -> bool:
            found.update((info.name, info) for info in self._hub.nodes() if info.name in names)
            return all(name in found and found[name].state is NodeState.READY for name in names)

        with self._hub.world.waiting_for(f"{', '.join(names)} to be ready"):
            needs = Needs(ready_nodes=len(names))
            ready = wait_until(self._hub.world, all_ready, JOIN_SECONDS, needs=lambda: needs)
        if not ready:
            raise Timeout(f"not all ready after {JOIN_SECONDS:.0f} s: {', '.join(names)}")
        return [Node._of(self._hub, found[name]) for name in names]

    def _free_names(self, role: Role, count: int) -> list[str]:
        letter = "m" if role is Role.MANAGER else "w"
        self._hub.nodes()
        pattern = re.compile(rf"{letter}(\d+)")
        taken = [int(found[1]) for name in self._hub.machine_names() if (found := pattern.fullmatch(name))]
        first = max(taken, default=0) + 1
        return [f"{letter}{number}" for number in range(first, first + count)]

    def __repr__(self) -> str:
        table = node_table(self._hub.seen.nodes)
        return f"({self._note})\n{table}" if self._note else table

    def _repr_html_(self) -> str:
        rows = [node_row(info) for info in self._hub.seen.nodes]
        caption = f"{len(rows)} nodes" + (f", {self._note}" if self._note else "")
        return _show.html_box([_show.html_table(caption, HEADER, rows)])


def node_row(info: NodeInfo) -> tuple[str, ...]:
    """Returns the node's line in a table: one text for each column of HEADER."""
    manager = "leader" if info.leader else str(info.reachability) if info.manages else ""
    return info.name, str(info.role), str(info.state), str(info.availability), manager


def node_table(infos: list[NodeInfo], most: int = _show.MOST_LINES) -> str:
    """Returns the nodes as a table of at most so many lines."""
    return _show.table(HEADER, [node_row(info) for info in infos], most)


def _capacity(name: str, value: Any, read: Callable[[Any], int]) -> int:
    """What a simulated node has; 0 for "the usual"."""
    if value is None:
        return 0
    if (amount := read(value)) <= 0:
        raise InvalidArgument(f"a node has more than 0 {name}, not {value!r}")
    return amount
