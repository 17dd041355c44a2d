"""Load: clients that ask a published port at a steady rate, whatever becomes of it (open loop)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Protocol

from swarmpy import _show, duration
from swarmpy._brief import Brief
from swarmpy._hub import Hub
from swarmpy._models.nearest import not_found
from swarmpy._models.plain import in_order, whole
from swarmpy.duration import DurationLike
from swarmpy.errors import InvalidArgument, NotFound
from swarmpy.requests import HEADER, Request, Requests, from_core, of_list

if TYPE_CHECKING:
    from swarmpy._core import World as Core
    from swarmpy.node import Node
    from swarmpy.service import Service

PATIENCE = 10.0  # seconds that a client waits for its answer
MOST_RATE = 10_000.0  # a second
_PUBLISHED = re.compile(r":(\d+)->\d+/tcp")


class _Backend(Protocol):
    """How a world carries a load."""

    def requests(self) -> Sequence[Request]: ...

    def is_over(self) -> bool: ...

    def stop(self, *, wait: bool) -> None: ...


class Load(metaclass=Brief):
    """A load that was begun with `swarm.load(...)`. `.ok`, `.failed`: how many requests were answered well,
    or not, so far; `.p50`, `.p99`: how long those took that were answered, in seconds; `.rate`: requests a
    second that were asked for; `.requests`: each of them. Those under way are in none of these.

    It goes on while time passes; `stop()`, the end of a `with`, or of `for_` ends it.
    """

    def __init__(
        self, hub: Hub, service: str, port: int, rate: float, nodes: Sequence[str], backend: _Backend
    ):
        self._hub, self._backend = hub, backend
        self.service, self.port, self.rate, self.nodes = service, port, rate, tuple(nodes)

    @property
    def requests(self) -> Requests:
        """Those that have ended, in the order in which they were meant to be sent."""
        return of_list(sorted(self._backend.requests(), key=lambda one: one.time))

    @property
    def ok(self) -> int:
        """How many were answered, with a status below 400."""
        return sum(one.ok for one in self._backend.requests())

    @property
    def failed(self) -> int:
        """How many were not."""
        return sum(not one.ok for one in self._backend.requests())

    @property
    def p50(self) -> float:
        """Half of those that were answered took so many seconds at most, counted from when each was meant to
        be sent; 0.0 where none was answered.
        """
        return self.requests.p50

    @property
    def p99(self) -> float:
        """As `p50`, of 99 in a hundred."""
        return self.requests.p99

    @property
    def running(self) -> bool:
        """Requests are sent, or are under way."""
        return not self._backend.is_over()

    def wait(self, timeout: DurationLike = "60s") -> bool:
        """Lets time pass until a load with an end (`for_`) is over and answered; False when `timeout` was
        over first.
        """
        from swarmpy._world.base import wait_until

        span = duration.seconds(timeout)
        return wait_until(self._hub.open_world, self._backend.is_over, span, again=lambda: 0.01)

    def stop(self) -> None:
        """Sends no more, and waits for what is under way: for 10 s at most, as a client does. What has no
        answer then has failed ("timed out"). Safe to call twice.
        """
        self._backend.stop(wait=True)

    def __enter__(self) -> Load:
        return self

    def __exit__(self, kind: object, *why: object) -> None:
        with self._hub.undoing(kind):
            self._backend.stop(wait=kind is None)

    def _head(self) -> str:
        done = self.requests
        spans = f", p50 {done.p50 * 1000:.1f} ms, p99 {done.p99 * 1000:.1f} ms" if done.ok else ""
        where = f"{self.service}:{self.port}, {self.rate:g}/s by {', '.join(self.nodes)}"
        return f"Load on {where}: {done.ok} ok, {done.failed} failed{spans}"

    def __repr__(self) -> str:
        return f"<{self._head()}>"

    def _repr_html_(self) -> str:
        return _show.html_box([_show.html_table(self._head(), HEADER, [one.row() for one in self.requests])])


class _SimLoad:
    """In the engine: each request at its instant, and no Python."""

    def __init__(
        self, hub: Hub, core: Core, port: int, rate: float, nodes: Sequence[str], span: float | None
    ):
        self._hub, self._core = hub, core
        self._before = core.request_counts()[0]
        self._ends = None if span is None else hub.world.now() + span
        whole_span = None if span is None else round(span * 1e9)
        self._id = core.begin_load(port, list(nodes), max(round(rate * 1000), 1), whole_span)
        self._made: list[Request] = []

    def requests(self) -> Sequence[Request]:
        count = self._core.request_counts()[0]
        if count > self._before:
            rows = self._core.requests(self._before, count)
            self._made += [from_core(row) for row in rows if row[8] == self._id]
            self._before = count
        return self._made

    def is_over(self) -> bool:
        ended = self._ends is not None and self._hub.world.now() >= self._ends
        return ended and self._core.requests_open(self._id) == 0

    def stop(self, *, wait: bool) -> None:
        if self._hub.closed:
            return
        self._core.end_load(self._id)
        self._ends = min(self._ends or self._hub.world.now(), self._hub.world.now())
        latest = self._hub.world.now() + PATIENCE
        while wait and self._core.requests_open(self._id) and self._hub.world.now() < latest:
            self._hub.world.sleep(0.001)
        if wait:
            self._core.give_up_requests()


class _RealLoad:
    def __init__(self, hub: Hub, port: int, rate: float, nodes: Sequence[str], span: float | None):
        from swarmpy._checks.wall_load import WallLoad

        hosts = [(name, hub.world.reach(name)) for name in nodes]
        self._load = WallLoad(hub, port, rate, hosts, span)

    def requests(self) -> Sequence[Request]:
        return list(self._load.done)

    def is_over(self) -> bool:
        return self._load.over

    def stop(self, *, wait: bool) -> None:
        self._load.stop(wait=wait)


def begin(
    hub: Hub,
    service: str | Service,
    *,
    port: int | None,
    rate: float,
    from_: str | Node | Iterable[str | Node] | None,
    for_: DurationLike | None,
) -> Load:
    """See `Swarm.load`. Everything is checked before anything is sent."""
    hub.check_open()
    name = str(getattr(service, "name", service))
    found = _port(hub, name, port)
    speed = _rate(rate)
    nodes = _nodes(hub, from_)
    span = None if for_ is None else duration.seconds(for_)
    core: Core | None = getattr(hub.world, "core", None)
    backend: _Backend
    if core is not None:
        backend = _SimLoad(hub, core, found, speed, nodes, span)
    else:
        backend = _RealLoad(hub, found, speed, nodes, span)
    return Load(hub, name, found, speed, nodes, backend)


def _rate(rate: object) -> float:
    number = isinstance(rate, int | float) and not isinstance(rate, bool)
    if not number or not 0.001 <= float(rate) <= MOST_RATE:  # type: ignore[arg-type]
        raise InvalidArgument(
            f"rate is requests a second, from 0.001 to {MOST_RATE:g}, not {rate!r}", hint="Say rate=100."
        )
    return float(rate)  # type: ignore[arg-type]


def _port(hub: Hub, name: str, port: int | None) -> int:
    try:
        info = hub.service(name)
    except NotFound:
        raise not_found("service", name, [one.name for one in hub.services()]) from None
    ports = [int(one) for text in info.ports for one in _PUBLISHED.findall(text)] or info.asked_ports
    listed = ", ".join(map(str, ports))
    if not ports:
        raise InvalidArgument(
            f"service {info.name} publishes no TCP port", hint='Create it with ports=["8080:80"].'
        )
    if port is None and len(ports) == 1:
        return ports[0]
    if port is None:
        raise InvalidArgument(f"service {info.name} publishes several ports: {listed}", hint="Say port=.")
    port = whole("port", port, least=1, most=65535)
    if port not in ports:
        raise InvalidArgument(f"service {info.name} does not publish port {port}", hint=f"It has: {listed}.")
    return port


def _nodes(hub: Hub, from_: str | Node | Iterable[str | Node] | None) -> list[str]:
    known = [node.name for node in hub.nodes()]
    if from_ is None:
        return known
    asked = [from_] if isinstance(from_, str) or not isinstance(from_, Iterable) else in_order(from_)
    names = [str(getattr(one, "name", one)) for one in asked]
    if not names:
        raise InvalidArgument("from_ names no node", hint="Leave it out: all nodes are asked in turn.")
    for name in names:
        if name not in known:
            raise not_found("node", name, known)
    return names
