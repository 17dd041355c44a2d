"""Readers: what managers have recorded, each part followed from one question to the next: elections, changes,
logs. NOT here: who is asked (`gather`).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from swarmpy._checks.shapes import MAKERS, Item, before_item
from swarmpy._connection.base import Connection
from swarmpy._connection.client import finish, make_request
from swarmpy._event_stream import stamp

PATIENCE = 1.0  # seconds that a real manager gets for an answer
LONG_PATIENCE = 5.0  # ... for a long one
LOCAL = {"swarmpy-consistency": "local"}
PAGE = 2_000  # entries of a log in one answer
BEGIN = 1  # the entry that a new swarm begins with
FIRST_TERM = (
    1  # of a manager that makes a new swarm; one that joins begins without, a restarted one knows a later one
)
TOLD = ("node", "service", "task")
Tell = Callable[[Item], None]


class Note(Protocol):
    """Says what was not seen. `since_ns`: what came later was; `until_ns`: what came earlier was."""

    def __call__(
        self, about: str, what: str, since_ns: int | None = None, *, until_ns: int | None = None
    ) -> None: ...


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


class Elections:
    """`removed`: names of managers that are none any more. `is_ours`: is it still a manager of this swarm?"""

    def __init__(
        self, tell: Tell, note: Note, now_ns: Callable[[], int], is_ours: Callable[[Manager], bool]
    ) -> None:
        self._tell, self._note, self._now_ns, self._is_ours = tell, note, now_ns, is_ours
        self.removed: set[str] = set()

    def read(self, one: Manager) -> None:
        told = get(one.door, f"/swarmpy/v1/raft/events?after={one.last}")
        if one.began and told["Began"] != one.began:  # its daemon was started again
            one.cluster, one.last, one.end, one.term, one.commit = (
                cluster_of(get(one.door, "/info")),
                0,
                0,
                -1,
                0,
            )
            told = get(one.door, "/swarmpy/v1/raft/events")
            if not self._is_ours(one):
                return
        if told["Began"] != one.began:
            self._note_ring(one, told)
        one.began, one.last, one.asked = told["Began"], told["Last"], self._now_ns()
        for raw in told["Events"]:
            if raw["Action"] == "member-removed":
                self.removed.add(raw["Actor"]["Attributes"]["name"])
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


class Changes:
    """`cursor`: the last entry whose changes were told; None: nothing was read."""

    def __init__(self, tell: Tell, note: Note, now_ns: Callable[[], int]) -> None:
        self._tell, self._note, self._now_ns = tell, note, now_ns
        self.cursor: int | None = None

    def read(self, there: list[Manager]) -> None:
        if self.cursor is None:
            return self._begin(min(there, key=lambda one: (self._kept(one), -one.view["Applied"])))
        best = max(there, key=knows)
        if best.view["Applied"] <= self.cursor:
            return None
        told = self._told(best, self.cursor)
        if told["Whole"]:
            return self._pass_on(told)
        until = told["From"]
        self._note("changes", f"entries {self.cursor + 1} to {until} of the log are not kept any more")
        return self._begin(best)

    def _kept(self, one: Manager) -> int:
        return int(self._told(one, one.view["Applied"])["From"])

    def _told(self, one: Manager, after: int) -> Any:
        return get(one.door, f"/swarmpy/v1/changes?facts=1&after={after}")

    def _begin(self, one: Manager) -> None:
        """The state before the first change that is kept: what is there now and was not changed since, and of
        the rest what the first change of each found. Lists come first, so that nothing falls between.
        """
        lists = {kind: get(one.door, f"/{kind}s", LONG_PATIENCE) for kind in TOLD}
        since = self._kept(one)
        told = self._told(one, since)
        if not told["Whole"]:  # much came meanwhile
            since = told["From"]
            lists = {kind: get(one.door, f"/{kind}s", LONG_PATIENCE) for kind in TOLD}
            told = self._told(one, since)
        first: dict[str, Any] = {}
        for raw in told["Changes"]:
            first.setdefault(raw["Actor"]["ID"], raw)
        names = {raw["ID"]: raw["Spec"]["Name"] for raw in lists["service"]}
        at = stamp(told["Changes"][0]) if told["Changes"] else self._now_ns()
        state: Item = {"Type": "state", "Version": since, "timeNano": at}
        for kind, make in MAKERS.items():
            as_listed = [make(raw, names) for raw in lists[kind] if raw["ID"] not in first]
            before = [before_item(raw) for raw in first.values() if raw["Type"] == kind and raw.get("Before")]
            state[f"{kind.title()}s"] = as_listed + before
        if since > BEGIN and self.cursor is None:
            self._note("changes", f"the log's entries up to {since} are not kept by any manager", at)
        self._tell(state)
        self._pass_on(told)

    def _pass_on(self, told: Any) -> None:
        for raw in told["Changes"]:
            if raw["Type"] in TOLD:
                self._tell(raw)
        self.cursor = max(self.cursor or 0, told["Version"])


class Logs:
    """Of each manager, from the first entry that it keeps on."""

    def __init__(self, tell: Tell, note: Note, now_ns: Callable[[], int]) -> None:
        self._tell, self._note, self._now_ns = tell, note, now_ns

    def read(self, one: Manager) -> None:
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
            answer = get(one.door, f"/swarmpy/v1/raft/log?from={wanted}&limit={PAGE}")
            entries = [[row["Index"], row["Term"], row["Digest"]] for row in answer["Entries"]]
            if not entries:
                break
            self._tell_log(one, answer["Commit"], before, entries)
            wanted, before = entries[-1][0] + 1, entries[-1][1]
        one.end, one.commit, one.term = view["LastIndex"], view["Commit"], view["Term"]

    def _tell_log(self, one: Manager, commit: int, before: int | None, entries: list[list[Any]]) -> None:
        item = {"Type": "log", "Manager": one.name, "timeNano": self._now_ns(), "Commit": commit}
        self._tell({**item, "Before": before, "Entries": entries})


def knows(one: Manager) -> tuple[int, bool, int]:
    """Orders managers by how much they know."""
    return one.view["Term"], one.view["Role"] == "leader", one.view["Applied"]


def _term(raw: Item) -> int:
    return int(raw["Actor"]["Attributes"]["term"])


def cluster_of(info: Any) -> str:
    """The swarm's id, by `/info`."""
    return str((info["Swarm"].get("Cluster") or {}).get("ID", ""))


def get(door: Connection, path: str, patience: float = PATIENCE) -> Any:
    """What this manager answers by itself."""
    request = make_request("GET", path, headers=LOCAL)
    return json.loads(finish(door.look(request) or door.open(request), patience))
