"""Out of a lost majority: what each manager has, and a new Raft group of the one whose log is the newest.

Raft (section 5.4.1) calls a log newer when its last entry has the higher term, or the same term and the
higher index. An acknowledged entry is on a majority: the newest log of all managers has it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from swarmpy import _show
from swarmpy._brief import Brief
from swarmpy._hub import Hub
from swarmpy._models.nearest import not_found
from swarmpy.errors import Conflict, InvalidArgument, NotManager, SwarmError
from swarmpy.node import NodeSwarm
from swarmpy.raft import RaftState, raft_of

if TYPE_CHECKING:
    from swarmpy.node import Node
    from swarmpy.swarm import Swarm

HEADER = ("MANAGER", "STATE", "LAST TERM", "LAST INDEX", "COMMIT", "")
CHOSEN = "<- newest"
GONE = ("dead", "silent")
STEPS_DOWN = 10.0  # seconds: a leader that hears no majority steps down long before


@dataclass(frozen=True, slots=True)
class ManagerLog(metaclass=Brief):
    """What one manager has. `state`: `"answers"`, `"dead"` (its daemon does not run), `"silent"` (it does not
    answer), `"locked"` (it waits for the unlock key), or `"sidelined"` (it does not take part; `why` has its
    own sentence). `term`, `index`: of its last entry; `commit`: how far it knows the log to be committed. All
    three are None where it cannot be asked.
    """

    name: str
    state: str
    why: str = ""
    term: int | None = None
    index: int | None = None
    commit: int | None = None

    @property
    def newness(self) -> tuple[int, int]:
        """The greater, the newer the log: the term and the index of the last entry."""
        return self.term or 0, self.index or 0

    def row(self, mark: str = "") -> tuple[object, ...]:
        """As a line of a table."""
        known = ("" if one is None else one for one in (self.term, self.index, self.commit))
        return self.name, self.state, *known, " ".join(filter(None, (mark, self.why)))


@dataclass(frozen=True)
class Recovery(metaclass=Brief):
    """What `swarm.recover()` found, and did. `managers`: a `ManagerLog` for each member of the Raft group;
    `newest`: the name of the one whose log is the newest; `refused`: why nothing may be done, "" when it may,
    and `hint`: what to do in place of it, `shell`: the same in a shell's words. `leader`: who calls itself
    leader, or "". `chosen`: `newest` is the one that was asked for. `done`: a new group was made.
    """

    managers: tuple[ManagerLog, ...]
    newest: str
    lost: tuple[str, ...]
    refused: str
    hint: str
    shell: str = ""
    leader: str = ""
    chosen: bool = False
    done: bool = False

    @property
    def has_majority(self) -> bool:
        """Returns true if so many managers answer and take part that they elect a leader by themselves."""
        return 2 * sum(one.state == "answers" for one in self.managers) > len(self.managers)

    def __bool__(self) -> bool:
        """True if it may be done, or was done."""
        return not self.refused

    def verdict(self, command: str = "swarm.recover()") -> str:
        """One sentence: what was done, may be done (by `command`), or why not."""
        if self.done:
            return f"{self.newest} leads a new group of one manager; the others come back as workers"
        if self.refused:
            return f"refused: {self.refused}. {self.hint}"
        return f"{self.newest} can lead a new group of one manager: {command} does it"

    def table(self) -> str:
        """The managers, a line each."""
        return _show.table(HEADER, self._rows())

    def _rows(self) -> list[tuple[object, ...]]:
        return [
            one.row(CHOSEN if one.name == self.newest and one.state != "locked" else "")
            for one in self.managers
        ]

    def __repr__(self) -> str:
        return f"<recovery: {self.verdict()}>\n{self.table()}"

    def _repr_html_(self) -> str:
        return _show.html_box([_show.html_table(f"recovery: {self.verdict()}", HEADER, self._rows())])


def recover(swarm: Swarm, from_: str | Node | None, lost: Iterable[str | Node], dry_run: bool) -> Recovery:
    """See `Swarm.recover`."""
    hub, chosen = swarm._hub, _name(from_) if from_ is not None else ""
    gone = (lost,) if isinstance(lost, str) else tuple(map(_name, lost))
    one = look(hub, chosen, gone)
    if dry_run:
        return one
    if one.leader and not one.has_majority:  # it has not noticed yet that it is alone
        swarm.run(until=lambda _: not look(hub, chosen, gone).leader, timeout=STEPS_DOWN)
        one = look(hub, chosen, gone)
    if one.refused:
        error = Conflict(one.refused, code="FailedPrecondition", hint=one.hint)
        error.shell = one.shell
        raise error
    NodeSwarm(hub, one.newest).init(force_new_cluster=True)
    return replace(one, done=True)


def look(hub: Hub, from_: str = "", lost: tuple[str, ...] = ()) -> Recovery:
    """What each manager has, and whether a new group may be made; changes nothing."""
    views = {name: view for name in hub.open_world.machines() if (view := _view(hub, name)) is not None}
    if not views:
        raise NotManager(
            "no manager answers", hint="Start those that can be started: node.restart(), swarmpy node start."
        )
    members = _members(views)
    leads = [name for name, view in views.items() if isinstance(view, RaftState) and view.leader == name]
    _check_names(hub, from_, lost, members, bool(leads))
    managers = tuple(_log_of(hub, name, views.get(name)) for name in members)
    best = max(managers, key=lambda one: (one.state == "answers", one.state == "sidelined", *one.newness))
    newest = from_ if from_ in members else best.name
    found = Recovery(managers, newest, lost, "", "", "", leads[0] if leads else "", chosen=bool(from_))
    refused, hint, shell = _why_not(found, best)
    return replace(found, refused=refused, hint=hint, shell=shell)


def _check_names(hub: Hub, from_: str, lost: tuple[str, ...], members: list[str], led: bool) -> None:
    """Where there is a leader again, `lost` may name what was a manager before."""
    if from_ and from_ not in members:
        raise not_found("manager", from_, members)
    known = [*members, *(hub.open_world.machines() if led else ())]
    for name in lost:
        if name not in known:
            raise not_found("manager", name, members)


# ---- what there is


def _name(node: str | Node) -> str:
    name = node if isinstance(node, str) else getattr(node, "name", None)
    if not isinstance(name, str):
        raise InvalidArgument(f"a manager is a name or a Node, not {node!r}")
    return name


def _view(hub: Hub, name: str) -> RaftState | ManagerLog | None:
    """Of a manager that takes part; of one that does not, its own sentence; else nothing."""
    if not hub.open_world.alive(name):
        return None
    try:
        return raft_of(hub, name)
    except SwarmError:
        return _aside(hub, name)


def _aside(hub: Hub, name: str) -> ManagerLog | None:
    try:
        about = NodeSwarm(hub, name)._info()
    except SwarmError:
        return None
    error = str(about["Error"])
    if about["LocalNodeState"] == "locked":
        return ManagerLog(name, "locked")
    return ManagerLog(name, "sidelined", error) if error else None


def _members(views: dict[str, RaftState | ManagerLog]) -> list[str]:
    """The voters, as the manager with the most committed entries knows them."""
    states = [view for view in views.values() if isinstance(view, RaftState)]
    if not states:
        return sorted(views)
    knows = max(states, key=lambda state: (state.commit, state.term))
    return sorted({one.name for one in knows.members if one.voter} | {knows.node})


def _log_of(hub: Hub, name: str, view: RaftState | ManagerLog | None) -> ManagerLog:
    if isinstance(view, ManagerLog):
        return view
    if view is None:
        alive = name in hub.open_world.machines() and hub.open_world.alive(name)
        return ManagerLog(name, "silent" if alive else "dead")
    term = view._log[-1].term if len(view._log) else view.snapshot.term
    return ManagerLog(name, "answers", "", term, view.last_index, view.commit)


# ---- whether it may be done


Why = tuple[str, str, str]  # the reason; the next step in Python's words, and in a shell's


def _why_not(found: Recovery, best: ManagerLog) -> Why:
    """Three empty texts when nothing speaks against it."""
    managers, newest = found.managers, found.newest
    if found.leader:
        return _both(
            f"{found.leader} leads: there is nothing to recover", "Demote or remove managers that are gone."
        )
    if found.has_majority:
        return _majority(managers)
    if alive := [one for one in managers if one.name in found.lost and one.state not in GONE]:
        return _not_lost(alive[0])
    if locked := [one.name for one in managers if one.state == "locked"]:
        return _locked(locked)
    others = [one for one in managers if one.name != newest and one.name not in found.lost]
    if unknown := [one.name for one in others if one.state in GONE]:
        return _away(unknown, newest)
    if aside := [one for one in others if one.state == "sidelined"]:
        return _sidelined_beside(aside[0], newest)
    if best.state == "sidelined" and not found.chosen:
        return _only_sidelined(best)
    if next(one for one in managers if one.name == newest).newness < best.newness:
        return _both(f"the log of {best.name} is newer than that of {newest}", f"Recover from {best.name}.")
    return "", "", ""


def _both(reason: str, step: str) -> Why:
    return reason, step, step


def _majority(managers: tuple[ManagerLog, ...]) -> Why:
    answer = " and ".join(one.name for one in managers if one.state == "answers")
    of_all = _show.counted(len(managers), "manager")
    return (
        f"{answer} are a majority of {of_all}: they elect a leader by themselves",
        "Wait: swarm.wait_leader().",
        "Wait some seconds, then look again: swarmpy recover.",
    )


def _not_lost(one: ManagerLog) -> Why:
    if one.state == "locked":
        return f"{one.name} answers, so it is not lost: it is locked", *_locked([one.name])[1:]
    step = f"Do not name {one.name} as lost"
    if one.state == "answers":
        return _both(f"{one.name} answers, so it is not lost", f"{step}.")
    return (
        f"{one.name} answers, so it is not lost, though it takes no part: {one.why}",
        f"{step}. To go on without what only it has, end it first: node.kill().",
        f"{step}. To go on without what only it has, end it first: swarmpy node kill {one.name}.",
    )


def _locked(names: list[str]) -> Why:
    who, be = " and ".join(names), "is" if len(names) == 1 else "are"
    lost = f"Where its key is lost for ever, end {names[0]}, and name it as lost."
    return (
        f"{who} {be} locked, and what {'it has' if be == 'is' else 'they have'} cannot be seen",
        f"Unlock {who}: node.unlock(key), or docker swarm unlock on it. {lost}",
        f"Unlock {who}: swarmpy unlock {names[0]}, or docker swarm unlock on it. {lost}",
    )


def _sidelined_beside(one: ManagerLog, newest: str) -> Why:
    back = (
        "Bring back the others: it joins again by itself. Where that cannot be, end it, and name it as lost"
    )
    return (
        f"{one.name} takes no part, and its disk may have acknowledged entries that {newest} has not: "
        f"{one.why}",
        f"{back}, with what only it has: node.kill(), then swarm.recover(lost=[{one.name!r}]).",
        f"{back}, with what only it has: swarmpy node kill {one.name}; swarmpy recover --lost {one.name}.",
    )


def _only_sidelined(one: ManagerLog) -> Why:
    step = "To go on without them, say so:"
    return (
        f"what is left has lost acknowledged writes: {one.why}",
        f"{step} swarm.recover({one.name!r}).",
        f"{step} swarmpy recover --from {one.name}.",
    )


def _away(names: list[str], newest: str) -> Why:
    who, be, has = " and ".join(names), *(("is", "has") if len(names) == 1 else ("are", "have"))
    words = " ".join(f"--lost {name}" for name in names)
    step = f"Start {who} again; where that cannot be, say so:"
    return (
        f"{who} {be} away, and perhaps {has} acknowledged entries that {newest} has not",
        f"{step} swarm.recover(lost={names!r}).",
        f"{step} swarmpy recover {words}.",
    )
