"""Gates: what a run may leave out. A test that failed is run again with the same seed and without some of its
faults and changes, to see which of them the failure needs (`swarmpy.testing`).

Each gate is asked with a number, counted from 0 within the run, and with what is about to happen. It may
look at both and remember them; it never changes the swarm. No gate: everything happens.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

# True: it begins; False: it does not; another fault: that one begins in its place.
FaultGate: TypeAlias = Callable[[int, Any], Any]


@dataclass(frozen=True)
class Write:
    """A change whose answer is not needed. `verb`: `"kill"`, `"restart"`, `"scale"`, ...; `of`: the name of
    the node, task or service; `detail`: to what, for people.
    """

    verb: str
    of: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.verb}({self.of}{', ' if self.detail else ''}{self.detail})"


WriteGate: TypeAlias = Callable[[int, Write], bool]
SleepGate: TypeAlias = Callable[[int, float], float]  # seconds asked for -> seconds that pass
