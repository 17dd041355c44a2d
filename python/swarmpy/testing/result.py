"""Result: what many seeds of one test said. A value; truthy when all passed."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from swarmpy import _show
from swarmpy._brief import Brief
from swarmpy.testing import confidence
from swarmpy.testing.coverage import Coverage
from swarmpy.testing.failure import Failure, from_test
from swarmpy.testing.mask import Shape

MOST_LISTED = 5


@dataclass
class Result(metaclass=Brief):
    """What many seeds of one test said.

    `test`: its name. `runs` of `asked` seeds were run (fewer after Ctrl-C, `interrupted`, or `max_failures`).
    `failures`: by seed; the first of each kind is shrunk. `coverage`: what was exercised. `took`: seconds of
    real time, `.rate` seeds in one of them. `where`: who ran them.

    Truthy when all seeds passed. `str(result)` is the report: the same for the same seeds.
    """

    test: str
    shape: Shape
    asked: int
    coverage: Coverage = field(default_factory=Coverage)
    failures: tuple[Failure, ...] = ()
    took: float = 0.0
    where: str = "this process"
    interrupted: bool = False
    error: BaseException | None = field(default=None, repr=False)  # of the first failure, to be raised

    @property
    def runs(self) -> int:
        """How many seeds were run."""
        return self.coverage.runs

    @property
    def passed(self) -> bool:
        """All seeds that were asked for were run, and none failed."""
        return not self.failures and self.runs == self.asked and not self.interrupted

    @property
    def rate(self) -> float:
        """Seeds in a second of real time."""
        return self.runs / self.took if self.took else 0.0

    @property
    def failing_seeds(self) -> tuple[int, ...]:
        """The seeds that failed."""
        return tuple(one.seed for one in self.failures)

    @property
    def bounds(self) -> tuple[float, float]:
        """Between these is the share of seeds that fail, at 95 % (exact binomial)."""
        return confidence.bounds(len(self.failures), self.runs)

    @property
    def sentence(self) -> str:
        """`0 of 640 seeds failed: 95 % sure that it is below 0.5 %`."""
        said = confidence.sentence(len(self.failures), self.runs)
        return said if self.runs == self.asked else f"{said} ({self.runs} of {self.asked} were run)"

    def __bool__(self) -> bool:
        return self.passed

    def check(self) -> Result:
        """Raises the failure of the first seed that failed, with the report as a note. Else gives the
        result.
        """
        if self.failures:
            raise self.exception()
        return self

    def exception(self) -> BaseException:
        """What `check` raises: the test's own exception where it can be had."""
        if self.error is None:
            return AssertionError(str(self))
        error, report = self.error, f"\n{self}"
        if report not in getattr(error, "__notes__", ()):
            error.add_note(report)
        return error.with_traceback(from_test(error.__traceback__))

    def lines(self) -> list[str]:
        """The report, for people."""
        if self.asked == 1 and self.passed:
            return [f"{self.test}: {self.sentence}: {self.coverage.line()}"]
        told = [f"{self.test}: {self.sentence}"]
        if self.interrupted:
            told.append("interrupted: this is the report so far")
        ways: dict[tuple[str, ...], list[Failure]] = {}
        for one in self.failures:
            ways.setdefault(one.way, []).append(one)
        for same in ways.values():
            told += same[0].lines()
            if len(same) > 1:
                others = [str(one.seed) for one in same[1 : MOST_LISTED + 1]]
                more = f" and {len(same) - 1 - MOST_LISTED} more" if len(same) - 1 > MOST_LISTED else ""
                told.append(f"  the same with seeds {', '.join(others)}{more}")
        return told + [f"  {line}" for line in self.coverage.lines()]

    def to_dict(self) -> dict[str, Any]:
        """As `to_json` has it."""
        low, high = self.bounds
        return {
            "swarmpy": "result",
            "format": 1,
            "test": self.test,
            "managers": self.shape.managers,
            "workers": self.shape.workers,
            "asked": self.asked,
            "runs": self.runs,
            "failed": len(self.failures),
            "passed": self.passed,
            "interrupted": self.interrupted,
            "sentence": self.sentence,
            "bounds": [low, high],
            "failures": [one.to_dict() for one in self.failures],
            "coverage": self.coverage.to_dict(),
            "took": round(self.took, 3),
            "rate": round(self.rate, 1),
            "where": self.where,
        }

    def to_json(self) -> str:
        """All of it as JSON."""
        return json.dumps(self.to_dict(), indent=2)

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def __repr__(self) -> str:
        return f"<Result {self} ({self.rate:,.0f} seeds/s, {self.where})>"

    def _repr_html_(self) -> str:
        parts = [_show.html_table(f"{self.test}: {self.sentence}", (), [])]
        for one in self.failures[:MOST_LISTED]:
            head, *rest = one.lines()
            parts.append(_show.html_table(head, (), [(line.strip(),) for line in rest]))
        exercised = [(line,) for line in self.coverage.lines()]
        parts.append(_show.html_table(f"exercised, {self.rate:,.0f} seeds/s, {self.where}", (), exercised))
        return _show.html_box(parts)
