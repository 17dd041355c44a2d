"""Swarm: several nodes as one, simulated or real. The one object to begin with."""

from __future__ import annotations

import contextlib
import os
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, overload

from swarmpy import _show, duration, events, load
from swarmpy._brief import Brief
from swarmpy._converge import PASSING, wait_swarm
from swarmpy._hub import Hub
from swarmpy._models.nearest import check_word, not_found
from swarmpy._models.plain import LOOPBACK, NETS, check_name, whole
from swarmpy._world.base import LONGEST_PAUSE, Door, Needs, World, wait_until
from swarmpy._world.form import init, join_all
from swarmpy.autolock import UnlockKey, change, unlock_key
from swarmpy.check import Check
from swarmpy.duration import DurationLike
from swarmpy.errors import ConvergenceTimeout, InvalidArgument, NotConverged, SwarmError, Timeout
from swarmpy.events import Event, EventList
from swarmpy.faults import Faults
from swarmpy.http import Http
from swarmpy.kv import KV
from swarmpy.load import Load
from swarmpy.network import Networks
from swarmpy.node import HEADER as NODE_HEADER
from swarmpy.node import JOIN_SECONDS, Node, Nodes, node_row, node_table
from swarmpy.outcome import Outcome
from swarmpy.peek import Peek, Peeker
from swarmpy.service import HEADER as SERVICE_HEADER
from swarmpy.service import Services, service_row, service_table
from swarmpy.stack import Stacks
from swarmpy.states import Mode, NodeState

if TYPE_CHECKING:
    from swarmpy._timeline import Timeline
    from swarmpy._view.live import View
    from swarmpy.metrics import Metrics, Scraper
    from swarmpy.recovery import Recovery
    from swarmpy.root import Root
    from swarmpy.service import Service

MOST_MANAGERS, MOST_WORKERS = 1000, 100_000
DEFAULT_DOCKER_HOST = "unix:///var/run/docker.sock"


class Swarm(metaclass=Brief):
    """A swarm of `managers` (m1, m2, ...) and `workers` (w1, ...), formed and ready when this returns.

    `mode="sim"`: in virtual time. All chance comes from `seed` (None: any; see `.seed`): the same seed and
    the same calls give the same `.trace_hash`. Looking (properties, reprs, `peek`, `watch`, past `events`)
    takes no time there and changes nothing.

    `mode="real"`: `swarmd` processes on this machine, at most 240. `name` is what `swarmpy ls` shows (None:
    an invented one, see `.name`). `if_exists`, where a cluster has this name: `"error"`; `"replace"`: it is
    ended first; `"reuse"`: it is taken as it is, and `managers` and `workers` are not looked at. `seed`: what
    swarmpy's own random choices come from (invented names, `.random`); daemons have chance of their own.
    `net`: `"loopback"` (the default), nodes at 127.0.X.N; `"namespaces"`, each node in a network namespace,
    at 10.214.X.N there (`ClusterError` where none are granted), which this machine reaches if you are root,
    and else at 127.0.X.N; `"auto"`, namespaces where this machine grants them, else loopback.

    Use `with`, or `close()`; forgetting it ends the swarm too, and so does the end of Python. (What was
    reused ends with this one if it belongs to this Python, and else goes on.)

    `.nodes`, `.services` and `.http` are where everything begins; `.name` is what it was called.

    Raises `InvalidArgument` for numbers that make no swarm, `ClusterError` when daemons cannot be started.

    >>> with Swarm(managers=3, workers=2, seed=42) as c:
    ...     web = c.services.create("nginx:1.10", name="web", replicas=4)
    ...     assert web.wait()
    """

    _let_go: Callable[[], None] | None = None  # of one whose machines go on without us

    def __init__(
        self,
        managers: int = 1,
        workers: int = 0,
        *,
        mode: Mode | str = Mode.SIM,
        seed: int | None = None,
        name: str | None = None,
        if_exists: str = "error",
        net: str | None = None,
    ) -> None:
        managers = whole("managers", managers, most=MOST_MANAGERS)
        workers = whole("workers", workers, most=MOST_WORKERS)
        if managers < 1:
            raise InvalidArgument(
                f"a swarm needs at least one manager, not {managers}",
                hint="Three managers bear the loss of one, five of two.",
            )
        if seed is not None:
            seed = whole("seed", seed, least=0, most=2**64 - 1, hint="A seed has 64 bits.")
        if name is not None:
            check_name(name, "cluster")
        check_word("if_exists", if_exists, ("error", "replace", "reuse"))
        _check_net(net, Mode(mode))
        if Mode(mode) is Mode.REAL and name is None and if_exists != "error":
            raise InvalidArgument("if_exists is about a name, and there is none", hint='Say name="lab" too.')
        if Mode(mode) is Mode.SIM:
            world, is_new = _sim_world(managers, workers, seed), True
        else:
            world, is_new = _real_world(managers, workers, name, seed, if_exists, net)
        self._setup(world, name or "")
        if is_new:
            self._await_nodes(managers + workers)
        else:
            _glanced_at(self)

    @classmethod
    def _over(cls, world: World, name: str = "") -> Swarm:
        swarm = cls.__new__(cls)
        swarm._setup(world, name)
        return swarm

    def _setup(self, world: World, name: str) -> None:
        self._world, self.name = world, name or world.name
        self._hub = Hub(world)
        self._nodes, self._services, self._http = Nodes(self._hub), Services(self._hub), Http(self._hub)
        self._networks, self._stacks = Networks(self._hub), Stacks(self._hub)
        self._peeker = Peeker(self._hub)
        self._kv = KV(self._hub)
        self._check = Check(self._hub)
        self._scraper: Scraper | None = None
        self._faults = Faults(self._hub, world.random)
        self._end = weakref.finalize(self, _end, self._hub)

    def _await_nodes(self, count: int) -> None:
        def are_ready() -> bool:
            return sum(node.state is NodeState.READY for node in self._hub.nodes()) == count

        with self._world.waiting_for("all nodes to be ready"):
            ready = wait_until(self._world, are_ready, JOIN_SECONDS, needs=lambda: Needs(ready_nodes=count))
        if not ready:
            late = [node.name for node in self._hub.nodes() if node.state is not NodeState.READY]
            raise Timeout(f"not ready after {JOIN_SECONDS:.0f} s: {', '.join(late) or 'some nodes'}")
        self._hub.services()

    # ---- its nouns

    @property
    def nodes(self) -> Nodes:
        """Its machines: `nodes["m1"]`, `nodes.leader`, `nodes.add(2)`; iterate, `len`."""
        return self._nodes

    @property
    def services(self) -> Services:
        """What it runs: `services.create("nginx", replicas=4)`, `services["web"]`; iterate, `len`."""
        return self._services

    @property
    def networks(self) -> Networks:
        """What its tasks have addresses in: `networks.create("front", subnet="10.9.0.0/24")`,
        `networks["front"]`; iterate, `len`.
        """
        return self._networks

    @property
    def stacks(self) -> Stacks:
        """Services and networks that are deployed together out of a compose file:
        `stacks.deploy("compose.yml", "shop")`, `stacks["shop"]`; iterate, `len`.
        """
        return self._stacks

    @property
    def faults(self) -> Faults:
        """What can go wrong with it on purpose: `faults.partition("leader", for_="3s")`,
        `faults.freeze("w1")`, `faults.net(between=("m1", "*"), latency="80ms")`, `faults.run(plan)`;
        `.active`, `.history`.
        """
        return self._faults

    def heal(self) -> None:
        """Ends every fault, also those that are to come; nodes that are down by one are started. Always safe:
        twice, without a quorum, on a closed swarm.
        """
        self._faults.heal()

    @property
    def kv(self) -> KV:
        """A small replicated register, for checks and benchmarks: `kv.put("x", 1)`, `kv.get("x")`,
        `kv.cas("x", 1, 2)`; `kv.record(clients=5)` makes a history for `sp.check_linearizable`.
        """
        return self._kv

    @property
    def http(self) -> Http:
        """What its published ports answer: `http.get("m1:8080")`."""
        return self._http

    @property
    def check(self) -> Check:
        """What must hold while it runs: `check.always("three run", lambda s: s.running("web") >= 3)`,
        `check.always(sp.inv.one_leader_per_term)`, `.eventually`, `.sometimes`; a table of how they stand.
        """
        return self._check

    def load(
        self,
        service: str | Service,
        port: int | None = None,
        rate: float = 100,
        *,
        from_: str | Node | Iterable[str | Node] | None = None,
        for_: DurationLike | None = None,
    ) -> Load:
        """Begins to ask a published port of `service`, `rate` times a second, and returns at once: time has
        to pass for it (`sleep`, waits).

        Requests are sent at their instants whatever became of those before them (open loop), to the nodes
        `from_` (names or Nodes; None: all) in turn, until `stop()`, the end of a `with`, or for `for_`. Each
        takes a connection of its own, and is given up after 10 s. In the simulator none of it is Python.
        `port` may be left out where the service has one.

        Raises `NotFound` for a service or a node that there is not, `InvalidArgument` for a port that the
        service does not publish.

        >>> with c.load("web", port=8080, rate=100, from_=["m1", "w1"]) as load:
        ...     c.nodes["w2"].kill(); c.sleep("10s")
        >>> load.failed, load.p99, load.requests
        """
        return load.begin(self._hub, service, port=port, rate=rate, from_=from_, for_=for_)

    # ---- time

    @property
    def mode(self) -> Mode:
        """`"sim"` or `"real"`."""
        return self._world.mode

    @property
    def feature_level(self) -> int:
        """How much of the log's language all of its managers understand: it rises by itself when the last of
        them runs a build that knows more (`node.feature_level`), and never falls. What needs a higher one is
        refused, with the names of the managers to upgrade. See docs/upgrading.md.
        """
        return int(self._hub.feature_levels()["Level"])

    @property
    def seed(self) -> int | None:
        """What chance comes from: all of it in a simulated swarm, swarmpy's own choices in a real one (None
        where none was given).
        """
        return self._world.seed

    @property
    def random(self) -> Random:
        """A generator that begins with the seed, for choices that must repeat:
        `swarm.random.choice(list(swarm.nodes)).kill()`. It has no part in the simulator's own chance.
        """
        return self._world.random

    @property
    def trace_hash(self) -> str | None:
        """Of everything that has happened in a simulated swarm, 16 hex digits; None of a real one."""
        self._hub.clock_was_read = True
        return self._world.trace_hash

    @property
    def now(self) -> float:
        """Seconds since the swarm's beginning: virtual ones in the simulator."""
        self._hub.clock_was_read = True
        return self._world.now()

    def sleep(self, span: DurationLike) -> None:
        """Lets `span` pass: 3 (seconds), `"500ms"`. Virtual time costs no more than what happens in it.

        Raises `InvalidArgument` for what is no duration, and for one without end.
        """
        self._hub.open_world.sleep(self._hub.slept(duration.finite_seconds(span)))

    def step(self) -> bool:
        """Takes the simulator's next event; False when there will never be one. Raises `NotSupportedInMode`
        in real time.
        """
        return self._hub.open_world.step()

    def run(self, until: Callable[[Swarm], object] | None = None, timeout: DurationLike = "60s") -> bool:
        """Lets time go on until `until(swarm)` is true; False when `timeout` was over first. Without `until`:
        for `timeout`.

        In the simulator it is asked after every event that can have changed what it sees, and `.now` is then
        the moment of that event. It may act (kill, scale); what it raises ends the wait. Losing the leader on
        the way is no error: it counts as "not yet".
        """
        span = duration.seconds(timeout)
        if until is None:
            self._hub.open_world.sleep(self._hub.slept(span))
            return True
        self._hub.check_open()
        if not callable(until):
            hint = "Say run(until=lambda c: web.running == 4)."
            raise InvalidArgument(f"until is a function of the swarm, not {until!r}", hint=hint)
        condition = Condition(self, until)
        try:
            return wait_until(self._world, condition.holds, span, again=condition.again)
        finally:
            condition.over()

    def wait_converged(self, timeout: DurationLike = "60s", stable_for: DurationLike = 0) -> Outcome:
        """Until every service is as its spec wants it and every node that lives is ready, for `stable_for` on
        end.

        Raises `ConvergenceTimeout`, whose `.blockers` say what is missing.
        """
        return wait_swarm(self._hub, duration.seconds(timeout), duration.seconds(stable_for))

    def assert_converged(self, timeout: DurationLike = "60s") -> Outcome:
        """As `wait_converged`, for tests: what it raises, a `ConvergenceTimeout` with `.blockers`, is an
        `AssertionError` too, and its sentence says what is missing.
        """
        __tracebackhide__ = True
        try:
            return self.wait_converged(timeout)
        except ConvergenceTimeout as error:
            late = NotConverged("the swarm did not converge", blockers=error.blockers)
            late.args = (f"not converged at {self._world.now():.3f}s: " + "; ".join(error.blockers),)
            raise late from None

    def wait_leader(
        self, other_than: str | Node | Iterable[str | Node] | None = None, timeout: DurationLike = "60s"
    ) -> Node:
        """Until a manager leads that reaches a quorum, and that is none of `other_than` (names or Nodes); it
        is returned. Raises `Timeout` when there is none in time.

        >>> old = c.nodes.leader
        >>> old.kill()
        >>> new = c.wait_leader(other_than=old)
        """
        span = duration.seconds(timeout)
        names = _names(other_than)
        for name in names:
            if name not in self._nodes:
                raise not_found("node", name, [node.name for node in self._nodes])
        found: list[Node] = []

        def leads(_: Swarm) -> bool:
            leader = self._nodes.leader
            found[:] = [] if leader is None or leader.name in names else [leader]
            return bool(found)

        if not self.run(until=leads, timeout=span):
            but = f" other than {', '.join(sorted(names))}" if names else ""
            raise Timeout(
                f"no leader{but} after {duration.text(span)}",
                hint="swarm.peek() shows what each manager says.",
            )
        return found[0]

    def update(self, *, autolock: bool | None = None, cert_expiry: DurationLike | None = None) -> None:
        """Changes settings of the swarm, as `docker swarm update`. `autolock=True`: managers that start again
        are locked, until `node.unlock(key)` with the key of `unlock_key()`; what their disks keep tells
        nothing without it. `False`: they start by themselves. The leader has sealed its own key file when
        this returns; the others do it when they hear of the change, a moment later. `cert_expiry`: how long a
        node's certificate lasts, `"1h"` at least; each node has it from its next certificate on.

        >>> c.update(autolock=True)
        >>> key = c.unlock_key()
        >>> c.nodes["m3"].restart().unlock(key)
        """
        if autolock is None and cert_expiry is None:
            raise InvalidArgument("nothing is to change", hint="Say autolock=True, or cert_expiry='2h'.")
        if autolock is not None and not isinstance(autolock, bool):
            raise InvalidArgument(f"autolock is True or False, not {autolock!r}")
        expiry = None if cert_expiry is None else duration.nanoseconds(cert_expiry)
        self._hub.check_open()
        if self._hub.may_write("update", "swarm", f"autolock={autolock} cert_expiry={cert_expiry}"):
            change(self._hub.client.json, autolock=autolock, cert_expiry_ns=expiry)

    def unlock_key(self, *, rotate: bool = False) -> UnlockKey:
        """The key that managers need after a restart while autolock is on: a text (`SWMKEY-1-...`) whose
        repr hides it, with `.rotate()`; empty while autolock is off. Keep it outside of the swarm: when no
        manager is unlocked, nothing can tell it. Without a leader, a manager that is not locked tells the key
        of its own disk. `rotate=True`: makes a new key first, as `.rotate()`.
        """
        self._hub.check_open()
        key = unlock_key(self._hub.client.json)
        return key.rotate() if rotate else key

    @property
    def root(self) -> Root:
        """The root certificate that the swarm has or is on its way to, and how far each node is: `.pem`,
        `.certified`, `.believed_by`, `.blockers`; true when all nodes are there.
        """
        from swarmpy.root import look

        return look(self._hub)

    def rotate_root(
        self, *, ca_cert: str | None = None, ca_key: str | None = None, timeout: DurationLike = "60s"
    ) -> Root:
        """Gives the swarm another root certificate (`docker swarm ca --rotate`): a fresh one, or the caller's
        own, as PEM text with its key. Waits until every node has a certificate of it and believes it; with
        `timeout=0` it only begins that. Join tokens are others then. During a rotation a second one takes its
        place; the present root's certificate and key, given again, lead back.

        Raises `ConvergenceTimeout`, whose `.blockers` name the nodes that are missing: one that is down
        blocks the way until it is back or removed, and the rotation goes on. Raises `InvalidArgument` for
        what cannot be a swarm's root.

        >>> c.rotate_root()
        <Root: certificates 5/5, believed by 5/5>
        """
        from swarmpy.root import rotate

        self._hub.check_open()
        return rotate(self, self._hub, ca_cert, ca_key, timeout)

    def recover(
        self, from_: str | Node | None = None, *, lost: Iterable[str | Node] = (), dry_run: bool = False
    ) -> Recovery:
        """Out of a lost majority: makes a new Raft group of the one manager whose log is the newest, with all
        services and tasks (`docker swarm init --force-new-cluster` on it). Returns what each manager had. The
        others are members no more; when they come back they are workers, which may be promoted, and what
        their disks had of the swarm goes.

        `from_`: that one must be it; of one that takes no part because its disk has lost writes, it must be
        said. `lost`: managers that will never come back; without it nothing is done while a manager is away,
        or takes no part, whose disk may have newer entries. `dry_run`: only look.

        Raises `Conflict`, whose `.hint` is the next step, where a leader or a majority is left, where a
        manager is away that is not `lost`, and where another one's log is newer. Raises `NotFound` for a name
        that is no manager's, and `NotManager` when no manager answers.

        >>> c.recover(dry_run=True)
        >>> c.recover(lost=["m2", "m3"])
        """
        from swarmpy.recovery import recover

        self._hub.check_open()
        return recover(self, from_, lost, dry_run)

    @overload
    def events(
        self,
        kinds: str | Iterable[str] | None = None,
        *,
        service: str | Service | None = None,
        since: float | datetime | None = None,
        timeout: None = None,
    ) -> EventList: ...
    @overload
    def events(
        self,
        kinds: str | Iterable[str] | None = None,
        *,
        service: str | Service | None = None,
        since: float | datetime | None = None,
        timeout: DurationLike,
    ) -> Iterator[Event]: ...
    def events(
        self,
        kinds: str | Iterable[str] | None = None,
        *,
        service: str | Service | None = None,
        since: float | datetime | None = None,
        timeout: DurationLike | None = None,
    ) -> EventList | Iterator[Event]:
        """What happened: nodes, services, and every state of every task.

        Without `timeout`: a list of what a manager keeps of the past since it was started (the last 4096
        events of tasks and the last 256 of all else), or of it since `since` (seconds, as `.now`, or a
        datetime). With `timeout`: an iterator, from now (or `since`) on, as it happens, until that much time
        is over; `"inf"` is not a duration, `float("inf")` is. `kinds`: `"node"`, `"service"`, `"task"`,
        `"network"`, `"container"` (those of the manager that is asked), `"raft"`, or a list of them.
        `service`: a Service, or the name or id of one that is there, or was; while there is none at all, also
        of one to come.

        `"raft"` is only told when it is asked for: elections, votes, members and snapshots, as each manager
        saw them since it was started (the last 1024 of each), in the order of their times, each by the clock
        of its own node. What a dead manager saw is gone with it: the list's `.note` names those that could
        not be asked.

        Raises `InvalidArgument` for a kind and `NotFound` for a service that there is not. While no manager
        has a leader, the past is what one of them knows. The iterator goes on at another manager when its own
        is cut off, and raises `Unreachable` when it dies (with `"raft"` it goes on at the next leader).
        """
        wanted = events.asked(
            self._hub, kinds=kinds, service=service, since=since, coming=timeout is not None
        )
        return wanted.past() if timeout is None else wanted.coming(timeout)

    def peek(self) -> Peek:
        """The whole swarm at this moment, a frozen value: nodes, services, tasks, and Raft of each manager.

        In the simulator it takes no time and the run goes on as if not asked. It also works without a
        leader or a quorum: `.leader` is None then, and the rest is the last that is known. Raises
        `Unreachable` when no manager runs.
        """
        self._hub.check_open()
        self._hub.clock_was_read = True
        return self._peeker.peek()

    @property
    def metrics(self) -> Metrics:
        """What its daemons count, a frozen mapping by Prometheus' names: `metrics["raft_elections_total"]` is
        a number of the whole swarm with `.by_node`. Each daemon serves its own as `GET /metrics`.

        In the simulator it takes no time and the run goes on as if not asked. Nodes that do not
        answer are named by its `.note`. Raises `Unreachable` when none does, and `NotFound` (a `KeyError`)
        for a name that there is not.

        >>> c.metrics["raft_elections_total"], c.metrics['swarm_tasks{state="running"}']
        """
        from swarmpy.metrics import Scraper

        if self._scraper is None:
            self._scraper = Scraper(self._hub)
        return self._scraper.metrics()

    def save(
        self, path: str | os.PathLike[str], *, failure: Mapping[str, object] | BaseException | None = None
    ) -> str:
        """Writes the run of a simulated swarm into a file (`"run.swarm"`), so that `sp.replay(path)` and
        `swarmpy replay FILE` make it again, event by event. Returns the path.

        The file is text (gzipped from 1 MiB on) and keeps the seed, what the swarm was told and when, and
        all faults as a plan; no state, and no secrets but those that it was told. It works at any time, also
        after an invariant broke. `failure`: what broke, where the swarm cannot know it (an exception, or
        `{"invariant", "at", "what"}`).

        Raises `NotSupportedInMode` for a real swarm, `JournalError` for a run of more than 256 MiB of inputs.
        """
        from swarmpy._replay.saving import save

        return save(self, path, failure)

    # ---- eyes

    def watch(
        self,
        *panels: str,
        service: str | Service | Iterable[str | Service] | None = None,
        speed: float | None = 5.0,
    ) -> View:
        """A live picture: in a notebook updated in place while a cell runs, in a terminal a table.

        `panels`: `"topology"` (nodes with their tasks) and `"tasks"` (desired and running over time, by
        version) when none is named; `"timeline"` (every task's life). `service`: only these, by name or
        object. `speed`: how many virtual seconds may pass in a real one while somebody looks; None: any.
        Watching changes nothing: `.trace_hash` is the same without.

        >>> with c.watch(service=web) as view:
        ...     c.nodes["w1"].kill(); web.wait()
        >>> view.save("healed.svg")
        """
        from swarmpy._view.live import View

        self._hub.check_open()
        if speed is not None and (
            isinstance(speed, bool) or not isinstance(speed, int | float) or not speed > 0
        ):
            raise InvalidArgument(f"speed is a number above 0, or None, not {speed!r}")
        if service is None:
            asked: list[str | Service] = []
        elif isinstance(service, Iterable) and not isinstance(service, str):
            asked = list(service)
        else:
            asked = [service]
        names = [str(getattr(one, "name", one)) for one in asked]
        for name in names:
            events.check_service(self._hub, name, may_come=True)
        return View(self._hub, panels, names, speed)

    def save_timeline(self, path: str | os.PathLike[str]) -> Path:
        """Writes what has happened in a simulated swarm as one HTML file, for any browser, without network.
        Returns its path.

        Nodes are lanes over time: leaders with their terms, messages and what became of them, tasks,
        requests, faults, and the invariant that broke. Zoom with the wheel or `+` and `-`, click for all
        that is known of an event, `f` goes to the next failure, `/` filters. Works in a swarm in which
        something broke, too.

        The run is made again for it, so it need not be asked for before, and `.trace_hash` stays as it is: it
        takes about as long as the run took. Raises `NotSupportedInMode` for real swarms.

        >>> c.save_timeline("run.html")
        """
        from swarmpy._timeline import save_timeline

        self._hub.check_open()
        return save_timeline(self, path)

    def timeline(self) -> Timeline:
        """What has happened in a simulated swarm, to be looked at in a notebook, below the cell: what
        `save_timeline` writes into a file. `.html`, `.save(path)`. Also of a replay.

        >>> c.timeline()
        """
        from swarmpy._timeline import Timeline

        self._hub.check_open()
        return Timeline(self)

    # ---- doors

    def serve(self, address: str, *, node: str = "m1") -> Door:
        """Puts docker's own door (`"unix:///tmp/m1.sock"` or `"tcp://127.0.0.1:2375"`) before a simulated
        node.

        While it is open the swarm's time follows the wall clock. Close it with `with`, `.close()`, or the
        swarm. Raises `NotSupportedInMode` for real swarms: they have doors (`node.docker_host`).
        """
        self._hub.check_open()
        return self._world.serve(address, node)

    def close(self) -> None:
        """Ends everything that this swarm started. Safe to call twice. A connected one goes on without us."""
        self._hub.close()
        self._end()
        if self._let_go is not None:
            self._let_go()

    def __enter__(self) -> Swarm:
        return self

    def __exit__(self, kind: object, *why: object) -> None:
        try:
            if kind is None and not self._hub.closed and not self._check.broken:
                self._check.finish()
        finally:
            self.close()

    # ---- looks: at what was seen last, without a request

    def _head(self) -> str:
        seen = self._hub.seen
        managers = sum(node.manages for node in seen.nodes)
        seed = "" if self.seed is None else f" seed={self.seed}"
        label = f" {self.name}" if self.name else ""
        return (
            f"Swarm{label} {self.mode}{seed}: {managers} managers, {len(seen.nodes) - managers} workers, "
            f"{len(seen.services)} services, as of {seen.at:.2f}s"
        )

    def __repr__(self) -> str:
        if self._hub.closed:
            return f"<Swarm {self.mode} (closed)>"
        parts = [f"<{self._head()}>", node_table(self._hub.seen.nodes, most=5)]
        if self._hub.seen.services:
            parts.append(service_table(self._hub, most=2))
        return "\n".join(parts)

    def _repr_html_(self) -> str:
        if self._hub.closed:
            return _show.html_box([_show.html_table(f"Swarm {self.mode} (closed)", (), [])])
        nodes = [node_row(node) for node in self._hub.seen.nodes]
        services = [service_row(self._hub, info) for info in self._hub.seen.services.values()]
        return _show.html_box(
            [
                _show.html_table(self._head(), NODE_HEADER, nodes),
                _show.html_table("services", SERVICE_HEADER, services),
            ]
        )


def _end(hub: Hub) -> None:
    hub.close()
    hub.world.close()


def _names(nodes: str | Node | Iterable[str | Node] | None) -> set[str]:
    if nodes is None:
        return set()
    asked = [nodes] if isinstance(nodes, str | Node) else list(nodes)
    return {str(getattr(one, "name", one)) for one in asked}


class Condition:
    """What a user waits for."""

    def __init__(self, swarm: Swarm, condition: Callable[[Swarm], object]) -> None:
        self._swarm, self._condition = swarm, condition
        self._counted: set[str] = set()

    def holds(self) -> bool:
        """Returns true if the user's condition is true now."""
        hub = self._swarm._hub
        hub.clock_was_read, hub.counted = False, self._counted
        try:
            with hub.client.of_a_leader():
                return bool(self._condition(self._swarm))
        except PASSING:
            return False
        finally:
            hub.counted = None

    def over(self) -> None:
        """Reprs show tasks that were only counted."""
        for service_id in self._counted:
            with contextlib.suppress(SwarmError):
                self._swarm._hub.tasks(service_id)

    def again(self) -> float:
        """One that reads the clock is asked after every event; another now and then, for what it sees
        elsewhere.
        """
        return 0.0 if self._swarm._hub.clock_was_read else LONGEST_PAUSE


def connect(docker_host: str | Node | None = None) -> Swarm:
    """A swarm that exists already, by one of its managers: `"tcp://10.0.0.5:2375"`, `"unix:///path"`, or a
    Node of your own.

    None: what `DOCKER_HOST` says, else docker's usual socket. Raises `Unreachable` without an answer.
    """
    if isinstance(docker_host, Node):
        return around(docker_host._hub.world)
    from swarmpy._world.remote import RemoteWorld

    swarm = Swarm._over(RemoteWorld(docker_host or os.environ.get("DOCKER_HOST") or DEFAULT_DOCKER_HOST))
    swarm._hub.client.call("GET", "/_ping")
    return _glanced_at(swarm)


def around(world: World) -> Swarm:
    """A swarm whose machines belong to somebody else: closing it closes nothing."""
    swarm = Swarm._over(world)
    swarm._end.detach()
    return _glanced_at(swarm)


def _glanced_at(swarm: Swarm) -> Swarm:
    """So that its first repr has something to show; a node outside any swarm has nothing."""
    with contextlib.suppress(SwarmError):
        swarm._hub.nodes()
        for service in swarm._hub.services():
            swarm._hub.tasks(service.id)
    return swarm


def _sim_world(managers: int, workers: int, seed: int | None) -> World:
    from swarmpy._world.sim import SimWorld

    world = SimWorld(seed)
    manager_names = [f"m{i}" for i in range(1, managers + 1)]
    worker_names = [f"w{i}" for i in range(1, workers + 1)]
    for name in [*manager_names, *worker_names]:
        world.add(name, labels={}, nano_cpus=0, memory_bytes=0)
    first = manager_names[0]
    init(world, first)
    tokens = Hub(world, only=first).client.json("GET", "/swarm")["JoinTokens"]
    join_all(world, manager_names[1:], tokens["Manager"], [world.address(first)], at_once=False)
    remotes = [world.address(name) for name in manager_names]
    join_all(world, worker_names, tokens["Worker"], remotes, at_once=True)
    return world


def _real_world(
    managers: int, workers: int, name: str | None, seed: int | None, if_exists: str, net: str | None
) -> tuple[World, bool]:
    """And whether it is a new one."""
    from swarmpy._cluster import LocalCluster  # processes, for those who want them
    from swarmpy._world.real import RealWorld

    if name and if_exists != "error" and LocalCluster.exists(name):
        there = LocalCluster.open(name)
        if if_exists == "reuse":
            return RealWorld.reused(there, seed), False
        RealWorld.end(there)
    made = RealWorld(managers=managers, workers=workers, name=name, init=True, seed=seed, net=net or LOOPBACK)
    return made, True


def _check_net(net: str | None, mode: Mode) -> None:
    if net is None:
        return
    check_word("net", net, NETS)
    if mode is Mode.SIM:
        raise InvalidArgument(
            "net is about real nodes: a simulated swarm has a network of its own", hint='Say mode="real" too.'
        )
