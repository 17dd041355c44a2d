"""Gatherer: asks a swarm's managers what they have recorded, once as far back as it is kept and then what is
new, and tells it as the items of a recording (docs/design/checks.md has their form).

Invariants: it only looks. No change is missed between two looks and none comes twice, whichever manager is
asked; a note says what no manager keeps any more.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from typing import Any

from swarmpy._checks.readers import Changes, Elections, Logs, Manager, cluster_of, get, knows
from swarmpy._checks.shapes import Item
from swarmpy._connection.base import Connection
from swarmpy._hub import Hub
from swarmpy._models import times
from swarmpy.errors import Locked, SwarmError, Unreachable
from swarmpy.states import Mode

REST = 2.0  # seconds until one that did not answer is asked again
LATE = 3 * 10**9  # nanoseconds without an answer after which a manager counts as one that does not run
OTHER_CALENDAR = 60 * 10**9  # nanoseconds: clocks that are so far apart do not mean the same time


class Gatherer:
    def __init__(self, hub: Hub, tell: Callable[[Item], None]) -> None:
        self._hub, self._tell = hub, tell
        self._managers: dict[str, Manager] = {}
        self._rests: dict[str, float] = {}  # until when a door is not asked
        self._cluster = ""
        self._ahead_ns = 0  # the swarm's calendar, before ours
        self._trouble: SwarmError | None = None  # why the last one that did not answer did not
        self._strangers: set[str] = set()
        self._silent: set[str] = set()  # managers to whom there is no way
        self._missing: dict[str, int] = {}  # managers that do not answer, and since when
        self._late: set[str] = set()  # managers whose last answer did not come in time
        self._failed: dict[tuple[str, str], int] = {}  # what the last question did not get, and since when
        self._elections = Elections(tell, self._note, self.now_ns, self._is_ours)
        self._changes = Changes(tell, self._note, self.now_ns)
        self._logs = Logs(tell, self._note, self.now_ns)

    def look(self) -> None:
        """All that is new. Raises `Unreachable` when no manager answers the first time."""
        there = self._there()
        if self._changes.cursor is None and not there:
            raise self._trouble or Unreachable(
                "no manager of this swarm can be asked", hint="Are its daemons running? See swarmpy ls."
            )
        if there and not self._cluster:
            self._cluster = max(there, key=knows).cluster
        there = [one for one in there if self._is_ours(one)]
        for one in there:
            self._try("raft", one.name, self._elections.read, one)
        if there:
            self._try("changes", "", self._changes.read, there)
        for one in there:
            self._try("logs", one.name, self._logs.read, one)
        self._presence(there)

    def _try(self, about: str, name: str, read: Callable[[Any], None], whom: Any) -> None:
        """A daemon that died meanwhile is asked again at the next look; what it has answered stays known."""
        try:
            read(whom)
            self._failed.pop((about, name), None)
        except SwarmError:
            if self._changes.cursor is None and about == "changes":
                raise
            self._failed.setdefault((about, name), self.now_ns())
            self._hub.check_open()

    # ---- who is there

    def _there(self) -> list[Manager]:
        return [one for door in self._hub.doors() if (one := self._asked(door)) is not None]

    def _asked(self, door: Connection) -> Manager | None:
        """None for a node that is no manager, or does not answer."""
        now = self._hub.world.now()
        if self._rests.get(door.name, -math.inf) > now:
            return None
        try:
            view = get(door, "/swarmpy/v1/raft")
            info = None if door.name in self._managers else get(door, "/info")
        except Unreachable as error:
            self._trouble = error
            self._late.discard(self._name_of(door))
            return None
        except SwarmError as error:
            if not isinstance(self._trouble, Locked):  # which says more than that a worker is no manager
                self._trouble = error
            self._hub.check_open()
            if self._hub.world.mode is Mode.REAL:
                self._rests[door.name] = now + REST
            self._late.add(self._name_of(door))
            return None
        name = (view["Members"].get(str(view["Id"])) or {}).get("Name") or door.name
        one = self._managers.setdefault(door.name, Manager(door, name))
        one.door, one.view, one.name = door, view, name
        if info is not None:
            one.cluster = cluster_of(info)
            self._set_clock(info)
        return one

    def _set_clock(self, info: Any) -> None:
        """A served swarm has a calendar of its own."""
        if self._hub.world.machines() or times.parse(info.get("SystemTime")) == times.ZERO:
            return
        ahead = round(times.parse(info.get("SystemTime")).timestamp() * 1e9) - self.now_ns()
        if abs(ahead) > OTHER_CALENDAR and self._changes.cursor is None:
            self._ahead_ns += ahead

    def _is_ours(self, one: Manager) -> bool:
        if one.cluster == self._cluster:
            return True
        if one.name not in self._strangers:
            self._strangers.add(one.name)
            self._note("raft", f"{one.name} belongs to another swarm and is not asked")
        return False

    def _presence(self, there: list[Manager]) -> None:
        """The managers that answer at this moment."""
        if not there and not self._managers:
            return
        best = max(there or self._managers.values(), key=knows)
        members = [one["Name"] for one in best.view["Members"].values() if one["Voter"]]
        answer, now = {one.name for one in there}, self.now_ns()
        self._missing = {name: self._missing.get(name, now) for name in members if name not in answer}
        reach = {door.name for door in self._hub.doors()} | set(self._hub.world.dead()) | self._known_names()
        self._note_silent(self._missing.keys() - reach - self._silent)
        rows = {name: name in answer for name in members}
        waits = any(self._may_live(name, now) for name in self._missing)
        if self._silent or (waits and 2 * sum(rows.values()) <= len(rows)):
            rows = {}  # who cannot be asked may live
        self._tell({"Type": "look", "timeNano": now, "Managers": rows})

    def _may_live(self, name: str, now: int) -> bool:
        """Its answer is late, which a busy machine's is, too."""
        return name in self._late and now - self._missing[name] < LATE

    def _name_of(self, door: Connection) -> str:
        known = self._managers.get(door.name)
        return known.name if known else door.name

    def _note_silent(self, names: Collection[str]) -> None:
        if names:
            self._silent.update(names)
            listed = ", ".join(sorted(names))
            self._note("raft", f"what only {listed} saw: there is no way to ask")
            self._note("logs", f"the logs of {listed}: there is no way to ask")

    def finish(self) -> None:
        """No look follows: says who did not answer at the last one."""
        for name in sorted(self._elections.removed - self._known_names() - self._missing.keys()):
            self._note("raft", f"what {name} saw while it was a manager: it is none any more")
        silent = sorted(self._missing.keys() - self._silent)
        if silent and len(silent) == len(self._missing.keys() | self._answered()):
            self._note("changes", "the end: no manager answers", until_ns=min(self._missing.values()))
        for name in silent:
            until = self._missing[name] if name in self._known_names() else None
            for about, what in (("raft", f"what only {name} saw"), ("logs", f"the log of {name}")):
                self._note(about, f"{what}: it does not answer", until_ns=until)
        for (about, name), until in self._failed.items():
            if name not in silent:
                what = {"raft": f"what only {name} saw", "logs": f"the log of {name}"}.get(
                    about, "what was new"
                )
                self._note(about, f"{what}: the answer did not come in time", until_ns=until)

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
