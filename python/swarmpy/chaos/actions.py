"""Actions: what an experiment does to its swarm. Node names are hostnames (`"w1"`), and `"leader"`.

Durations are text as everywhere (`"500ms"`, `"2m"`) or seconds. A fault lasts for `for_`, or until the action
`heal`; each gives back its text (`"partition m1 | m2 m3 for 5s"`). Wrong names fail the activity and say
which name is near.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from swarmpy.chaos import load as traffic
from swarmpy.chaos.stage import swarm
from swarmpy.node import Node

__all__ = [
    "activate_node",
    "create_service",
    "cut_link",
    "degrade_network",
    "disk_fault",
    "drain_node",
    "freeze_node",
    "heal",
    "isolate_leader",
    "kill_node",
    "kill_task",
    "let_time_pass",
    "occupy_port",
    "partition",
    "power_off_node",
    "random_faults",
    "remove_service",
    "restart_node",
    "rollback_service",
    "rolling_restart",
    "run_plan",
    "scale_service",
    "skew_clock",
    "start_load",
    "stop_load",
    "stop_node",
    "throttle_node",
    "update_service",
    "wait_converged",
]


def _node(name: str) -> Node:
    if name == "leader":
        return swarm().wait_leader()
    return swarm().nodes[name]


# ---- tasks and nodes


def kill_task(service: str, slot: int | None = None, signal: str = "KILL") -> str:
    """Kills a running task of a service: the one of this slot, or any (by the swarm's own chance)."""
    tasks = swarm().services[service].tasks.running
    chosen = [task for task in tasks if slot in (None, task.slot)]
    if not chosen:
        raise ValueError(f"no task of {service} runs" + (f" in slot {slot}" if slot is not None else ""))
    task = swarm().random.choice(chosen)
    task.kill(signal)
    return task.name


def kill_node(node: str, for_: float | str | None = None) -> str:
    """`kill -9` of the node's daemon; its tasks die with it. It starts again after `for_`, if given."""
    return str(swarm().faults.kill(node, for_=for_).fault)


def restart_node(node: str) -> str:
    """Starts the node's daemon again on its disk."""
    return _node(node).restart().name


def freeze_node(node: str, for_: float | str | None = None) -> str:
    """Stops the node's daemon as SIGSTOP does: it says nothing, and its connections stay open."""
    return str(swarm().faults.freeze(node, for_=for_).fault)


def power_off_node(node: str, for_: float | str | None = None) -> str:
    """The node falls silent and is dead; what was not written to the disk is lost."""
    return str(swarm().faults.power_off(node, for_=for_).fault)


def stop_node(node: str, for_: float | str | None = None) -> str:
    """Stops the node's daemon in an orderly way (SIGTERM)."""
    return str(swarm().faults.stop(node, for_=for_).fault)


def drain_node(node: str) -> str:
    """`docker node update --availability drain`: its tasks move elsewhere."""
    return _node(node).drain().name


def activate_node(node: str) -> str:
    """`docker node update --availability active`."""
    return _node(node).activate().name


# ---- network, disk, clock


def partition(
    of: str | None = None,
    groups: Sequence[Sequence[str]] | None = None,
    one_way: bool = False,
    for_: float | str | None = None,
) -> str:
    """Cuts the swarm in parts: `of` is `"leader"`, `"minority"` or a node that is cut off from the others;
    `groups` names the parts. `one_way`: what the first part says reaches no other part, but it still hears.
    """
    if (of is None) == (groups is None):
        raise ValueError("say of (leader, minority, or a node) or groups, and not both")
    parts = of if groups is None else [list(group) for group in groups]
    return str(swarm().faults.partition(parts, one_way=one_way, for_=for_).fault)


def isolate_leader(for_: float | str | None = None) -> str:
    """Cuts the leader off from all other nodes."""
    return partition("leader", for_=for_)


def cut_link(a: str, b: str, both: bool = True, for_: float | str | None = None) -> str:
    """What `a` says does not reach `b`, nor the other way round when `both`."""
    return str(swarm().faults.cut(a, b, both=both, for_=for_).fault)


def degrade_network(
    a: str = "*",
    b: str = "*",
    latency: float | str | None = None,
    jitter: float | str | None = None,
    loss: float = 0,
    duplicate: float = 0,
    reorder: float = 0,
    for_: float | str | None = None,
) -> str:
    """Makes the links between `a` and `b` (`"*"`: all) slow or lossy. `loss`, `duplicate` and `reorder` are
    parts of 1.
    """
    options: dict[str, Any] = {"latency": latency, "jitter": jitter}
    options |= {"loss": loss, "duplicate": duplicate, "reorder": reorder}
    said = {name: value for name, value in options.items() if value}
    return str(swarm().faults.net(between=(a, b), for_=for_, **said).fault)


def skew_clock(
    node: str,
    skew: float | str | None = None,
    drift: float | None = None,
    jump: float | str | None = None,
    for_: float | str | None = None,
) -> str:
    """The node's clock is wrong by `skew`, runs `drift` times as fast, or jumps once."""
    options: dict[str, Any] = {"skew": skew, "drift": drift, "jump": jump}
    said = {name: value for name, value in options.items() if value is not None}
    return str(swarm().faults.clock(node, for_=for_, **said).fault)


def disk_fault(
    node: str,
    fsync_delay: float | str | None = None,
    full: bool = False,
    errors: Mapping[str, str] | None = None,
    for_: float | str | None = None,
) -> str:
    """The node's disk is slow (`fsync_delay`), `full`, or gives errors: `{"write": "EIO"}`."""
    options: dict[str, Any] = {"fsync_delay": fsync_delay, "full": full or None, "errors": errors}
    said = {name: value for name, value in options.items() if value is not None}
    return str(swarm().faults.disk(node, for_=for_, **said).fault)


def throttle_node(node: str, factor: float = 10, for_: float | str | None = None) -> str:
    """The node's daemon takes `factor` times as long for everything."""
    return str(swarm().faults.throttle(node, factor=factor, for_=for_).fault)


def occupy_port(node: str, port: int, for_: float | str | None = None) -> str:
    """Another program takes a port of the node."""
    return str(swarm().faults.port(node, port, for_=for_).fault)


# ---- many faults


def random_faults(
    kinds: Sequence[str] | None = None,
    every: float | str = "5s",
    for_: float | str = "60s",
    keep_quorum: bool = True,
    seed: int | None = None,
) -> list[str]:
    """Draws a plan of faults, runs it, and returns when it is over. Gives the faults back as text."""
    here = swarm()
    said: dict[str, Any] = {} if kinds is None else {"kinds": list(kinds)}
    plan = here.faults.random(every=every, for_=for_, keep_quorum=keep_quorum, seed=seed, **said)
    with here.faults.run(plan):
        here.sleep(for_)
    return [str(fault) for fault in plan]


def run_plan(plan: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> list[str]:
    """Runs a plan (its JSON, as `Plan.to_json` writes it) and returns when its last fault is over."""
    from swarmpy.plan import Plan

    faults = list(plan["faults"]) if isinstance(plan, Mapping) else list(plan)
    made = Plan.from_json({"plan": 1, "faults": faults})
    with swarm().faults.run(made) as running:
        running.wait()
    return [str(fault) for fault in made]


def heal() -> None:
    """Ends every fault; starts the nodes that faults have taken down."""
    swarm().heal()


# ---- services


def create_service(image: str, name: str, **options: Any) -> str:
    """`services.create(image, name=..., replicas=..., ports=[...], ...)`; returns once it has converged."""
    return swarm().services.create(image, name=name, **options).wait().service or name


def scale_service(service: str, replicas: int) -> None:
    """`docker service scale`, without waiting."""
    swarm().services[service].scale(replicas)


def update_service(service: str, options: Mapping[str, Any]) -> None:
    """`docker service update` without waiting; `options` as of `service.update()`: `{"image": "web:2"}`."""
    swarm().services[service].update(**options)


def rolling_restart(service: str) -> None:
    """`docker service update --force`: replaces every task, one after the other. Does not wait."""
    swarm().services[service].update(force=True)


def rollback_service(service: str) -> None:
    """`docker service rollback`, without waiting."""
    swarm().services[service].rollback()


def remove_service(service: str) -> None:
    """`docker service rm`."""
    swarm().services[service].remove()


# ---- time and traffic


def let_time_pass(span: float | str) -> float:
    """Waits; in a simulated swarm virtual time passes. Gives the swarm's clock afterwards."""
    swarm().sleep(span)
    return swarm().now


def wait_converged(timeout: float | str = "60s") -> str:
    """Until every service is as its spec wants it and every living node is ready."""
    return str(swarm().wait_converged(timeout).state)


def start_load(service: str, port: int, rate: float = 100, from_: Sequence[str] | None = None) -> None:
    """Sends `rate` requests a second to a published port until `stop_load`; the probes `error_rate` and
    `p99_latency_ms` tell of them.
    """
    traffic.start(swarm(), service, port, rate, from_)


def stop_load() -> dict[str, int]:
    """Ends the load. Gives the numbers of requests that were answered and that failed."""
    return traffic.stop()
