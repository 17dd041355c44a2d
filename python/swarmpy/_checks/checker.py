"""Checker: one check of recorded events: what is read, watched, written and reported.

NOT here: how invariants are judged (`panel`), what managers are asked (`gather`), the report (`event_check`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from swarmpy._checks.gather import Gatherer
from swarmpy._checks.panel import Line, Panel
from swarmpy._checks.recording import KINDS, Recording, Writer, no_event
from swarmpy._models.nearest import not_found
from swarmpy._show import short
from swarmpy.errors import InvalidArgument, InvariantBroken, SwarmError
from swarmpy.event_check import EventCheck, Judged, clock, utc
from swarmpy.events import Event
from swarmpy.inv import Invariant

if TYPE_CHECKING:
    from swarmpy._hub import Hub

EVERY = 0.1  # seconds between two looks
LOOKED = "seen at {} only: daemons do not record which of them ran"


class Checker:
    """One check of recorded events. `report` at any time. `on_broken` is told of each that breaks."""

    def __init__(
        self,
        invariants: Sequence[Invariant],
        *,
        asked_for: bool,
        on_broken: Callable[[Judged], None] | None = None,
    ) -> None:
        self._panel = Panel(invariants)
        self._asked_for, self._notes, self._cut = asked_for, list[str](), False
        if on_broken is not None:
            self._panel.on_broken = lambda line: on_broken(self._judged(line))

    def read(self, path: Path) -> None:
        """All of a recording."""
        recording = Recording(path)
        self._panel.epoch_ns = recording.epoch_ns
        try:
            for line in recording.items:
                self._panel.take(line[1])
            self._panel.settle()
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise no_event(path, *line) from error
        if recording.cut:
            self._notes.append(recording.cut)
        self._check_services(may_come=False)

    def hear(self, events: Sequence[Event]) -> None:
        """Events that Python has."""
        for one in events:
            if not isinstance(one, Event):
                hint = "Give c.events(), a swarm, or the path of a recording."
                raise InvalidArgument(f"{short(one)} is no event", hint=hint)
        items = sorted(((_ns(one), one) for one in events if one.kind in KINDS), key=lambda pair: pair[0])
        for ns, one in items:
            actor = {"ID": one.id, "Attributes": {"name": one.name, **one.attributes}}
            self._panel.epoch_ns = self._panel.epoch_ns or ns - round(one.at * 1e9)
            self._panel.take({"Type": one.kind, "Action": one.action, "Actor": actor, "timeNano": ns})
        self._panel.settle()
        if note := getattr(events, "note", ""):
            self._notes.append(note)
        self._check_services(may_come=False)

    def watch(self, hub: Hub, span: float, record: Path | None = None, *, own_clock: bool = True) -> None:
        """What its managers keep, and `span` seconds more. `own_clock`: the clock is the swarm's as this
        Python has it; else it begins with the first event.
        """
        epoch = hub.world.epoch_ns if own_clock else None
        self._panel.epoch_ns = epoch
        writer = None if record is None else Writer(record, epoch)

        def tell(item: dict[str, Any]) -> None:
            if writer is not None:
                writer.write(item)
            self._panel.take(item)

        gatherer = Gatherer(hub, tell)
        try:
            gatherer.look()
            self._panel.settle()
            self._check_services(may_come=span > 0)
            self._watch_on(hub, gatherer, hub.world.now() + span)
        finally:
            gatherer.finish()
            if writer is not None:
                writer.close(gatherer.now_ns())

    def _watch_on(self, hub: Hub, gatherer: Gatherer, end: float) -> None:
        try:
            while (left := end - hub.world.now()) > 0:
                hub.world.sleep(min(left, EVERY))
                gatherer.look()
                self._panel.settle()
        except InvariantBroken:
            raise
        except SwarmError as error:
            self._cut = True
            self._notes.append(f"what was to be watched longer: {error.message}")

    def _check_services(self, *, may_come: bool) -> None:
        """A name that is not there is probably misspelt."""
        known = self._panel.picture.known - {""}
        for line in self._panel.lines:
            service = line.invariant.service
            if service and service not in known and (known or not may_come):
                raise not_found("service", service, sorted(known))

    def report(self) -> EventCheck:
        """As of now."""
        panel = self._panel
        panel.settle()
        counts = {**panel.events, "states": panel.states}
        begin, end = (None, None) if panel.first_ns is None else (utc(panel.first_ns), utc(panel.last_ns))
        notes = [_sentence(one) for one in panel.notes] + self._notes
        judged = [self._judged(line) for line in panel.lines]
        return EventCheck(judged, counts, notes, (begin, end), asked_for=self._asked_for, cut=self._cut)

    def _judged(self, line: Line) -> Judged:
        panel = self._panel
        notes = tuple(_sentence(one) for one in panel.notes if one["About"] == line.source)
        if line.source == "looks" and line.asked:
            notes = (LOOKED.format("one moment" if line.asked == 1 else f"{line.asked} moments"), *notes)
        if line.broken_ns is not None:
            at, time = panel.at(line.broken_ns), utc(line.broken_ns)
            return Judged(line.invariant.name, "broken", line.asked, at, time, line.what, notes)
        why = panel.why_not(line)
        state = "not judged" if why else "holds"
        return Judged(line.invariant.name, state, line.asked, None, None, why, notes)


def _ns(event: Event) -> int:
    return round((event.time - datetime.fromtimestamp(0, UTC)) / timedelta(microseconds=1)) * 1000


def _sentence(note: Mapping[str, Any]) -> str:
    since, until = (clock(utc(note[key])) if key in note else "" for key in ("Since", "Until"))
    if since and until:
        return f"{note['What']}, so what was from {until} to {since} is not in it"
    if since:
        return f"{note['What']}, so what was before {since} is not in it"
    return f"{note['What']}, so what came after {until} is not in it" if until else str(note["What"])
