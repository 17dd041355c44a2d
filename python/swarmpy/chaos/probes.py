"""Probes: what an experiment asks its swarm. Each gives a number, a text or a truth value, for `tolerance`.

Asking changes nothing; in a simulated swarm it takes no time. A probe that cannot be answered because the
managers have no quorum gives a value (0, false, "") rather than a failed activity.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from swarmpy.chaos import load as traffic
from swarmpy.chaos.stage import swarm
from swarmpy.errors import Unreachable
from swarmpy.peek import Peek
from swarmpy.states import Mode, NodeState

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


def running_tasks(service: str) -> int:
    """Tasks of the service that run and are meant to, on nodes that are not down."""
    return running_tasks_in(swarm().peek(), service)


def running_tasks_in(state: Peek, service: str) -> int:
    return state.running(service)


def unavailable_replicas(service: str) -> int:
    """Tasks that the service wants and that do not run."""
    return unavailable_replicas_in(swarm().peek(), service)


def unavailable_replicas_in(state: Peek, service: str) -> int:
    about = state.service(service)
    return max(0, about.wanted - about.running)


def ready_nodes() -> int:
    """Nodes that are ready, as the managers know it."""
    return ready_nodes_in(swarm().peek())


def ready_nodes_in(state: Peek) -> int:
    return sum(node.state is NodeState.READY for node in state.nodes)


def has_quorum() -> bool:
    """A leader is there that reaches more than half of the managers."""
    return has_quorum_in(swarm().peek())


def has_quorum_in(state: Peek) -> bool:
    return state.leader is not None


def leader() -> str:
    """The leader's name; "" while there is none."""
    return leader_in(swarm().peek())


def leader_in(state: Peek) -> str:
    return state.leader or ""


def term() -> int:
    """The newest term that a manager knows."""
    return term_in(swarm().peek())


def term_in(state: Peek) -> int:
    return state.term


def raft_lag() -> int:
    """By how many log entries the slowest running manager is behind the newest commit."""
    return raft_lag_in(swarm().peek())


def raft_lag_in(state: Peek) -> int:
    newest = max((one.commit for one in state.raft), default=0)
    return max((newest - one.applied for one in state.raft), default=0)


def time_since_leader() -> float:
    """Seconds since a leader was last seen; 0 while there is one."""
    here = swarm()
    now = here.now
    if here.peek().leader is not None:
        return 0.0
    lost = [event.at for event in here.events("raft") if "lead" in str(event)]
    return now - max(lost, default=0.0)


def converged() -> bool:
    """Every service has its tasks running and every living node is ready."""
    return converged_in(swarm().peek())


def converged_in(state: Peek) -> bool:
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
    """What a published port answers; 0 when nobody does."""
    try:
        return swarm().http.get(f"{node}:{port}{'' if path == '/' else path}").status
    except Unreachable:
        return 0


# Those that can be asked of any moment, for "continuously": after every event of a simulated swarm.
OF_STATE: dict[str, Callable[..., Any]] = {
    name.removesuffix("_in"): function
    for name, function in list(globals().items())
    if name.endswith("_in") and callable(function)
}


def is_virtual() -> bool:
    """The experiment's swarm is a simulated one."""
    return swarm().mode is Mode.SIM
