"""Coverage: what some runs exercised. A sum of small counts that can be sent and added up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from swarmpy import _show, duration
from swarmpy._brief import Brief
from swarmpy._show import counted
from swarmpy.testing.mask import Happening

MOST_SKIPPED = 5  # sentences that a report has
HEADER = ("WHAT", "SEEDS", "TIMES")


@dataclass
class Coverage(metaclass=Brief):
    """What the runs exercised.

    `runs`: seeds that were run. `faults`, `changes`: by kind (`"kill"`, `"partition"`; `"scale"`,
    `"update"`), how many seeds had one. `times`: by kind, how often in all. `elections`: Raft terms that
    began after the swarm was formed; `elected`: seeds that had one. `failovers`: seeds that ended under
    another leader. `events`: of the simulator. `seconds`: on the swarms' clocks. `skipped`: faults of plans
    that could not begin when it was time, each with the reason, and in how many seeds.
    """

    runs: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    changes: Counter[str] = field(default_factory=Counter)
    times: Counter[str] = field(default_factory=Counter)
    elections: int = 0
    elected: int = 0
    failovers: int = 0
    events: int = 0
    seconds: float = 0.0
    skipped: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(
        cls,
        happenings: Iterable[Happening],
        *,
        elections: int,
        failover: bool,
        events: int,
        seconds: float,
        skipped: Iterable[str] = (),
    ) -> Coverage:
        """Of one run."""
        done = [one for one in happenings if one.happened and one.kind != "sleep"]
        return cls(
            1,
            Counter({one.kind for one in done if one.is_fault}),
            Counter({one.kind for one in done if not one.is_fault}),
            Counter(one.kind for one in done),
            elections,
            int(elections > 0),
            int(failover),
            events,
            seconds,
            Counter(set(skipped)),
        )

    def add(self, other: Coverage) -> None:
        """Takes in what other runs exercised."""
        self.runs += other.runs
        self.faults.update(other.faults)
        self.changes.update(other.changes)
        self.times.update(other.times)
        self.elections += other.elections
        self.elected += other.elected
        self.failovers += other.failovers
        self.events += other.events
        self.seconds += other.seconds
        self.skipped.update(other.skipped)

    def lines(self) -> list[str]:
        """For people: what happened in how many seeds."""
        if not self.runs:
            return ["nothing was run"]
        told = [f"faults: {_counts(self.faults, self.times) or 'none'}"]
        if self.changes:
            told.append(f"changes: {_counts(self.changes, self.times)}")
        swarm = f"elections: {self.elections} in {self.elected} of {counted(self.runs, 'seed')}"
        swarm += f", another leader at the end of {self.failovers}"
        told.append(f"{swarm}; {self.events:,} events in {duration.text(self.seconds)} of the swarms' time")
        return told + self._skipped_lines()

    def _skipped_lines(self) -> list[str]:
        first = sorted(self.skipped.items(), key=lambda one: (-one[1], one[0]))[:MOST_SKIPPED]
        told = [f"skipped in {counted(seeds, 'seed')}: {sentence}" for sentence, seeds in first]
        more = len(self.skipped) - len(first)
        return [*told, f"skipped: {more} more"] if more else told

    def line(self) -> str:
        """All of it in one line, for one seed."""
        changes = [f"{kind} ({self.times[kind]})" for kind in [*sorted(self.faults), *sorted(self.changes)]]
        elections = f"{counted(self.elections, 'election')}"
        skipped = "".join(f"; {line}" for line in self._skipped_lines())
        events = f"{self.events:,} events in {duration.text(self.seconds)}"
        return f"{', '.join([*changes, elections])}, {events}{skipped}"

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "runs": self.runs,
            "faults": dict(sorted(self.faults.items())),
            "changes": dict(sorted(self.changes.items())),
            "times": dict(sorted(self.times.items())),
            "elections": self.elections,
            "elected": self.elected,
            "failovers": self.failovers,
            "events": self.events,
            "seconds": round(self.seconds, 9),
            "skipped": dict(sorted(self.skipped.items())),
        }

    def _rows(self) -> list[tuple[str, int, int]]:
        kinds = [*sorted(self.faults.items()), *sorted(self.changes.items())]
        return [*((kind, seeds, self.times[kind]) for kind, seeds in kinds), *self._elections()]

    def _elections(self) -> list[tuple[str, int, int]]:
        return [("election", self.elected, self.elections)] if self.elections else []

    def _repr_html_(self) -> str:
        return _show.html_box(
            [_show.html_table(f"exercised in {counted(self.runs, 'seed')}", HEADER, self._rows())]
        )

    def __repr__(self) -> str:
        return f"<Coverage of {counted(self.runs, 'seed')}>\n{_show.table(HEADER, self._rows(), most=40)}"


def _counts(seeds: Mapping[str, int], times: Mapping[str, int]) -> str:
    ordered = sorted(seeds.items(), key=lambda one: (-one[1], one[0]))
    return ", ".join(
        f"{kind} in {counted(count, 'seed')} ({counted(times[kind], 'time')})" for kind, count in ordered
    )
