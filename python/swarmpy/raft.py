"""Raft to be seen: what one manager knows of elections and of the group, and its log as a table."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, overload

from swarmpy import _show
from swarmpy._brief import Brief
from swarmpy._connection.base import Connection
from swarmpy._connection.client import finish, make_request
from swarmpy._hub import Hub
from swarmpy.errors import InvalidArgument, NotFound, NotSupportedInMode

PATH = "/swarmpy/v1/raft"
PATIENCE = 5.0  # seconds that a real manager gets for an answer
PAGE = 1000  # entries that are read at once
LOG_HEADER = ("INDEX", "TERM", "KIND", "BYTES", "WHAT")
MEMBER_HEADER = ("MEMBER", "VOTES", "REACHABLE", "MATCH", "NEXT", "PROGRESS")
MOST_ROWS, MOST_HTML_ROWS = 9, 200


@dataclass(frozen=True, slots=True)
class LogEntry(metaclass=Brief):
    """An entry of the log. `kind`: `"transaction"` (changes of objects), `"membership"` (of the Raft group)
    or `"empty"` (the first of a leader's term). `size`: bytes of its data. `what`: a line for people, such as
    `service web: update` or `task web.3: running`.
    """

    index: int
    term: int
    kind: str
    size: int
    what: str

    def row(self) -> tuple[object, ...]:
        """As a line of a table."""
        return self.index, self.term, self.kind, self.size, self.what


@dataclass(frozen=True, slots=True)
class RaftSnapshot(metaclass=Brief):
    """What stands before the first entry that is kept: everything up to `index`, whose term was `term`."""

    index: int
    term: int


@dataclass(frozen=True, slots=True)
class RaftMember(metaclass=Brief):
    """A member of the Raft group, as one manager knows it. `voter`: False for a learner, which gets the log
    and has no vote yet. `reachable`: the leader heard from it lately; of a follower, whether it has a leader.

    On the leader only, else None: `match` (it has the log up to here), `next` (what is sent to it next),
    `progress` (`"probe"`, `"replicate"` or `"snapshot"`: how it is sent to).
    """

    name: str
    id: str
    voter: bool
    reachable: bool
    match: int | None
    next: int | None
    progress: str | None

    def row(self) -> tuple[object, ...]:
        """As a line of a table."""
        about = tuple("" if one is None else one for one in (self.match, self.next, self.progress))
        return self.name, "yes" if self.voter else "learner", "yes" if self.reachable else "no", *about


class RaftLog(metaclass=Brief):
    """The log as it is in the memory of one manager, from the first entry that is kept on.

    `len`, iterate; `log[17]` is the entry with index 17, `log[-1]` the newest, `log[10:20]` those with the
    indexes 10 to 19 that there are, `.tail(5)` the newest five. A part of a log is a log. Its ends are those
    of the moment at which it was asked for.

    `log[17]` raises `NotFound` for an entry that is not there (yet, or any more).
    """

    def __init__(self, node: str, first: int, last: int, fetch: Callable[[int, int], list[LogEntry]]) -> None:
        self.node, self._first, self._last, self._fetch = node, first, last, fetch
        self._kept: dict[int, LogEntry] = {}

    def __len__(self) -> int:
        return max(self._last - self._first + 1, 0)

    def __iter__(self) -> Iterator[LogEntry]:
        for begin in range(self._first, self._last + 1, PAGE):
            yield from self._take(begin, min(begin + PAGE - 1, self._last))

    @overload
    def __getitem__(self, index: int) -> LogEntry: ...
    @overload
    def __getitem__(self, index: slice) -> RaftLog: ...
    def __getitem__(self, index: int | slice) -> LogEntry | RaftLog:
        """By the entry's own index; negative numbers count from the end."""
        if isinstance(index, slice):
            return self._slice(index)
        if isinstance(index, bool) or not isinstance(index, int):
            raise InvalidArgument(f"an entry's index is a whole number, not {index!r}")
        wanted = index if index >= 0 else self._last + 1 + index
        if not self._first <= wanted <= self._last:
            raise self._missing(index)
        return self._take(wanted, wanted)[0]

    def tail(self, n: int = 10) -> RaftLog:
        """The newest `n` entries, as a log."""
        if isinstance(n, bool) or not isinstance(n, int) or n < 0:
            raise InvalidArgument(f"n is how many entries, 0 or more, not {n!r}")
        return self._part(max(self._last - n + 1, self._first), self._last)

    def to_dicts(self) -> list[dict[str, Any]]:
        """An entry each: `index`, `term`, `kind`, `size`, `what`."""
        return [{name: getattr(one, name) for name in LogEntry.__slots__} for one in self]

    def to_pandas(self) -> Any:
        """A DataFrame, one row an entry. Needs pandas."""
        return importlib.import_module("pandas").DataFrame(self.to_dicts(), columns=list(LogEntry.__slots__))

    def _slice(self, wanted: slice) -> RaftLog:
        if wanted.step not in (None, 1):
            raise InvalidArgument("a part of a log is without gaps", hint="Say log[10:20].")
        low, high = (self._bound(one, end) for one, end in ((wanted.start, 0), (wanted.stop, self._last + 1)))
        return self._part(max(low, self._first), min(high - 1, self._last))

    def _bound(self, index: int | None, default: int) -> int:
        if index is None:
            return default
        return index if index >= 0 else self._last + 1 + index

    def _part(self, low: int, high: int) -> RaftLog:
        part = RaftLog(self.node, low, max(high, low - 1), self._fetch)
        if low <= high:
            part._kept = {one.index: one for one in self._take(low, high)}
        return part

    def _take(self, low: int, high: int) -> list[LogEntry]:
        wanted = range(low, high + 1)
        missing = [index for index in wanted if index not in self._kept]
        while missing:
            got = self._fetch(missing[0], min(missing[-1] - missing[0] + 1, PAGE))
            self._kept.update((one.index, one) for one in got)
            if missing[0] not in self._kept:
                raise self._missing(missing[0])
            missing = [index for index in missing if index not in self._kept]
        return [self._kept[index] for index in wanted]

    def __reduce__(self) -> Any:
        """With all its entries: a copy of it has no manager to ask for them."""
        return _log_of, (self.node, self._first, self._last, list(self))

    def _missing(self, index: int) -> NotFound:
        there = f"entries {self._first} to {self._last}" if len(self) else "no entries"
        return NotFound(
            f"there is no entry {index} in the log of {self.node}",
            hint=f"There were {there}; older ones are in the snapshot. node.raft.log is the log of now.",
        )

    def _head(self) -> str:
        count = f"{len(self)} entr{'y' if len(self) == 1 else 'ies'}"
        return f"log of {self.node}: {count}" + (f", {self._first} to {self._last}" if len(self) else "")

    def __repr__(self) -> str:
        lines = [f"<{self._head()}>"]
        if len(self):
            if len(self) > MOST_ROWS:
                lines.append(f"... {len(self) - MOST_ROWS} before these")
            lines.append(_show.table(LOG_HEADER, [one.row() for one in self.tail(MOST_ROWS)]))
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = [one.row() for one in self.tail(MOST_HTML_ROWS)][::-1]
        return _show.html_box([_show.html_table(f"{self._head()} (the newest first)", LOG_HEADER, rows)])


@dataclass(frozen=True)
class RaftState(metaclass=Brief):
    """What one manager knows of Raft at `at` seconds of the swarm's clock. A frozen value: ask `node.raft`
    again for news.

    `node`: the manager's name. `role`: `"leader"`, `"follower"` or `"candidate"`; `pre_candidate`: it only
    asks whether it could win, and its term is still the old one. `leader`: the name of the one that it
    follows, or itself; "" for none. `vote`: the name of the one that it voted for in this `term`, "" for
    no member. `commit`, `applied`: the last index of the log that is committed, and that is in its store.
    `first_index`, `last_index`: the ends of the log in its memory. `snapshot`: what stands before that.
    `members`: of the Raft group, itself among them; with their progress where it leads. `.log`: the log.

    A manager that is cut off tells what it thinks: two may call themselves leader, in different terms.
    """

    at: float
    node: str
    term: int
    role: str
    pre_candidate: bool
    leader: str
    vote: str
    commit: int
    applied: int
    first_index: int
    last_index: int
    snapshot: RaftSnapshot
    members: tuple[RaftMember, ...]
    _log: RaftLog = field(repr=False, compare=False)

    @property
    def log(self) -> RaftLog:
        """The log as it is in this manager's memory, as a table: `.tail(5)`, `[17]`, `[10:20]`, `len`. Its
        newest 1000 entries are read when it is first asked for, older ones when they are looked at.
        """
        self._log.tail(PAGE)
        return self._log

    def member(self, name: str) -> RaftMember:
        """By name or id. Raises `NotFound`."""
        from swarmpy._models.nearest import not_found

        for one in self.members:
            if name in (one.name, one.id):
                return one
        raise not_found("member", name, [one.name for one in self.members])

    def to_dict(self) -> dict[str, Any]:
        """All but the log and the members, as plain values; `snapshot_index` and `snapshot_term` for it."""
        names = [name for name in self.__dataclass_fields__ if name not in ("snapshot", "members", "_log")]
        snapshot = {"snapshot_index": self.snapshot.index, "snapshot_term": self.snapshot.term}
        return {**{name: getattr(self, name) for name in names}, **snapshot}

    def _head(self) -> str:
        role = "pre-candidate" if self.pre_candidate else self.role
        follows = f" of {self.leader}" if self.role == "follower" and self.leader else ""
        leads = "" if self.leader else ", no leader"
        voted = f", voted for {self.vote}" if self.vote else ""
        return f"Raft of {self.node} at {self.at:.3f}s: {role}{follows} in term {self.term}{leads}{voted}"

    def _ends(self) -> str:
        return f"log {self.first_index} to {self.last_index}, commit {self.commit}, applied {self.applied}"

    def __repr__(self) -> str:
        members = _show.table(MEMBER_HEADER, [one.row() for one in self.members])
        return f"<{self._head()}; {self._ends()}>\n{members}"

    def _repr_html_(self) -> str:
        header = ("TERM", "ROLE", "LEADER", "VOTE", "COMMIT", "APPLIED", "LOG")
        role = "pre-candidate" if self.pre_candidate else self.role
        ends = f"{self.first_index} to {self.last_index}"
        row = (self.term, role, self.leader, self.vote, self.commit, self.applied, ends)
        members = [one.row() for one in self.members]
        return _show.html_box(
            [
                _show.html_table(self._head(), header, [row]),
                _show.html_table(f"{len(members)} members", MEMBER_HEADER, members),
            ]
        )


# ---- how it is made


def _log_of(node: str, first: int, last: int, entries: list[LogEntry]) -> RaftLog:
    """One that has come from another process."""
    log = RaftLog(node, first, last, lambda _low, _limit: [])
    log._kept = {one.index: one for one in entries}
    return log


def raft_of(hub: Hub, machine: str) -> RaftState:
    """What the manager `machine` knows. Raises `NotManager` and `Unreachable`."""
    door = _door(hub, machine)
    hub.clock_was_read = True  # what is shown changes with events that show nothing else
    view = _ask(door, PATH)

    def fetch(low: int, limit: int) -> list[LogEntry]:
        hub.check_open()
        answer = _ask(door, f"{PATH}/log?from={low}&limit={limit}")
        return [_entry(raw) for raw in answer["Entries"]]

    log = RaftLog(machine, view["FirstIndex"], view["LastIndex"], fetch)
    snapshot = RaftSnapshot(view["Snapshot"]["Index"], view["Snapshot"]["Term"])
    return RaftState(
        at=hub.world.now(),
        node=machine,
        term=view["Term"],
        role=view["Role"],
        pre_candidate=view["PreCandidate"],
        leader=view["LeaderName"],
        vote=view["VoteName"],
        commit=view["Commit"],
        applied=view["Applied"],
        first_index=view["FirstIndex"],
        last_index=view["LastIndex"],
        snapshot=snapshot,
        members=tuple(sorted((_member(raw) for raw in view["Members"].values()), key=lambda one: one.name)),
        _log=log,
    )


def _door(hub: Hub, machine: str) -> Connection:
    """Of a connected swarm only one node has a door: it may be this one."""
    try:
        return hub.open_world.door(machine)
    except NotSupportedInMode:
        for door in hub.doors():
            if hub.client.json("GET", "/info", at=door)["Name"] == machine:
                return door
        raise


def _ask(door: Connection, path: str) -> Any:
    request = make_request("GET", path)
    return json.loads(finish(door.look(request) or door.open(request), PATIENCE))


def _entry(raw: Mapping[str, Any]) -> LogEntry:
    return LogEntry(raw["Index"], raw["Term"], raw["Kind"], raw["Size"], raw["What"])


def _member(raw: Mapping[str, Any]) -> RaftMember:
    return RaftMember(
        name=raw["Name"],
        id=raw["Node"],
        voter=raw["Voter"],
        reachable=raw["Reachable"],
        match=raw.get("Match"),
        next=raw.get("Next"),
        progress=raw.get("Progress"),
    )
