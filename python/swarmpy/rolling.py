"""Rolling: how an update, or a rollback, walks through the tasks of a service."""

from __future__ import annotations

import numbers
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from swarmpy import duration
from swarmpy._brief import Brief
from swarmpy._models.nearest import did_you_mean
from swarmpy._models.plain import whole
from swarmpy.duration import DurationLike
from swarmpy.errors import InvalidArgument


@dataclass(frozen=True, kw_only=True)
class Rolling(metaclass=Brief):
    """Docker's `--update-…` and `--rollback-…` flags in one value.

    `parallelism`: slots at a time, 0 for all at once. `delay`: between two batches. `order`: `"stop-first"`
    or `"start-first"`. `on_failure`: `"pause"`, `"continue"` or `"rollback"` (not for a rollback itself).
    `monitor`: how long a new task is watched for failure. `max_failure_ratio`: the share of failures that is
    borne, 0 to 1.
    """

    parallelism: int = 1
    delay: DurationLike = 0
    order: str = "stop-first"
    on_failure: str = "pause"
    monitor: DurationLike = 5
    max_failure_ratio: float = 0.0

    def __post_init__(self) -> None:
        _one_of("order", self.order, ("stop-first", "start-first"))
        _one_of("on_failure", self.on_failure, ("pause", "continue", "rollback"))
        duration.seconds(self.delay)
        duration.seconds(self.monitor)
        if whole("parallelism", self.parallelism, least=None) < 0:
            raise InvalidArgument(f"parallelism is 0 (all at once) or more, not {self.parallelism}")
        ratio = self.max_failure_ratio
        if isinstance(ratio, bool) or not isinstance(ratio, numbers.Real) or not 0 <= ratio <= 1:
            raise InvalidArgument(f"max_failure_ratio is a number from 0 to 1, not {ratio!r}")

    def to_api(self) -> dict[str, Any]:
        """As the API's UpdateConfig."""
        return {
            "Parallelism": self.parallelism,
            "Delay": duration.nanoseconds(self.delay),
            "FailureAction": self.on_failure,
            "Monitor": duration.nanoseconds(self.monitor),
            "MaxFailureRatio": self.max_failure_ratio,
            "Order": self.order,
        }

    @classmethod
    def from_api(cls, config: Mapping[str, Any]) -> Rolling:
        """From the API's UpdateConfig; what is absent has Docker's default."""
        return cls(
            parallelism=int(config.get("Parallelism", 0)),
            delay=int(config.get("Delay", 0)) / 1e9,
            order=str(config.get("Order") or "stop-first"),
            on_failure=str(config.get("FailureAction") or "pause"),
            monitor=int(config.get("Monitor", 5_000_000_000)) / 1e9,
            max_failure_ratio=float(config.get("MaxFailureRatio", 0)),
        )


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise InvalidArgument(
            f"{name} is {' or '.join(allowed)}, not {value!r}", hint=did_you_mean(value, allowed)
        )
