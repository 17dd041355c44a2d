"""Checks: what must hold while a swarm runs, `swarm.check`.

In the simulator functions and invariants are asked in the engine after every event, with no virtual time and
no chance: the trace is the same with and without them. In real time they are asked of the state after each
entry of the swarm's log, in a thread, and what is broken is raised by the next call that lets time pass.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from swarmpy import _show, duration
from swarmpy._brief import Brief
from swarmpy._checks.source import Source
from swarmpy._checks.wall import Line, WallChecks
from swarmpy._hub import Hub
from swarmpy._models.nearest import check_word
from swarmpy.duration import DurationLike
from swarmpy.errors import Conflict, InvalidArgument, InvariantBroken, NotSupportedInMode
from swarmpy.events import check_service
from swarmpy.inv import Invariant, meant
from swarmpy.peek import Peek
from swarmpy.states import TaskState

if TYPE_CHECKING:
    from swarmpy._core import World as Core

Function: TypeAlias = Callable[[Peek], object]
HEADER = ("CHECK", "KIND", "ASKED", "STATE")
EVENT_KINDS = (
    *(f"task.{state}" for state in TaskState),
    *("node.create", "node.update", "node.remove", "node.down", "node.ready", "node.disconnected"),
    *("service.create", "service.update", "service.remove"),
)


class Check(metaclass=Brief):
    """`swarm.check`: what must hold. Its table has each check, how often it was asked, and how it stands.

    A function gets the frozen state of the moment (`Peek`: `.running("web")`, `.leader`, `.nodes`, `.term`,
    `.requests`, ...) and says by its truth whether it holds; it only looks. In the simulator it is asked
    again whenever what it read may have changed, at the very event; after every event when it read `.now`.
    What it raises is raised to the call that let time pass; where it raises at once, the check is not made.

    The first that is broken raises `InvariantBroken` and ends the run there.

    >>> c.check.always("three run", lambda s: s.running("web") >= 3)
    >>> c.check.always(sp.inv.one_leader_per_term, sp.inv.at_least_running("web", 3))
    >>> c.check.eventually("a leader again", lambda s: s.leader, within="5s", after="node.down")
    >>> c.check.sometimes("a failover", lambda s: s.elections > 1)
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._wall: WallChecks | None = None
        self._begun = False
        self._names: list[str] = []
        self._invariants: dict[str, Invariant] = {}
        self._brought: dict[str, Invariant] = {}  # by the run that this one goes on from
        self.told: list[dict[str, object]] = []  # for a journal: kind, name, and an invariant's JSON

    @property
    def _core(self) -> Core | None:
        """Of this moment: a replay that is turned back has another one."""
        return getattr(self._hub.world, "core", None)

    def always(
        self, name: str | Invariant, what: Function | Invariant | None = None, *more: Invariant
    ) -> None:
        """From now on it holds at every moment: a function with a name, or invariants (`sp.inv`), whose own
        names serve. One that does not hold now is broken at once.

        Raises `InvariantBroken`, `InvalidArgument` for what is neither, `NotFound` for a service that there
        is not (while there is none at all it may come), `Conflict` for a name that is taken, and
        `NotSupportedInMode` for an invariant that only the simulator can tell.
        """
        if isinstance(name, Invariant):
            found = [name, *([] if what is None else [what]), *more]
            for one in found:
                if not isinstance(one, Invariant):
                    hint = meant(one) or 'Say always("a name", function).'
                    raise InvalidArgument(f"{one!r} has no name", hint=hint)
            for one in found:
                assert isinstance(one, Invariant)
                self._add_invariant(one.name, one)
            return
        if isinstance(what, Invariant):
            for one in (what, *more):
                self._add_invariant(self._name(name) if not more else f"{name}: {one.name}", one)
            return
        self._add("always", name, what)

    def eventually(
        self,
        name: str,
        what: Function,
        within: DurationLike,
        after: str | Function | None = None,
    ) -> None:
        """It comes to hold within this time: from now, or of each time that `after` happens. `after`: a kind
        of event (`"task.failed"`, `"node.down"`, `"service.update"`), or a function of the state, each time
        that it comes to be true. It need not stay so.

        Raises `InvariantBroken` at the instant when the time is over.
        """
        if isinstance(after, str):
            check_word("kind of event", after, EVENT_KINDS)
        elif after is not None and not callable(after):
            raise InvalidArgument(f'after is a kind of event ("task.failed") or a function, not {after!r}')
        self._add("eventually", name, what, duration.seconds(within), after)

    def sometimes(self, name: str, what: Function) -> None:
        """It holds at one moment of the run at least: else the run did not test what it was to test, and
        `finish()` (or the end of a `with` that no exception ended) raises `InvariantBroken`.
        """
        self._add("sometimes", name, what)

    def finish(self) -> None:
        """The run is over: raises `InvariantBroken` for what was never seen. At the end of `with Swarm()` it
        is called by itself.
        """
        if not self._begun:
            return
        if self._core is not None:
            self._core.finish_checks()
        elif self._wall is not None:
            self._wall.finish()

    @property
    def invariants(self) -> dict[str, Invariant]:
        """The ready-made ones, by name."""
        return dict(self._invariants)

    @property
    def names(self) -> list[str]:
        """Of all checks, in the order in which they were made."""
        return list(self._names)

    def rows(self) -> list[tuple[str, str, int, str]]:
        """Name, kind, how often it was asked, and `"holds"`, `"held"`, `"awaited"`, `"never seen"`,
        `"raised"` (its function did, when it was asked last) or `"broken"`.
        """
        if self._core is not None:
            return list(self._core.checks())
        lines = self._wall.lines if self._wall else []
        return [(one.name, one.kind, one.asked, one.state) for one in lines]

    @property
    def broken(self) -> bool:
        """One was broken: the run is over."""
        return any(state == "broken" for *_, state in self.rows())

    def __len__(self) -> int:
        return len(self._names)

    def __repr__(self) -> str:
        rows = self.rows()
        return _show.table(HEADER, rows, most=50) if rows else "no checks: say check.always(name, function)"

    def _repr_html_(self) -> str:
        return _show.html_box([_show.html_table(f"{len(self)} checks", HEADER, self.rows())])

    # ---- how they are made

    def _name(self, name: object) -> str:
        if not isinstance(name, str) or not name:
            hint = meant(name) or 'Say always("three run", lambda s: ...).'
            raise InvalidArgument(f"a check's name is text, not {_show.short(name)}", hint=hint)
        if name in self._names:
            raise Conflict(f'there is a check named "{name}" already', hint="Choose another name.")
        return name

    def _add(
        self,
        kind: str,
        name: object,
        what: object,
        within: float = 0.0,
        after: str | Function | None = None,
    ) -> None:
        self._hub.check_open()
        named = self._name(name)
        if isinstance(what, Invariant):
            raise InvalidArgument(f"{what.name} is for always", hint=f"Say check.always(sp.inv.{what.name}).")
        if not callable(what) or meant(what):
            hint = meant(what) or (meant(name) if what is None else "")
            raise InvalidArgument(
                f"a check is a function of the state, not {_show.short(what)}",
                hint=hint or 'Say always("three run", lambda s: s.running("web") >= 3).',
            )
        self._begin()
        self._names.append(named)
        try:
            self._make(kind, named, what, within, after)
        except InvariantBroken:
            raise
        except BaseException:
            if named not in [row[0] for row in self.rows()]:  # its function raised: it was not made
                self._names.remove(named)
                self.told = [one for one in self.told if one["name"] != named]
            raise

    def _make(
        self, kind: str, named: str, what: Function, within: float, after: str | Function | None
    ) -> None:
        if self._core is not None:
            whole = round(min(within, 1e9) * 1e9)
            self.told.append({"kind": kind, "name": named, "inv": None})
            self._core.add_check(kind, named, what, whole, after)
            return
        assert self._wall is not None
        kinds = after if isinstance(after, str) else ""
        function = None if isinstance(after, str) else after
        self._wall.add(Line(named, kind, what, within=within, after=function, after_kind=kinds))

    def _add_invariant(self, name: str, what: Invariant) -> None:
        self._hub.check_open()
        if self._brought.get(name) == what:  # it is asked already
            return
        named = self._name(name)
        if what.service:
            check_service(self._hub, what.service, may_come=True)
        judge = None if self._core is not None else what.judge()
        if self._core is None and judge is None:
            from swarmpy._checks.panel import SOURCES

            recorded = f', or afterwards sp.check_events(c, "{what.name}")' if what.kind in SOURCES else ""
            raise NotSupportedInMode(
                f"{what.name} can only be watched in the simulator", hint=f'Say Swarm(mode="sim"){recorded}.'
            )
        self._begin()
        self._names.append(named)
        self._invariants[named] = what
        if self._core is not None:
            self.told.append({"kind": "always", "name": named, "inv": what.to_json()})
            self._core.add_rule(named, what.kind, what.service, what.number)
        else:
            assert self._wall is not None and judge is not None
            self._wall.add(Line(named, "always", judge, judges=True))

    def _bring(self, told: Sequence[Mapping[str, Any]]) -> None:
        """The engine asks these by itself: they are inputs of the run that is gone on from."""
        from swarmpy import inv

        self._begin()
        for one in told:
            name, what = str(one["name"]), inv.from_json(one["inv"])
            self._names.append(name)
            self._invariants[name] = self._brought[name] = what
            self.told.append({"kind": "always", "name": name, "inv": what.to_json()})

    def _begin(self) -> None:
        if self._begun:
            return
        self._begun = True
        if self._core is not None:
            self._source = Source(self._hub, self._core)  # the engine only knows it while we keep it
            self._core.begin_checks(self._source)
        else:
            self._wall = WallChecks(self._hub)
            self._hub.world.between = self._wall.tell
