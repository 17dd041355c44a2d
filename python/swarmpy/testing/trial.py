"""Trial: one run of a test with one seed, perhaps without some of what happens in it. Same seed, same mask:
same run.

It makes the swarm, stands at its gates, and judges how the run ended. It does not decide what to run next.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from swarmpy._gates import Write
from swarmpy.errors import SwarmError
from swarmpy.swarm import Swarm
from swarmpy.testing import faultwords, told
from swarmpy.testing.chance import own_chance
from swarmpy.testing.coverage import MOST_SKIPPED, Coverage
from swarmpy.testing.failure import Failure, user_traceback, way_of, words_of
from swarmpy.testing.mask import NOTHING, Happening, Item, Mask, Shape

NO_FAILURES = ("Skipped", "SkipTest", "XFailed", "Exit", "BdbQuit")
WHOSE = ("builtins", "_pytest", "unittest", "bdb")  # Skipped says that it is a builtin
NUMBERS = 1_000_000  # more than one swarm is ever asked about
Keeper = Callable[[Swarm, Failure], Failure]  # writes what is to be kept of a failed run, and tells where


@dataclass
class Record:
    """How one run ended. `error`: the exception itself, where the run was in this process."""

    seed: int
    coverage: Coverage
    failure: Failure | None = None
    error: BaseException | None = None
    trace_hash: str = ""


class Gatekeeper:
    """Stands at the gates of a run's swarms: remembers what asked, and lets through what the mask lets."""

    def __init__(self, mask: Mask) -> None:
        self._mask, self._spans = mask, dict(mask.spans)
        self.happenings: list[Happening] = []
        self._spared: set[str] = set()  # nodes that a masked fault would have ended

    def stand_at(self, swarm: Swarm, which: int) -> None:
        """`which`: the run's first swarm is 0. The numbers of each have a range of their own."""
        hub = swarm._hub
        now, first = hub.world.now, which * NUMBERS

        def fault(number: int, what: Any) -> Any:
            return self._fault(("fault", first + number), what, now())

        def write(number: int, what: Write) -> bool:
            return self._write(("write", first + number), what, now())

        def sleep(number: int, span: float) -> float:
            return self._sleep(("sleep", first + number), span, now())

        hub.fault_gate, hub.write_gate, hub.sleep_gate = fault, write, sleep

    def _fault(self, item: Item, fault: Any, now: float) -> Any:
        may = self._mask.lets(item)
        span = self._spans.get(item)
        changed = fault if span is None else faultwords.lasting(fault, span)
        self._note(
            item,
            faultwords.kind(fault),
            faultwords.text(changed),
            now + faultwords.delay(fault),
            may,
            faultwords.span(changed),
        )
        if not may:
            self._spared |= faultwords.ended_nodes(fault)
        return changed if may else False

    def _write(self, item: Item, write: Write, now: float) -> bool:
        if write.verb == "restart" and write.of in self._spared:
            self._spared.discard(write.of)  # it was never killed: to start it again would kill it now
            self._note(item, write.verb, str(write), now, False)
            return False
        may = self._mask.lets(item)
        if not may and write.verb == "kill":
            self._spared.add(write.of)
        self._note(item, write.verb, str(write), now, may)
        return may

    def _sleep(self, item: Item, span: float, now: float) -> float:
        span = self._spans.get(item, span) if self._mask.lets(item) else 0.0
        self._note(item, "sleep", "sleep", now, span > 0, span)
        return span

    def _note(self, item: Item, kind: str, text: str, at: float, may: bool, span: float = 0.0) -> None:
        self.happenings.append(Happening(item, kind, text, at, span, may))


class Trial:
    """One run. `swarm()` makes its swarm; `judge(error)` says how it ended; `close()` ends its swarms."""

    def __init__(self, test: str, shape: Shape, seed: int, mask: Mask = NOTHING) -> None:
        self.test, self.seed, self.shape = test, seed, mask.applied_to(shape)
        self._gates = Gatekeeper(mask)
        self._swarms: list[Swarm] = []
        self.recorded = False  # for a timeline
        self._begun: tuple[int, str] = (0, "")

    def swarm(self, **options: Any) -> Swarm:
        """A new one: the first with the run's own seed, others with seeds that follow from it."""
        seed = (
            self.seed
            if not self._swarms
            else random.Random(f"{self.seed}/{len(self._swarms)}").getrandbits(63)
        )
        shape = {"managers": self.shape.managers, "workers": self.shape.workers, "mode": self.shape.mode}
        made = Swarm(**{**shape, "seed": seed, **options})
        self._gates.stand_at(made, len(self._swarms))
        if self.recorded and (core := getattr(made._world, "core", None)):
            core.record_chronicle(True)  # which changes no trace
        self._swarms.append(made)
        if len(self._swarms) == 1:
            self._begun = _raft(made)
        return made

    def finish(self) -> None:
        """What the test wanted to be true by its end is asked for now: `check.sometimes`,
        `check.eventually`.
        """
        for swarm in self._swarms:
            finish = getattr(getattr(swarm, "check", None), "finish", None)
            if finish is not None and not swarm._hub.closed:
                finish()

    def judge(self, error: BaseException | None, keep: Keeper | None = None) -> Record:
        """Returns what this run was: its coverage, and its failure when it ended with an error."""
        record = Record(self.seed, self._coverage(), None, error, self._trace_hash())
        if error is not None:
            failure = self._failure(error)
            if keep is not None and self._swarms:
                failure = keep(self._swarms[0], failure)
            record.failure = failure
        return record

    def at_last(self, do: Callable[[Swarm], object]) -> None:
        """Does this with the first swarm of the run, before it is closed."""
        for swarm in self._swarms[:1]:
            do(swarm)

    def close(self) -> None:
        """Closes all swarms of the run."""
        for swarm in self._swarms:
            with contextlib.suppress(SwarmError):
                swarm.close()

    def _failure(self, error: BaseException) -> Failure:
        invariant, what = words_of(error)
        first = self._swarms[0] if self._swarms else None
        now = first._world.now() if first else 0.0
        at = getattr(error, "at", None)
        return Failure(
            test=self.test,
            seed=self.seed,
            shape=self.shape,
            invariant=invariant,
            what=what,
            at=float(at) if isinstance(at, int | float) else now,
            way=way_of(error),
            happenings=tuple(self._happenings()),
            plan=told.plan_of(first) if first else None,
            traceback=user_traceback(error),
            trace_hash=self._trace_hash(),
            notes=tuple(f"skipped: {one}" for one in told.skipped(first)[:MOST_SKIPPED]) if first else (),
        )

    def _happenings(self) -> list[Happening]:
        """A plan's faults that were still to come, or could not begin, have not happened; a leader is the
        node that it was.
        """
        if not self._swarms:
            return self._gates.happenings
        now = self._swarms[0]._world.now()
        past = [replace(one, happened=one.happened and one.at <= now) for one in self._gates.happenings]
        past = told.without_skipped(past, self._swarms[0])
        return told.resolved(past, self._swarms[0])

    def _trace_hash(self) -> str:
        return (self._swarms[0]._world.trace_hash or "") if self._swarms else ""

    def _coverage(self) -> Coverage:
        happenings = self._happenings()
        if not self._swarms:
            return Coverage(1)
        first = self._swarms[0]
        term, leader = _raft(first)
        core = getattr(first._world, "core", None)
        return Coverage.of(
            happenings,
            elections=max(term - self._begun[0], 0),
            failover=bool(leader) and leader != self._begun[1],
            events=core.events() if core else 0,
            seconds=first._world.now(),
            skipped=[str(one) for one in told.skipped(first)],
        )


def run_once(
    test: str,
    call: Callable[[Trial], object],
    shape: Shape,
    seed: int,
    mask: Mask = NOTHING,
    keep: Keeper | None = None,
    trial: Trial | None = None,
    last: Callable[[Swarm], object] | None = None,
) -> Record:
    """Runs `call(trial)` and says how it ended. `last`: what is done with its swarm at the end. What Python
    and pytest mean for themselves (Ctrl-C, a skip) goes on upwards.
    """
    __tracebackhide__ = True
    trial = trial or Trial(test, shape, seed, mask)
    trial.recorded = keep is not None
    with own_chance(seed):
        try:
            call(trial)
            trial.finish()
        except BaseException as error:
            if not is_failure(error):
                trial.close()
                raise
            record = trial.judge(error, keep)
        else:
            record = trial.judge(None)
    if last is not None:
        trial.at_last(last)
    trial.close()
    return record


def function_call(function: Callable[..., Any], arguments: Mapping[str, Any]) -> Callable[[Trial], object]:
    """The call of a test that takes its swarm first."""

    def call(trial: Trial) -> object:
        __tracebackhide__ = True
        return function(trial.swarm(), **arguments)

    return call


def is_failure(error: BaseException) -> bool:
    """Also what ends a program (`sys.exit` in what is tested), and what `pytest.fail()` raises, which is no
    Exception; a skip is none, nor is what leaves pytest or the debugger.
    """
    kind = type(error)
    if kind.__name__ in NO_FAILURES and kind.__module__.partition(".")[0] in WHOSE:
        return False
    return not isinstance(error, KeyboardInterrupt | GeneratorExit)


def _raft(swarm: Swarm) -> tuple[int, str]:
    """The term and the leader: 0 and "" where that is not known."""
    core = getattr(swarm._world, "core", None)
    leader = core.leader() if core else ""
    with contextlib.suppress(SwarmError):
        return int(swarm._hub.client.json("GET", "/swarmpy/v1/raft")["Term"]), leader
    return 0, leader


def sent(record: Record) -> Record:
    """Without what cannot leave the process."""
    return replace(record, error=None)
