"""Invariants over the recorded events of real daemons: `sp.check_events(c)`, `sp.check_events("run.events")`,
and `swarmpy check` in a shell.

Where `swarm.check` watches a run from now on, this asks what managers have recorded: as far back as they keep
it, and, with `for_`, what comes. What was not seen is said, and what cannot be judged so is named.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from swarmpy import _show, duration, inv
from swarmpy._brief import Brief
from swarmpy.duration import DurationLike
from swarmpy.errors import InvalidArgument
from swarmpy.inv import Invariant

if TYPE_CHECKING:
    from swarmpy.events import Event
    from swarmpy.swarm import Swarm

HEADER = ("INVARIANT", "STATE", "ASKED", "FIRST BROKEN", "WHY")
KINDS = {"changes": "change", "raft": "event of Raft", "logs": "log entry", "looks": "look"}


@dataclass(frozen=True)
class Judged(metaclass=Brief):
    """What came of one invariant. `state`: `"holds"`, `"broken"` or `"not judged"`. `asked`: how often. `at`,
    `time`: when it was first broken (seconds on the swarm's clock, or since the first event where that came
    before; UTC), else None. `why`: what broke it,
    or why it could not be judged. `notes`: what was not seen of what it is judged by.
    """

    name: str
    state: str
    asked: int
    at: float | None
    time: datetime | None
    why: str
    notes: tuple[str, ...] = ()

    def row(self) -> tuple[object, ...]:
        """As a line of a table."""
        return self.name, self.state, self.asked, "" if self.at is None else f"{self.at:.3f}s", self.why

    def to_dict(self) -> dict[str, Any]:
        """Plain values; `time` is RFC 3339."""
        plain = {name: getattr(self, name) for name in ("name", "state", "asked", "at", "why")}
        return {**plain, "time": self.time.isoformat() if self.time else None, "notes": list(self.notes)}


class EventCheck(metaclass=Brief):
    """What came of a check of recorded events: true if every invariant that was asked for was judged, and
    holds. Its repr is the report.

    `.judged`: one `Judged` an invariant, in their order. `.broken`, `.not_judged`: those of them. `.notes`:
    sentences on what was not seen; empty: everything since the swarm was made. `.counts`: how many changes,
    states, events of Raft, log entries and looks were judged. `.begin`, `.end`: between which moments (UTC;
    None: nothing was recorded). `.exit_code`: 0, 1 (one is broken) or 2 (one could not be judged).
    """

    def __init__(
        self,
        judged: Sequence[Judged],
        counts: dict[str, int],
        notes: Sequence[str],
        span: tuple[datetime | None, datetime | None],
        *,
        asked_for: bool = True,
        cut: bool = False,
    ) -> None:
        self.judged, self.counts, self.notes = tuple(judged), dict(counts), tuple(notes)
        self.begin, self.end = span
        self._asked_for = asked_for  # by name: what cannot be judged is then a failure
        self._cut = cut  # it was to go on longer

    @property
    def broken(self) -> tuple[Judged, ...]:
        """Those that did not hold."""
        return tuple(one for one in self.judged if one.state == "broken")

    @property
    def not_judged(self) -> tuple[Judged, ...]:
        """Those that recorded events could not tell about."""
        return tuple(one for one in self.judged if one.state == "not judged")

    @property
    def exit_code(self) -> int:
        """0: all that was asked for holds; 1: something is broken; 2: something could not be judged."""
        if self.broken:
            return 1
        nothing = len(self.not_judged) == len(self.judged)
        return 2 if nothing or self._cut or (self._asked_for and self.not_judged) else 0

    def __bool__(self) -> bool:
        return self.exit_code == 0

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as `swarmpy check --json` prints them."""
        span = {
            name: one.isoformat() if one else None for name, one in (("begin", self.begin), ("end", self.end))
        }
        rows = [one.to_dict() for one in self.judged]
        told = {"swarmpy": "check", "holds": bool(self), "exit_code": self.exit_code}
        return {**told, **span, "counts": self.counts, "invariants": rows, "notes": list(self.notes)}

    def __repr__(self) -> str:
        rows = [one.row()[:-1] for one in self.judged]
        table = _show.table(HEADER[:-1], rows, most=100)
        return "\n".join([table, *self._sentences()])

    def _repr_html_(self) -> str:
        rows = [one.row() for one in self.judged]
        return _show.html_box([_show.html_table("; ".join(self._seen()), HEADER, rows)])

    def _sentences(self) -> list[str]:
        broken = [f"BROKEN: {one.name}, first at {clock(one.time)}: {one.why}" for one in self.broken]
        only = [
            f"{one.name}: {one.notes[0]}" for one in self.judged if one.state == "holds" and self._own(one)
        ]
        not_judged = [f"not judged: {one.name}: {one.why}" for one in self.not_judged]
        return [*broken, *not_judged, *only, *self._seen()]

    def _own(self, one: Judged) -> bool:
        """It was not seen whole, which is so of no other."""
        return any(note not in self.notes for note in one.notes)

    def _seen(self) -> list[str]:
        counts = self.counts
        told = ", ".join(_many(counts[key], word) for key, word in KINDS.items() if counts[key])
        states = f" ({_many(counts['states'], 'state')})" if counts["states"] else ""
        if self.begin is None:
            return ["nothing was recorded"]
        span = f"judged {told}{states}, from {clock(self.begin)} to {clock(self.end)}"
        if not self.notes:
            return [f"{span}; nothing is missing"]
        return [span, *(f"not seen: {one}" for one in self.notes)]


def check_events(
    what: Swarm | str | Path | Sequence[Event],
    invariants: Iterable[Invariant | str] | Invariant | str | None = None,
    *,
    for_: DurationLike = 0,
    record: str | Path | None = None,
) -> EventCheck:
    """Do these invariants (`sp.inv`) hold in what was recorded? True as a condition if they do; its repr is
    the report.

    `what`: a swarm (started, attached or connected, real or simulated: its managers are asked for what they
    keep), the path of a recording, or events (`c.events()`, `c.events("raft")`), which tell less: no logs,
    and a service only if its creation is among them. `invariants`: some of `sp.inv`, or their text
    (`"at_least_running web 3"`); None: all that need no argument, and what events cannot tell of is then only
    said. `for_`: watch so much longer. `record`: write what was told into this file, to be checked again.

    >>> sp.check_events(c)
    >>> sp.check_events(c, [sp.inv.at_least_running("web", 3)], for_="30s", record="run.events")
    >>> assert sp.check_events("run.events", "one_leader_per_term")

    Ctrl-C ends it, with the report so far as the exception's note. Raises `NotFound` for a service that there
    never was and for a file that is not there, `InvalidArgument` for what is no recording, and `Unreachable`
    when no manager answers.
    """
    from swarmpy._checks.checker import Checker

    checker = Checker(invariants_of(invariants), asked_for=invariants is not None)
    is_over = isinstance(what, str | Path | Sequence)
    if is_over and (duration.seconds(for_) or record is not None):
        raise InvalidArgument(
            "a recording is over: it is not watched or recorded again",
            hint="Leave out for_= and record=.",
        )
    if isinstance(what, str | Path):
        checker.read(Path(what))
        return checker.report()
    if isinstance(what, Sequence):
        checker.hear(cast("Sequence[Event]", what))
        return checker.report()
    hub = getattr(what, "_hub", None)
    if hub is None:
        raise InvalidArgument(
            f"events are checked of a swarm or of a file, not of {_show.short(what)}",
            hint='Say check_events(c) or check_events("run.events").',
        )
    try:
        checker.watch(hub, duration.seconds(for_), None if record is None else Path(record))
    except KeyboardInterrupt as interrupt:
        interrupt.add_note(repr(checker.report()))
        raise
    return checker.report()


def _many(count: int, word: str) -> str:
    plural = {"event of Raft": "events of Raft", "log entry": "log entries"}
    return f"{count} {word if count == 1 else plural.get(word, word + 's')}"


def invariants_of(given: Iterable[Invariant | str] | Invariant | str | None) -> list[Invariant]:
    """Returns the invariants that were asked for, each once; all of `sp.inv` when none was named."""
    if given is None:
        return inv.all()
    many = [given] if isinstance(given, Invariant | str) else list(given)
    found = [inv.from_text(one) if isinstance(one, str) else one for one in many]
    for one in found:
        if not isinstance(one, Invariant):
            raise InvalidArgument(
                f"{one!r} is no invariant of sp.inv",
                hint="Functions are for swarm.check.always(name, function).",
            )
    if not found:
        raise InvalidArgument(
            "no invariant is asked for", hint="Leave them out for all, or name one of sp.inv."
        )
    return list(dict.fromkeys(found))


def utc(ns: int) -> datetime:
    """Returns the time that is so many nanoseconds after 1970."""
    return datetime.fromtimestamp(ns / 1e9, UTC)


def clock(time: datetime | None) -> str:
    """Returns the time as text, with milliseconds; "never" for none."""
    return (
        "never" if time is None else time.strftime("%Y-%m-%d %H:%M:%S.") + f"{time.microsecond // 1000:03d}Z"
    )
