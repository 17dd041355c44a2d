"""Panel: invariants over the items of a recording, one after another, and what came of each.

An entry of the log is one moment: all that it did was there at once. NOT here: where items come from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from swarmpy._checks.judges import judge_of
from swarmpy._checks.pace import Pace
from swarmpy._checks.picture import Picture
from swarmpy._checks.raft_record import Commits, Leaders, Logs
from swarmpy._event_stream import stamp
from swarmpy.inv import Invariant
from swarmpy.peek import Peek, PeekNode
from swarmpy.states import Availability, NodeState, Reachability, Role

Item = Mapping[str, Any]
Hear = Callable[[Item, float], "str | None"]

# By which kind of item each is judged.
SOURCES = {
    "at_least_running": "changes",
    "at_most_running": "changes",
    "at_most_one_per_slot": "changes",
    "replicas_at_most_desired": "changes",
    "update_pace": "changes",
    "one_leader_per_term": "raft",
    "no_lost_commits": "logs",
    "log_matching": "logs",
    "quorum_kept": "looks",
}
NOT_RECORDED = {
    "no_lost_writes": "no daemon records what clients were answered; the simulator tells (mode='sim')",
    "no_failed_requests": "daemons do not record requests; check.always in the Python that sends them tells",
}
NEEDS_FACTS = ("replicas_at_most_desired", "update_pace")
NOTHING = {
    "changes": "no change of nodes, services and tasks was recorded",
    "raft": "no event of Raft was recorded",
    "logs": "no manager's log was recorded",
    "looks": "it was not seen which managers run: all of them must be asked, at that moment",
}


@dataclass
class Line:
    """One invariant."""

    invariant: Invariant
    source: str
    hear: Hear | None = None  # of items that are not changes
    judge: Callable[[Peek], str | None] | None = None  # of states
    pace: Pace | None = None
    asked: int = 0
    broken_ns: int | None = None
    what: str = ""
    most: int = 0  # tasks that its service ran


@dataclass
class Panel:
    """`take` each item, then `settle`."""

    invariants: Sequence[Invariant]
    epoch_ns: int | None = None  # the clock's 0; the first item's time where that is earlier, or for None
    lines: list[Line] = field(init=False)
    events: dict[str, int] = field(init=False)
    notes: list[Item] = field(default_factory=list)
    states: int = 0
    first_ns: int | None = None
    last_ns: int = 0
    ended: bool = False
    on_broken: Callable[[Line], None] = lambda _line: None

    def __post_init__(self) -> None:
        self.lines = [_line(one) for one in self.invariants]
        self.events = {"changes": 0, "raft": 0, "logs": 0, "looks": 0}
        self.picture = Picture()
        self.has_facts = True
        self._entry: list[Item] = []
        self._led_ns: list[int] = []  # when leaders began, by their own clocks
        self._entry_ns = 0
        self._ends: dict[str, int] = {}  # of managers' logs

    def take(self, item: Item) -> None:
        kind = item["Type"]
        if kind in ("node", "service", "task"):
            if self._entry and _entry_of(item) != _entry_of(self._entry[0]):
                self.settle()
            self._see(stamp(item))
            self._entry.append(item)
            return
        self.settle()
        if kind == "state":
            self._begin(item)
        elif kind == "raft":
            self._raft(item)
        elif kind == "log":
            self._ask(item, "logs", self._fresh_entries(item))
        elif kind == "look":
            self._look(item)
        elif kind == "note":
            self.notes.append(item)
        elif kind == "end":
            self._see(stamp(item))
            self.ended = True

    def settle(self) -> None:
        """The entry whose changes were taken is over."""
        if not self._entry:
            return
        changes, self._entry = self._entry, []
        at = stamp(changes[0])
        self.picture.touched.clear()
        for raw in changes:
            self.has_facts = self.has_facts and ("After" in raw or "Before" in raw)
            self.picture.apply(raw)
        self.events["changes"] += len(changes)
        self._judge(changes, at)

    def at(self, ns: int) -> float:
        """Seconds on the recording's clock."""
        return (ns - (self.epoch_ns or 0)) / 1e9

    def _see(self, ns: int) -> None:
        if self.first_ns is None and (self.epoch_ns is None or ns < self.epoch_ns):
            self.epoch_ns = ns
        self.first_ns = ns if self.first_ns is None else min(self.first_ns, ns)
        self.last_ns = max(self.last_ns, ns)

    # ---- nodes, services, tasks

    def _begin(self, state: Item) -> None:
        self._see(stamp(state))
        before = set(self.picture.services)
        self.picture.begin(state)
        kept = {one.name for id, one in self.picture.services.items() if id in before}
        for line in self.lines:
            promised = line.invariant.kind == "at_least_running" and line.invariant.service in kept
            if line.judge is not None and line.source == "changes" and not promised:
                line.judge = judge_of(line.invariant)
            if line.pace is not None:
                line.pace.clear()
        self._judge([], stamp(state))

    def _judge(self, changes: Sequence[Item], ns: int) -> None:
        self.states += 1
        new_leader = any(self._entry_ns - 1e9 <= led <= ns + 1e9 for led in self._led_ns)
        self._entry_ns = ns
        names = self.picture.touched_names()
        state = self.picture.state(self.at(ns))
        for line in self.lines:
            if line.source != "changes":
                continue
            line.asked += 1
            said = None
            if line.pace is not None:
                if new_leader:
                    line.pace.clear()
                said = line.pace.judge(changes, self.picture, self.at(ns))
            elif line.invariant.service in ("", *names) and self._has_begin(line.invariant):
                line.most = max(line.most, self.picture.running(line.invariant.service))
                said = line.judge(state) if line.judge else None
            self._note(line, said, ns)

    def _has_begin(self, invariant: Invariant) -> bool:
        """What is counted of its service can be right."""
        return invariant.service not in self.picture.partly

    # ---- the rest

    def _raft(self, item: Item) -> None:
        if item["Action"] == "leader":
            self._led_ns.append(stamp(item))
        self._ask(item, "raft", 1)

    def _look(self, item: Item) -> None:
        if not item["Managers"]:
            return
        self.events["looks"] += 1
        self._see(stamp(item))
        nodes = tuple(_manager(name, alive) for name, alive in item["Managers"].items())
        state = Peek(self.at(stamp(item)), None, nodes, (), (), ())
        for line in self.lines:
            if line.source == "looks" and line.judge is not None:
                line.asked += 1
                self._note(line, line.judge(state), stamp(item))

    def _ask(self, item: Item, source: str, events: int) -> None:
        self.events[source] += events
        self._see(stamp(item))
        for line in self.lines:
            if line.source == source and line.hear is not None:
                line.asked += events
                self._note(line, line.hear(item, self.at(stamp(item))), stamp(item))

    def _fresh_entries(self, item: Item) -> int:
        """How many of them were not there before."""
        had = self._ends.get(item["Manager"], 0)
        self._ends[item["Manager"]] = max([had, *(index for index, *_ in item["Entries"])])
        return sum(index > had for index, *_ in item["Entries"])

    def _note(self, line: Line, said: str | None, ns: int) -> None:
        if said is not None and line.broken_ns is None:
            line.broken_ns, line.what = ns, said
            self.on_broken(line)

    # ---- what could not be judged

    def why_not(self, line: Line) -> str:
        """A sentence; "" for what was judged."""
        one, service = line.invariant, line.invariant.service
        if line.broken_ns is not None:
            return ""
        if not line.source:
            return NOT_RECORDED[one.kind]
        if not line.asked:
            return NOTHING[line.source]
        if line.source != "changes":
            return ""
        if one.kind in NEEDS_FACTS and not self.has_facts:
            return "these events do not tell what services want; record them with swarmpy check --record"
        if partly := self.picture.partly & ({service} if service else self.picture.partly):
            return f"{', '.join(sorted(partly))} was there before the recording began, and how is not in it"
        if service and service not in self.picture.known:
            return f"there was no service {service}"
        if one.kind == "at_least_running" and line.most < one.number:
            return f"{service} never ran {one.number} tasks ({line.most} at most): nothing was promised yet"
        return ""


def _line(one: Invariant) -> Line:
    source = SOURCES.get(one.kind, "")
    heard: dict[str, Callable[[], Hear]] = {
        "one_leader_per_term": lambda: Leaders().hear,
        "no_lost_commits": lambda: Commits().hear,
        "log_matching": lambda: Logs().hear,
    }
    if one.kind == "update_pace":
        return Line(one, source, pace=Pace(one.service))
    if one.kind in heard:
        return Line(one, source, hear=heard[one.kind]())
    return Line(one, source, judge=judge_of(one) if source else None)


def _entry_of(item: Item) -> object:
    return item.get("Version") or stamp(item)


def _manager(name: str, alive: bool) -> PeekNode:
    state = NodeState.READY if alive else NodeState.UNKNOWN
    reach = Reachability.UNKNOWN
    return PeekNode(name, name, Role.MANAGER, state, Availability.ACTIVE, reach, False, alive)
