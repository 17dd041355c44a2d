"""Gatherer: asks a swarm's managers what they have recorded, once as far back as it is kept and then what is
new, and tells it as the items of a recording (docs/design/checks.md has their form).

Invariants: it only looks. No change is missed between two looks and none comes twice, whichever manager is
asked; what nobody keeps any more is told as a note.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from swarmpy._checks.shapes import MAKERS, Item, before_item
from swarmpy._connection.base import Connection
from swarmpy._connection.client import finish, make_request
from swarmpy._event_stream import stamp
from swarmpy._hub import Hub
from swarmpy._models import times
from swarmpy.errors import SwarmError, Unreachable
from swarmpy.states import Mode

PATIENCE = 1.0  # seconds that a real manager gets for an answer
REST = 2.0  # seconds until one that did not answer is asked again
LOCAL = {"swarmpy-consistency": "local"}
OTHER_CALENDAR = 60 * 10**9  # nanoseconds: clocks that are so far apart do not mean the same time
PAGE = 10_000  # entries of a log in one answer: as many as a manager gives
BEGIN = 1  # the entry that a new swarm begins with
FIRST_TERM = (
    1  # of who makes a new swarm; who joins one begins without, who is started again knows a later one
)
TOLD = ("node", "service", "task")


@dataclass
class Manager:
    """What is known of one of them, and how far it is read."""

    door: Connection
    name: str
    view: Any = None  # its answer of this look
    cluster: str = ""
    began: int = 0  # of its story
    asked: int = 0  # when its story was read last
    last: int = 0
    term: int = -1  # of the last entry that was read
    end: int = 0  # its index
    commit: int = 0  # what was committed when it was read
    installed: int = BEGIN  # its log began after this entry: it never had those before


class Gatherer:
    def __init__(self, hub: Hub, tell: Callable[[Item], None]) -> None:
        self._hub, self._tell = hub, tell
        self._managers: dict[str, Manager] = {}
        self._rests: dict[str, float] = {}  # until when a door is not asked
        self._cursor: int | None = None  # the last entry whose changes were told
        self._cluster = ""
        self._ahead_ns = 0  # the swarm's calendar, before ours
        self._trouble: SwarmError | None = None  # why the last one that did not answer did not
        self._strangers: set[str] = set()
        self._silent: set[str] = set()  # managers to whom there is no way
        self._removed: set[str] = set()  # names of managers that are none any more
        self._missing: dict[str, int] = {}  # managers that do not answer, and since when

    def look(self) -> None:
        """All that is new. Raises `Unreachable` when no manager answers the first time."""
        there = self._there()
        if self._cursor is None and not there:
            raise self._trouble or Unreachable(
                "no manager of this swarm can be asked", hint="Are its daemons running? See swarmpy ls."
            )
        if there and not self._cluster:
            self._cluster = max(there, key=_knows).cluster
        there = [one for one in there if self._is_ours(one)]
        for one in there:
            self._try(lambda one=one: self._elections(one))  # type: ignore[misc]
        if there:
            self._try(lambda: self._changes(there))
        for one in there:
            self._try(lambda one=one: self._log(one))  # type: ignore[misc]
        self._presence(there)

    def _try(self, part: Callable[[], None]) -> None:
        """Who died meanwhile is asked again at the next look, and nothing of it was told half."""
        try:
            part()
        except SwarmError:
            if self._cursor is None:
                raise
            self._hub.check_open()

    # ---- who is there

    def _there(self) -> list[Manager]:
        return [one for door in self._hub.doors() if (one := self._asked(door)) is not None]

    def _asked(self, door: Connection) -> Manager | None:
        """None for who is no manager, or does not answer."""
        now = self._hub.world.now()
        if self._rests.get(door.name, -math.inf) > now:
            return None
        try:
            view = _get(door, "/swarmpy/v1/raft")
        except Unreachable as error:
            self._trouble = error
            return None
        except SwarmError as error:
            self._trouble = error
            self._hub.check_open()
            if self._hub.world.mode is Mode.REAL:
                self._rests[door.name] = now + REST
            return None
        name = (view["Members"].get(str(view["Id"])) or {}).get("Name") or door.name
        one = self._managers.setdefault(door.name, Manager(door, name))
        one.door, one.view, one.name = door, view, name
        if not one.cluster:
            info = _get(door, "/info")
            one.cluster = _cluster(info)
            self._set_clock(info)
        return one

    def _set_clock(self, info: Any) -> None:
        """A served swarm has a calendar of its own."""
        if self._hub.world.machines() or times.parse(info.get("SystemTime")) == times.ZERO:
            return
        ahead = round(times.parse(info.get("SystemTime")).timestamp() * 1e9) - self.now_ns()
        if abs(ahead) > OTHER_CALENDAR and self._cursor is None:
            self._ahead_ns += ahead

    def _is_ours(self, one: Manager) -> bool:
        if one.cluster == self._cluster:
            return True
        if one.name not in self._strangers:
            self._strangers.add(one.name)
            self._note("raft", f"{one.name} belongs to another swarm and is not asked")
        return False

    # ---- elections

    def _elections(self, one: Manager) -> None:
        told = _get(one.door, f"/swarmpy/v1/raft/events?after={one.last}")
        if one.began and told["Began"] != one.began:  # its daemon was started again
            one.cluster, one.last, one.end, one.term, one.commit = (
                _cluster(_get(one.door, "/info")),
                0,
                0,
                -1,
                0,
            )
            told = _get(one.door, "/swarmpy/v1/raft/events")
            if not self._is_ours(one):
                return
        if told["Began"] != one.began:
            self._note_ring(one, told)
        one.began, one.last, one.asked = told["Began"], told["Last"], self.now_ns()
        for raw in told["Events"]:
            if raw["Action"] == "member-removed":
                self._removed.add(raw["Actor"]["Attributes"]["name"])
            if raw["Action"] == "snapshot-installed":
                one.installed = max(one.installed, int(raw["Actor"]["Attributes"]["index"]))
            self._tell({**raw, "Manager": one.name})

    def _note_ring(self, one: Manager, told: Any) -> None:
        events = told["Events"]
        first = events[0] if events else None
        if first is not None and first["Number"] > 1:
            self._note("raft", f"{one.name} keeps its last {len(events)} events of Raft", stamp(first))
        elif first is not None and first["Action"] == "follower" and _term(first) > FIRST_TERM:
            what = f"{one.name} was started again and forgot what it saw"
            self._note("raft", what, told["Began"], until_ns=one.asked or None)

    # ---- nodes, services, tasks

    def _changes(self, there: list[Manager]) -> None:
        if self._cursor is None:
            return self._begin(min(there, key=lambda one: (self._kept(one), -one.view["Applied"])))
        best = max(there, key=_knows)
        if best.view["Applied"] <= self._cursor:
            return None
        told = self._told(best, self._cursor)
        if told["Whole"]:
            return self._pass_on(told)
        until = told["From"]
        self._note("changes", f"entries {self._cursor + 1} to {until} of the log are not kept any more")
        return self._begin(best)

    def _kept(self, one: Manager) -> int:
        return int(self._told(one, one.view["Applied"])["From"])

    def _told(self, one: Manager, after: int) -> Any:
        return _get(one.door, f"/swarmpy/v1/changes?facts=1&after={after}")

    def _begin(self, one: Manager) -> None:
        """The state before the first change that is kept: what is there now and was not changed since, and of
        the rest what the first change of each found. Lists come first, so that nothing falls between.
        """
        lists = {kind: _get(one.door, f"/{kind}s") for kind in TOLD}
        since = self._kept(one)
        told = self._told(one, since)
        if not told["Whole"]:  # much came meanwhile
            since = told["From"]
            lists = {kind: _get(one.door, f"/{kind}s") for kind in TOLD}
            told = self._told(one, since)
        first: dict[str, Any] = {}
        for raw in told["Changes"]:
            first.setdefault(raw["Actor"]["ID"], raw)
        names = {raw["ID"]: raw["Spec"]["Name"] for raw in lists["service"]}
        at = stamp(told["Changes"][0]) if told["Changes"] else self.now_ns()
        state: Item = {"Type": "state", "Version": since, "timeNano": at}
        for kind, make in MAKERS.items():
            as_listed = [make(raw, names) for raw in lists[kind] if raw["ID"] not in first]
            before = [before_item(raw) for raw in first.values() if raw["Type"] == kind and raw.get("Before")]
            state[f"{kind.title()}s"] = as_listed + before
        if since > BEGIN and self._cursor is None:
            self._note("changes", f"the log's entries up to {since} are not kept by any manager", at)
        self._tell(state)
        self._pass_on(told)

    def _pass_on(self, told: Any) -> None:
        for raw in told["Changes"]:
            if raw["Type"] in TOLD:
                self._tell(raw)
        self._cursor = max(self._cursor or 0, told["Version"])

    # ---- logs

    def _log(self, one: Manager) -> None:
        """What was not read yet, and what was read but not known to be committed; from the last committed one
        on, so that each is told behind the one before it.
        """
        view = one.view
        if (view["LastIndex"], view["Commit"], view["Term"]) == (one.end, one.commit, one.term):
            return
        wanted = max(one.commit, view["FirstIndex"])
        if one.end and wanted > one.end + 1:
            gap = f"entries {one.end + 1} to {wanted - 1} of {one.name}'s log"
            self._note("logs", f"{gap} were dropped before they were read")
        elif not one.end and view["FirstIndex"] > one.installed + 1:
            self._note("logs", f"{one.name} keeps its log from entry {view['FirstIndex']} on")
        snapshot = view["Snapshot"]
        before = snapshot["Term"] if snapshot["Index"] == wanted - 1 else None
        while wanted <= view["LastIndex"]:
            answer = _get(one.door, f"/swarmpy/v1/raft/log?from={wanted}&limit={PAGE}")
            entries = [[row["Index"], row["Term"], row["Digest"]] for row in answer["Entries"]]
            if not entries:
                break
            self._tell_log(one, answer["Commit"], before, entries)
            wanted, before = entries[-1][0] + 1, entries[-1][1]
        one.end, one.commit, one.term = view["LastIndex"], view["Commit"], view["Term"]

    def _tell_log(self, one: Manager, commit: int, before: int | None, entries: list[list[Any]]) -> None:
        item = {"Type": "log", "Manager": one.name, "timeNano": self.now_ns(), "Commit": commit}
        self._tell({**item, "Before": before, "Entries": entries})

    # ---- who is there

    def _presence(self, there: list[Manager]) -> None:
        """Who of the managers answers at this moment."""
        if not there and not self._managers:
            return
        best = max(there or self._managers.values(), key=_knows)
        members = [one["Name"] for one in best.view["Members"].values() if one["Voter"]]
        answer, now = {one.name for one in there}, self.now_ns()
        self._missing = {name: self._missing.get(name, now) for name in members if name not in answer}
        reach = {door.name for door in self._hub.doors()} | set(self._hub.world.dead()) | self._known_names()
        self._note_silent(self._missing.keys() - reach - self._silent)
        rows = {} if self._silent else {name: name in answer for name in members}  # who is silent may live
        self._tell({"Type": "look", "timeNano": now, "Managers": rows})

    def _note_silent(self, names: Collection[str]) -> None:
        if names:
            self._silent.update(names)
            listed = ", ".join(sorted(names))
            self._note("raft", f"what only {listed} saw: there is no way to ask")
            self._note("logs", f"the logs of {listed}: there is no way to ask")

    def finish(self) -> None:
        """No look follows: says who did not answer at the last one."""
        for name in sorted(self._removed - self._known_names() - self._missing.keys()):
            self._note("raft", f"what {name} saw while it was a manager: it is none any more")
        silent = sorted(self._missing.keys() - self._silent)
        if silent and len(silent) == len(self._missing.keys() | self._answered()):
            self._note("changes", "the end: no manager answers", until_ns=min(self._missing.values()))
        for name in silent:
            for about, what in (("raft", f"what only {name} saw"), ("logs", f"the log of {name}")):
                self._note(about, f"{what}: it does not answer", until_ns=self._missing[name])

    def _answered(self) -> set[str]:
        return self._known_names() - self._missing.keys()

    def _known_names(self) -> set[str]:
        return {one.name for one in self._managers.values()}

    def _note(
        self, about: str, what: str, since_ns: int | None = None, *, until_ns: int | None = None
    ) -> None:
        """`since_ns`: what came later was seen; `until_ns`: what came earlier was."""
        item: Item = {"Type": "note", "About": about, "What": what, "timeNano": self.now_ns()}
        moments = {"Since": since_ns, "Until": until_ns}
        self._tell({**item, **{key: ns for key, ns in moments.items() if ns is not None}})

    def now_ns(self) -> int:
        """On the swarm's calendar."""
        return self._hub.world.epoch_ns + round(self._hub.world.now() * 1e9) + self._ahead_ns


def _knows(one: Manager) -> tuple[int, bool, int]:
    return one.view["Term"], one.view["Role"] == "leader", one.view["Applied"]


def _term(raw: Item) -> int:
    return int(raw["Actor"]["Attributes"]["term"])


def _cluster(info: Any) -> str:
    return str((info["Swarm"].get("Cluster") or {}).get("ID", ""))


def _get(door: Connection, path: str) -> Any:
    request = make_request("GET", path, headers=LOCAL)
    return json.loads(finish(door.look(request) or door.open(request), PATIENCE))
