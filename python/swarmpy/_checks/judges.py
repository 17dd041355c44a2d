"""Ready-made invariants over states that were seen one after another: what real time and recorded runs have.

Each judge is given states in their order and says what is wrong, or None. The simulator's own are C++
(cpp/sim/watch_rules.cpp) and see every event.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from swarmpy.inv import Invariant, Judge
    from swarmpy.peek import Peek, PeekService, PeekTask


def judge_of(invariant: Invariant) -> Judge | None:
    """A new one; None for what only the simulator can know."""
    make = _JUDGES.get(invariant.kind)
    return None if make is None else make(invariant)


def _tasks(count: int) -> str:
    return f"{count} task{'' if count == 1 else 's'}"


def _at_least(invariant: Invariant) -> Judge:
    had = False

    def judge(state: Peek) -> str | None:
        nonlocal had
        running = state.running(invariant.service)
        if not any(one.name == invariant.service for one in state.services):
            had = False
            return None
        had = had or running >= invariant.number
        if not had or running >= invariant.number:
            return None
        promised = f"at least {invariant.number} were promised"
        return f"{invariant.service} ran {_tasks(running)} at {state.at:.3f}s, {promised}"

    return judge


def _at_most(invariant: Invariant) -> Judge:
    def judge(state: Peek) -> str | None:
        running = state.running(invariant.service)
        if running <= invariant.number:
            return None
        allowed = f"at most {invariant.number} were allowed"
        return f"{invariant.service} ran {_tasks(running)} at {state.at:.3f}s, {allowed}"

    return judge


def _one_leader(_invariant: Invariant) -> Judge:
    led: dict[int, str] = {}

    def judge(state: Peek) -> str | None:
        for one in state.raft:
            if one.role != "leader":
                continue
            other = led.setdefault(one.term, one.node)
            if other != one.node:
                return f"{other} and {one.node} both led in term {one.term}, at {state.at:.3f}s"
        return None

    return judge


def _commits(_invariant: Invariant) -> Judge:
    """Of the leader, whose commit index must not fall behind what another one had."""
    most, term = 0, 0

    def judge(state: Peek) -> str | None:
        nonlocal most, term
        for one in state.raft:
            if one.role != "leader" or one.node != state.leader:
                continue
            if one.term == term and one.commit < most:
                return f"{one.node} had committed {one.commit} entries at {state.at:.3f}s, {most} were before"
            if one.term > term:  # it finds out how far the log is committed with its first entry
                term, most = one.term, 0
            most = max(most, one.commit)
        return None

    return judge


def _quorum(_invariant: Invariant) -> Judge:
    def judge(state: Peek) -> str | None:
        managers = [one for one in state.nodes if str(one.role) == "manager"]
        alive = sum(one.alive for one in managers)
        if not managers or alive * 2 > len(managers):
            return None
        return f"{alive} of {len(managers)} managers ran at {state.at:.3f}s, more than half are needed"

    return judge


def _of(invariant: Invariant, state: Peek) -> list[PeekService]:
    return [one for one in state.services if invariant.service in ("", one.name, one.id)]


def _seat(task: PeekTask) -> object:
    return task.slot or task.node


def _one_per_slot(invariant: Invariant) -> Judge:
    def judge(state: Peek) -> str | None:
        for service in _of(invariant, state):
            seats = Counter(_seat(task) for task in state.tasks_of(service.name) if task.runs)
            busy = service.update_state.going_on  # its order may be to start the new one first
            for seat, count in seats.items():
                if count > (2 if busy else 1):
                    return f"{_tasks(count)} of {service.name}.{seat} were meant to run at {state.at:.3f}s"
        return None

    return judge


def _at_most_desired(invariant: Invariant) -> Judge:
    before: dict[str, int] = {}

    def judge(state: Peek) -> str | None:
        for service in _of(invariant, state):
            slots = len({_seat(task) for task in state.tasks_of(service.name) if task.runs})
            had, before[service.id] = before.get(service.id, slots), slots  # it may be shrinking already
            if service.mode == "replicated" and slots > max(service.wanted, had):
                wanted = f"{service.wanted} are wanted"
                return f"{service.name} ran in {slots} slots at {state.at:.3f}s, {wanted}"
        return None

    return judge


def _no_failed(_invariant: Invariant) -> Judge:
    seen: int | None = None

    def judge(state: Peek) -> str | None:
        nonlocal seen
        requests = state.requests
        begin = len(requests) if seen is None else seen
        seen = len(requests)
        if not requests.failed:
            return None
        for one in requests[begin:]:
            if not one.ok:
                sent = f"GET {one.node}:{one.port}, sent at {one.time:.3f}s"
                return f"{sent}, failed at {one.time + one.took:.3f}s: {one.error}"
        return None

    return judge


_JUDGES: dict[str, Callable[[Invariant], Judge]] = {
    "at_least_running": _at_least,
    "at_most_running": _at_most,
    "one_leader_per_term": _one_leader,
    "no_lost_commits": _commits,
    "quorum_kept": _quorum,
    "at_most_one_per_slot": _one_per_slot,
    "replicas_at_most_desired": _at_most_desired,
    "no_failed_requests": _no_failed,
}
