"""When is a service as its newest spec wants it, and if it is not, why?

Converged: the wanted number of tasks of the newest spec run *and no older task of the service still runs*. A
task on a node that is dead or not heard of does not count, neither way. While an update is watched
(`monitor`) it is not over.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from swarmpy import duration
from swarmpy._hub import Hub
from swarmpy._models.constraints import eligible, holds
from swarmpy._models.node_info import NodeInfo
from swarmpy._models.service_info import ServiceInfo
from swarmpy._models.task_info import TaskInfo
from swarmpy._world.base import SHORTEST, Needs, wait_until
from swarmpy.errors import ConvergenceTimeout, NoQuorum, NotFound, NotManager, Timeout, Unreachable
from swarmpy.outcome import Outcome
from swarmpy.states import Availability, NodeState, OutcomeState, Reachability, Role, TaskState, UpdateState

PASSING = (NoQuorum, NotManager, Unreachable, Timeout)  # weather: look again
HOPELESS_AFTER = 2.0  # seconds since the last task ended, and none is on its way
WHOLE_LOOK_EVERY = 1.0  # seconds, while nothing runs or a task that ends may be the last of its slot
MEANT_TO_LIVE = (TaskState.RUNNING, TaskState.READY)


@dataclass(frozen=True)
class Look:
    """One look at a service."""

    service: ServiceInfo
    wanted: int
    running: int  # of the newest spec, on nodes that live
    stray: int  # alive, though not meant to be
    leaving: int  # alive on nodes that they may not stay on: drained, or against a constraint
    unheard: int  # meant to run, on nodes that do not live: they are replaced once the swarm has missed them
    waiting: tuple[TaskInfo, ...]  # of the newest spec, not running yet
    ended: tuple[TaskInfo, ...]  # of the newest spec, not running any more

    @property
    def complete(self) -> bool:
        return self.running == self.wanted and not self.stray and not self.leaving

    @property
    def hopeless(self) -> bool:
        """Too few run, some have ended for good, and nothing is on its way that could change it."""
        coming = self.service.restarts or self.waiting or self.stray or self.leaving or self.unheard
        return self.running < self.wanted and bool(self.ended) and not coming

    def blockers(self) -> list[str]:
        """What is missing, a sentence each; empty when complete."""
        found = [] if self.running == self.wanted else [f"{self.running} of {self.wanted} tasks run"]
        found += [f"{_tasks(count)} {why}" for why, count in Counter(map(_why, self.waiting)).items()]
        if self.running < self.wanted:
            errors = Counter(task.error for task in self.ended if task.error)
            found += [f"{_tasks(count)} ended: {why}" for why, count in errors.most_common(2)]
        if self.stray:
            found.append(f"{_tasks(self.stray)} of an older spec or over the wanted number still run")
        if self.leaving:
            found.append(f"{_tasks(self.leaving)} run on a node that they have to leave")
        return found


def look(hub: Hub, service_id: str) -> Look:
    """Asks the swarm about one service."""
    return look_at(hub, hub.service(service_id), hub.nodes())


def look_at(hub: Hub, service: ServiceInfo, nodes: Sequence[NodeInfo]) -> Look:
    """As `look`, where these have just been asked for."""
    newest = hub.newest_tasks(service.id)
    tasks = hub.tasks(service.id)
    gone = hub.world.dead()
    alive = {node.id for node in nodes if node.state is NodeState.READY and node.name not in gone}
    fit = {node.id for node in nodes if _may_keep(node, service)}
    fresh = [task for task in tasks if task.id in newest]
    running = [task for task in fresh if task.runs and task.node_id in alive]
    unheard = [task for task in fresh if task.runs and task.node_id not in alive]
    meant = {task.id for task in fresh if task.desired_state in MEANT_TO_LIVE}
    there = [task for task in tasks if task.state.alive and (task.node_id in alive or not task.node_id)]
    stray = [task for task in there if task.id not in meant]
    leaving = [task for task in there if task.id in meant and task.node_id and task.node_id not in fit]
    waiting = [task for task in fresh if task.id in meant and not task.state.over and not task.runs]
    ended = [task for task in fresh if task.state.over]
    counts = (len(running), len(stray), len(leaving), len(unheard))
    return Look(service, _wanted(service, nodes), *counts, tuple(waiting), tuple(ended))


def wait_service(hub: Hub, service_id: str, name: str, timeout: float) -> Outcome:
    """Lets the world run until the service is converged, or cannot be."""
    waiting = ServiceWait(hub, service_id, name, timeout)
    settled = wait_until(hub.world, waiting.settled, timeout, again=waiting.again, needs=waiting.needs)
    return waiting.outcome(settled)


class ServiceWait:
    """One wait: `settled()` is asked until it is true or time is over, then `outcome()`."""

    def __init__(self, hub: Hub, service_id: str, name: str, timeout: float) -> None:
        self._hub, self._id, self._name, self._timeout = hub, service_id, name, timeout
        self._began = hub.world.now()
        self._last: Look | None = None
        self._looked_at = self._began
        self._hoped_at = self._began  # then it was not hopeless, or no manager could say
        self._weather = ""
        self._hopeless_since: float | None = None
        self._verdict: tuple[OutcomeState, str] | None = None

    def outcome(self, settled: bool) -> Outcome:
        if not settled:
            self._look()
        state, reason = self._verdict or (OutcomeState.TIMED_OUT, self._late())
        if state is OutcomeState.ROLLED_BACK:
            self._hub.last_change.pop(self._id, None)  # it is said once: who waits later asks how it is then
        running, wanted = (self._last.running, self._last.wanted) if self._last else (0, 0)
        took = self._hub.world.now() - self._began
        return Outcome(state, reason, running, wanted, took, self._name)

    def settled(self) -> bool:
        return self._look(unless_far=True)

    def again(self) -> float:
        """Seconds after which time alone may decide."""
        if self._hopeless_since is None:
            return WHOLE_LOOK_EVERY
        return max(self._hopeless_since + HOPELESS_AFTER - self._hub.world.now(), SHORTEST)

    def needs(self) -> Needs:
        return Needs(services=(self._id,))

    def _look(self, *, unless_far: bool = False) -> bool:
        try:
            with self._hub.client.of_a_leader():
                if unless_far and self._far():
                    return False
                self._last, self._weather = look(self._hub, self._id), ""
            self._looked_at = self._hub.world.now()
        except NotFound:
            self._verdict = OutcomeState.FAILED, "the service was removed"
        except PASSING as error:
            self._weather, self._hoped_at, self._hopeless_since = error.message, self._hub.world.now(), None
        else:
            self._verdict = self._judge(self._last)
        return self._verdict is not None

    def _far(self) -> bool:
        """Too few run on nodes that live, by the leader's own count: a whole look is dear with many tasks."""
        if self._hopeless_since is not None:
            return False  # time alone may decide: the whole look says so
        service, running = self._hub.service_and_running(self._id)
        wanted = service.replicas or 0
        if running >= wanted > 0:
            running -= self._running_on_the_dead()
        is_due = self._hub.world.now() - self._looked_at >= WHOLE_LOOK_EVERY - SHORTEST
        if is_due and (running == 0 or not service.restarts):
            return False  # there may be nothing left to wait for
        return running < wanted and not service.update_state.stopped

    def _running_on_the_dead(self) -> int:
        """What the swarm has not missed yet."""
        gone = self._hub.world.dead()
        dead = [node.id for node in self._hub.seen.nodes if node.name in gone]
        return self._hub.count_running(self._id, dead) if dead else 0

    def _judge(self, now: Look) -> tuple[OutcomeState, str] | None:
        update = now.service.update_state
        if update.stopped:
            return OutcomeState.PAUSED, now.service.update_message
        if now.complete and not update.going_on:
            return self._complete(now)
        if now.hopeless:
            return self._hopeless(now)
        self._hopeless_since, self._hoped_at = None, self._hub.world.now()
        return None

    def _complete(self, now: Look) -> tuple[OutcomeState, str]:
        asked_back = self._hub.last_change.get(self._id) != "update"
        if now.service.update_state is UpdateState.ROLLBACK_COMPLETED and not asked_back:
            return OutcomeState.ROLLED_BACK, now.service.update_message
        return OutcomeState.CONVERGED, ""

    def _hopeless(self, now: Look) -> tuple[OutcomeState, str] | None:
        if self._hopeless_since is None:
            self._hopeless_since = max(self._hoped_at, self._last_end(now))
        if self._hub.world.now() - self._hopeless_since < HOPELESS_AFTER - SHORTEST:
            return None
        return OutcomeState.FAILED, "; ".join(["its tasks ended and are not restarted", *now.blockers()])

    def _last_end(self, now: Look) -> float:
        """When the last task ended, on the swarm's clock; now at the latest, whatever its node says."""
        ended = max(task.changed for task in now.ended).timestamp() - self._hub.world.epoch_ns / 1e9
        return min(ended, self._hub.world.now())

    def _late(self) -> str:
        waited = f"not converged after {duration.text(self._timeout)}"
        if self._weather:
            return f"{waited}: {self._weather}"
        blockers = self._last.blockers() if self._last else []
        if self._last and self._last.service.update_state.going_on:
            blockers.append(self._last.service.update_message or "the update is going on")
        return f"{waited}: {'; '.join(blockers)}" if blockers else waited


def wait_swarm(hub: Hub, timeout: float, stable_for: float) -> Outcome:
    """Until every service is converged and every node that lives is ready, for `stable_for` on end."""
    waiting = SwarmWait(hub, timeout, stable_for)
    settled = wait_until(hub.world, waiting.settled, timeout, again=waiting.again, needs=waiting.needs)
    return waiting.outcome(settled)


class SwarmWait:
    """As ServiceWait, for all services and nodes."""

    def __init__(self, hub: Hub, timeout: float, stable_for: float) -> None:
        self._hub, self._timeout, self._stable_for = hub, timeout, stable_for
        self._began, self._since = hub.world.now(), -1.0
        self._blockers = ["nobody was asked yet"]

    def settled(self) -> bool:
        self._hub.check_open()
        needs = self.needs()
        if needs and not self._hub.world.may_be_there(needs):
            return False
        with self._hub.client.of_a_leader():
            self._blockers = first_blocker(self._hub)
        now = self._hub.world.now()
        self._since = -1.0 if self._blockers else (now if self._since < 0 else self._since)
        return self._since >= 0 and now - self._since >= self._stable_for

    def again(self) -> float:
        """Seconds after which it has been stable for long enough."""
        if self._since < 0:
            return math.inf
        return max(self._since + self._stable_for - self._hub.world.now(), SHORTEST)

    def needs(self) -> Needs | None:
        """While it holds every change is looked at."""
        return Needs(services=tuple(self._hub.seen.services)) if self._since < 0 else None

    def outcome(self, settled: bool) -> Outcome:
        if not settled:
            late = f"not converged after {duration.text(self._timeout)}"
            with self._hub.client.of_a_leader():
                blockers = swarm_blockers(self._hub) or self._blockers
            raise ConvergenceTimeout(late, blockers=blockers)
        wanted = sum(len([task for task in tasks if task.runs]) for tasks in self._hub.seen.tasks.values())
        return Outcome(OutcomeState.CONVERGED, "", wanted, wanted, self._hub.world.now() - self._began)


def first_blocker(hub: Hub) -> list[str]:
    """One thing that is not yet as it should be, and nothing when all is: a wait asks for no more."""
    return _guarded(lambda: list(islice(_blockers(hub, unless_few=True), 1)))


def swarm_blockers(hub: Hub) -> list[str]:
    """Everything that is not yet as it should be, a sentence each."""
    return _guarded(lambda: list(_blockers(hub)))


def _blockers(hub: Hub, unless_few: bool = False) -> Iterator[str]:
    """`unless_few`: a service of which too few run at all is not looked at as a whole."""
    nodes = hub.nodes()
    for node in nodes:
        yield from _node_blockers(hub, node)
    for service, running in hub.services_and_running():
        if unless_few and running < (service.replicas or 0):
            yield f"{service.name}: {running} of {service.replicas} tasks run"
        if service.update_state.going_on or service.update_state.stopped:
            yield f"{service.name}: {service.update_message or service.update_state}"
        for why in look_at(hub, service, nodes).blockers():
            yield f"{service.name}: {why}"


def _guarded(ask: Callable[[], list[str]]) -> list[str]:
    """What could not be asked blocks too."""
    try:
        return ask()
    except NotFound:
        return ["a service was removed just now"]
    except PASSING as error:
        return [error.message]


def _node_blockers(hub: Hub, node: NodeInfo) -> list[str]:
    if not hub.world.alive(node.name):
        return []  # dead by our own hand, and that is known
    if node.state is not NodeState.READY:
        return [f"{node.name} is {node.state}"]
    if node.manages != (node.role is Role.MANAGER):
        return [f"{node.name} is not a {node.role} yet"]
    if node.manages and node.reachability is Reachability.UNREACHABLE:
        return [f"{node.name} is a manager that takes no part: its docker info says why"]
    return []


def _wanted(service: ServiceInfo, nodes: Sequence[NodeInfo]) -> int:
    if service.replicas is not None:
        return service.replicas
    return len(eligible(nodes, service.constraints))


def _may_keep(node: NodeInfo, service: ServiceInfo) -> bool:
    """Do tasks of this service that are on this node stay there?"""
    if node.availability is Availability.DRAIN:
        return False
    return all(holds(node, constraint) for constraint in service.constraints)


def _why(task: TaskInfo) -> str:
    return f"{task.state}: {task.error or task.message or 'no reason given'}"


def _tasks(count: int) -> str:
    return f"{count} task{'' if count == 1 else 's'}"
