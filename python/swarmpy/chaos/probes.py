"""Probes: what an experiment asks its swarm. Each gives a number, a text or a truth value, for `tolerance`.

Asking changes nothing; in a simulated swarm it takes no time. A probe that cannot be answered because the
managers have no quorum gives a value (0, false, "") rather than a failed activity.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Concatenate, ParamSpec, TypeVar

from swarmpy.chaos import load as traffic
from swarmpy.chaos.stage import swarm
from swarmpy.errors import Unreachable
from swarmpy.events import Event
from swarmpy.peek import Peek
from swarmpy.states import NodeState

__all__ = [
    "converged",
    "error_rate",
    "has_quorum",
    "http_status",
    "leader",
    "p99_latency_ms",
    "raft_lag",
    "ready_nodes",
    "running_tasks",
    "term",
    "time_since_leader",
    "unavailable_replicas",
]

P = ParamSpec("P")
T = TypeVar("T")

# Those that can be asked of any moment, for "continuously": after every event of a simulated swarm.
OF_STATE: dict[str, Callable[..., Any]] = {}


def _of_state(function: Callable[Concatenate[Peek, P], T]) -> Callable[P, T]:
    """A probe that asks this of the swarm as it is now. Its signature, which is read, has no state."""

    @functools.wraps(function)
    def probe(*arguments: P.args, **named: P.kwargs) -> T:
        return function(swarm().peek(), *arguments, **named)

    whole = inspect.signature(function)
    without_state = whole.replace(parameters=list(whole.parameters.values())[1:])
    probe.__signature__ = without_state  # type: ignore[attr-defined]
    OF_STATE[function.__name__] = function
    return probe


@_of_state
def running_tasks(state: Peek, service: str) -> int:
    """Tasks of the service that run and are meant to, on nodes that are not down. Fails, with the nearest
    name, where there is no such service.
    """
    return state.service(service).running


@_of_state
def unavailable_replicas(state: Peek, service: str) -> int:
    """Tasks that the service wants and that do not run."""
    about = state.service(service)
    return max(0, about.wanted - about.running)


@_of_state
def ready_nodes(state: Peek) -> int:
    """Nodes that are ready, as the managers know it."""
    return sum(node.state is NodeState.READY for node in state.nodes)


@_of_state
def has_quorum(state: Peek) -> bool:
    """A leader is there that reaches more than half of the managers."""
    return state.leader is not None


@_of_state
def leader(state: Peek) -> str:
    """The leader's name; "" while there is none."""
    return state.leader or ""


@_of_state
def term(state: Peek) -> int:
    """The newest term that a manager knows."""
    return state.term


@_of_state
def raft_lag(state: Peek) -> int:
    """By how many log entries the slowest running manager is behind the newest commit."""
    newest = max((one.commit for one in state.raft), default=0)
    return max((newest - one.applied for one in state.raft), default=0)


def time_since_leader() -> float:
    """Seconds since a leader was last seen; 0 while there is one."""
    here = swarm()
    now = here.now
    if here.peek().leader is not None:
        return 0.0
    return now - max(_leader_was_there(here.events("raft")), default=0.0)


def _leader_was_there(events: Iterable[Event]) -> Iterator[float]:
    """When managers began to lead, to follow somebody, to miss him, or gave it up."""
    roles: dict[str, str] = {}
    for event in events:
        if event.action in ("leader", "follows", "leader-lost") or roles.get(event.id) == "leader":
            yield event.at
        if event.action in ("leader", "follower", "candidate", "pre-candidate"):
            roles[event.id] = event.action


@_of_state
def converged(state: Peek) -> bool:
    """Every service has its tasks running and every living node is ready."""
    if state.leader is None:
        return False
    nodes_ready = all(node.state is NodeState.READY for node in state.nodes if node.alive)
    return nodes_ready and all(one.running == one.wanted for one in state.services)


def error_rate() -> float:
    """Of the load (action `start_load`): failed requests as a part of all, 0 to 1."""
    load = traffic.current()
    total = load.ok + load.failed
    return load.failed / total if total else 0.0


def p99_latency_ms() -> float:
    """Of the load: 99 % of the requests were answered within so many milliseconds."""
    return (traffic.current().p99 or 0.0) * 1000


def http_status(node: str, port: int, path: str = "/") -> int:
    """What a published port answers; 0 without an answer."""
    try:
        return swarm().http.get(f"{node}:{port}{'' if path == '/' else path}").status
    except Unreachable:
        return 0
