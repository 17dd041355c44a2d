"""Replay: a run of a simulated swarm again, as it was, to be looked at from any moment and gone on from.

c.save("run.swarm")
r = sp.replay("run.swarm")
r.seek("1.3s"); r.nodes, r.peek(), r.events()       # as a swarm: everything that shows something
r.diff("1.2s", "1.4s")                              # what changed
live = r.fork(at="1.2s", without_fault=1)           # a swarm of your own, from there
"""

from __future__ import annotations

import contextlib
import os
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, cast

from swarmpy import duration
from swarmpy._brief import Brief
from swarmpy._models.plain import whole
from swarmpy._replay import file
from swarmpy._replay.checks import ReplayCheck
from swarmpy._replay.differences import Diff
from swarmpy._replay.faults import ReplayFaults
from swarmpy._replay.file import Journal, JournalError
from swarmpy._replay.watching import WatchedCore
from swarmpy._replay.world import FORK, FollowedWorld, ReplayWorld, past_the_end
from swarmpy.duration import DurationLike
from swarmpy.errors import InvalidArgument, InvariantError, NotSupportedInMode
from swarmpy.kv import KV
from swarmpy.peek import Peek
from swarmpy.plan import Plan
from swarmpy.swarm import Swarm, _glanced_at

if TYPE_CHECKING:
    from swarmpy._core import Recording
    from swarmpy._core import World as Core

NANOSECOND = 1e-9
_DULL_INPUTS = ("input: hang_up", f"input: {file.RULE} ")
JUST_BEHIND = 0.001  # seconds: what was printed in milliseconds, rounded up


@dataclass(frozen=True)
class Step(metaclass=Brief):
    """One thing that happened. `at`: seconds. `what`: "m1: a frame arrives", "input: kill m1".
    `lines`: what the engine wrote into its trace meanwhile, `"m1 raft.role StateLeader term=2"`.
    """

    at: float
    what: str
    lines: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "\n".join([f"{self.at:.9f}s {self.what}", *(f"    {line}" for line in self.lines)])

    def __repr__(self) -> str:
        return f"<Step {self}>"


@dataclass(frozen=True)
class RunFailure(metaclass=Brief):
    """What broke in a run: `invariant` (its name), `at` (seconds), `what` (a sentence)."""

    invariant: str
    at: float
    what: str

    def __str__(self) -> str:
        return f"{self.invariant} broke at {self.at:.9g}s: {self.what}"

    def is_broken_by(self, error: Exception) -> bool:
        """The same invariant broke, whenever; of the engine's own, any."""
        name = getattr(error, "invariant", "")
        return name == self.invariant if name else self.invariant == type(error).__name__

    def is_told_by(self, error: Exception) -> bool:
        """The same invariant broke at the same moment, and says the same of it."""
        if not self.is_broken_by(error):
            return False
        at, what = getattr(error, "at", self.at), getattr(error, "what", self.what)
        return (round(at * 1e9), what) == (round(self.at * 1e9), self.what)


class Replay(Swarm):
    """A run again (`sp.replay(path)`), standing at a moment of it. It shows what a swarm shows: `.nodes`,
    `.services`, `.events()`, `.peek()`, `watch`, `run(until=)`. It takes no orders: `fork` does.

    Until it is moved, it stands at the run's end, and the first `step()` is the run's first. Times are
    seconds, or `"1.3s"`. `.now`, `.trace_hash`, `.end` (seconds), `.failure` (what broke, or None), `.faults`
    (all that was broken on purpose, a `Plan`).
    """

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self._read: dict[bool, Recording] = {}  # with the run's own checks, and without
        world = ReplayWorld(journal, self._new_core)
        self._replayed = world
        self._setup(world, journal.name)
        world.is_set_up()
        self._end.detach()
        self._scratch: Replay | None = None
        self._checks = ReplayCheck(weakref.ref(self))

    def _new_core(self, *, rules: bool = True) -> Core:
        return self._recording(rules).world()

    def _recording(self, rules: bool = True) -> Recording:
        """`rules`: with the inputs that are the run's `sp.inv` checks."""
        from swarmpy._core import Recording

        if rules not in self._read:
            lines = self.journal.run.splitlines(keepends=True)
            run = self.journal.run if rules else b"".join(one for one in lines if not file.is_rule(one))
            try:
                self._read[rules] = Recording(run)
            except ValueError as error:
                raise JournalError(f"this journal cannot be read: {error}") from None
        return self._read[rules]

    # ---- where it stands

    @property
    def end(self) -> float:
        """Seconds at which the run was written down: the last moment that there is."""
        return self.journal.end

    def seek(self, when: DurationLike) -> Replay:
        """Stands at this moment, forwards or backwards, after all that happened until then. Returns itself.

        Raises `InvalidArgument` for a time that the run did not have.
        """
        self._replayed.to(self._ns(when))
        if self._hub.seen.nodes or self._hub.seen.services:
            self._hub.seen.nodes, self._hub.seen.services = [], {}
        _glanced_at(self)
        return self

    def _ns(self, when: DurationLike) -> int:
        """A moment of the run; what was printed with fewer digits and lies just behind its end is its end."""
        if isinstance(when, int | float) and not isinstance(when, bool) and when < 0:
            raise InvalidArgument(f"a run begins at 0s: there is no {when}s")
        asked = duration.seconds(when)
        if asked > self.end + JUST_BEHIND:
            raise past_the_end(self.end, asked)
        return min(round(asked * 1e9), self._replayed.end_ns)

    def step(self) -> Step | None:  # type: ignore[override]
        """Takes the next event of the run (the first one where it was not moved yet), and says what it was.
        None at the end.
        """
        self._hub.check_open()
        world = self._replayed
        if not world.moved:
            world.begin()
        core = world.core
        what = core.coming()
        if not what or world.broke:
            return None
        core.take_trace()
        begun = world.steps()
        try:
            core.step()
        except InvariantError as error:
            world.stand_before_it_broke()
            return Step(world.now(), f"{what}, and then: {error.message}")
        lines = [f"{machine} {kind} {text}".strip() for _, machine, kind, text in core.take_trace()]
        if begun < (self.journal.failure or {}).get("steps", 0) == world.steps():
            lines.append(f"BROKEN: {self.failure}")
        world.pulse_beats()
        return Step(world.now(), what, tuple(lines))

    @property
    def steps_taken(self) -> int:
        """How many steps it took to get here: events, and begins and ends of faults."""
        return self._replayed.steps()

    def seek_step(self, number: int) -> Replay:
        """Stands where so many steps were taken."""
        self._replayed.to_step(whole("number", number, least=0, most=2**63))
        return self

    # ---- what it was

    @property
    def failure(self) -> RunFailure | None:
        """What broke in the run, wherever this stands; None where nothing did."""
        said = self.journal.failure
        return RunFailure(said["invariant"], said["at"], said["what"]) if said else None

    def failure_again(self) -> str:
        """How it is known that the failure is the same, in a phrase: the whole run is made again, and the
        engine's invariants and those of `sp.inv` are asked again after every event. Of what a function of the
        test saw, or an assertion, it says so: a journal keeps no functions. "" for a run that did not fail.
        """
        failure = self.failure
        if failure is None:
            return ""
        core = self.watched_core()
        try:
            core.run_to(self._replayed.end_ns)
        except InvariantError as error:
            if not failure.is_told_by(error):
                return f"NOT the same: this time {error.message}"
            steps = (self.journal.failure or {}).get("steps")
            if steps not in (None, core.core.done()[0]):
                return f"NOT the same: this time after {core.core.done()[0]} steps, then after {steps}"
            return "it broke again in the engine, at the same moment"
        if self._engine_can_tell():
            return "NOT the same: nothing broke in the engine this time"
        same = "this is the same run, by its trace"
        return f"{self._who_saw()}; {same if self.same_run else 'NOT the same run, by its trace'}"

    def _who_saw(self) -> str:
        failure = self.failure
        if failure is not None and failure.invariant in (check["name"] for check in self.journal.checks):
            return (
                "it is a function of the test, which a journal does not keep, and is not asked again: "
                f"run the test with seed {self.seed} to ask it"
            )
        return "it was seen then by Python, and is not asked again"

    @property
    def faults(self) -> ReplayFaults:  # type: ignore[override]
        """All that was broken on purpose in the run, to be run again: `swarm.faults.run(replay.faults)`. What
        a failed run healed on its way out is there as it was when the run failed.
        """
        plan = Plan.from_json(self.journal.plan) if self.journal.plan else Plan([])
        return ReplayFaults(plan, self._replayed.breaker())

    @property
    def same_run(self) -> bool:
        """Replays the whole run, and is true if its trace is the one that was written down. False only for a
        journal that another engine wrote (`replay(path, force=True)`).
        """
        _, _, trace_hash = self._played().done()
        return f"{trace_hash:016x}" == self.journal.trace_hash

    def _played(
        self, prepare: Callable[[Core], None] | None = None, until: DurationLike | None = None
    ) -> Core:
        """A core of its own that has played until then; `prepare` gets it before anything has happened."""
        core = self._new_core()
        if prepare is not None:
            prepare(core)
        with contextlib.suppress(InvariantError):  # as it was: what it has told until then is there
            core.run_to(self._replayed.end_ns if until is None else self._ns(until))
        return core

    def watched_core(self, *, rules: bool = True) -> WatchedCore:
        """A core of its own, before anything has happened, of which is asked what was asked then: of the
        engine what may have broken, and the run's `sp.inv` checks, where `rules` are wanted.
        """
        recording = self._recording(rules)
        check = self._engine_broke() or (rules and bool(file.rules_of(self.journal.run)))
        return WatchedCore(recording, recording.world(check=check), self._inputs(rules))

    def _inputs(self, rules: bool = True) -> int:
        """How many inputs the run had before it failed (those after it are clean-up), or at all."""
        every = self._recording(rules).inputs()
        before = int((self.journal.failure or {}).get("inputs", every))
        if rules:
            return min(before, every)
        lines = self.journal.run.splitlines()[1 : 1 + before]
        return before - sum(map(file.is_rule, lines))

    def _engine_broke(self) -> bool:
        failure = self.failure
        return failure is not None and failure.invariant == InvariantError.__name__

    def _engine_can_tell(self) -> bool:
        """The failure is one of those that the engine sees by itself."""
        failure = self.failure
        names = [rule["name"] for rule in file.rules_of(self.journal.run)]
        return failure is not None and (self._engine_broke() or failure.invariant in names)

    def check_can_break_again(self) -> None:
        """Raises `InvalidArgument` where the engine alone cannot see this run's failure again."""
        failure = self.failure
        if failure is None or self._engine_can_tell():
            return
        raise InvalidArgument(
            f"{failure.invariant} was seen by Python, and a journal keeps no functions",
            hint="Say failed=lambda c: ... : what counts as failing at the end of the run.",
        )

    def formed_ns(self) -> int:
        """When the swarm had been formed and its user began to work, in nanoseconds."""
        for line in self.journal.run.splitlines():
            _, seconds, verb, told = line.decode().split(" ", 3)
            if verb in ("world", "machine", "hang_up", file.RULE) or '"target":"/swarm/' in told:
                continue
            return round(float(seconds) * 1e9)
        return self._replayed.end_ns

    def told_between(self, a: float, b: float, most: int = 12) -> list[str]:
        """What happened after `a` and until `b` that may matter: inputs, faults, elections; in words."""
        again, told = Replay(self.journal), list[str]()
        again.seek(a)
        while len(told) < most and (step := again.step()) and step.at <= b + NANOSECOND:
            if step.what.startswith("input: ") and not step.what.startswith(_DULL_INPUTS):
                told.append(f"{step.at:.6f}s {step.what}")
            told += [f"{step.at:.6f}s {line}" for line in step.lines if line.split()[0:2] and _matters(line)]
        return told[:most]

    # ---- what differs

    def diff(self, a: DurationLike | Peek, b: DurationLike | Peek | None = None) -> Diff:
        """What is different at `b` from `a`: moments of this run (`b` None: where it stands), or peeks. Where
        two runs part tells `sp.diff_runs(a, b)`.
        """
        if isinstance(a, Replay):
            raise InvalidArgument("diff is about moments of this run", hint="Two runs: sp.diff_runs(a, b).")
        before = a if isinstance(a, Peek) else self.peek_at(a)
        after = self.peek() if b is None else b if isinstance(b, Peek) else self.peek_at(b)
        return Diff(before, after)

    def peek_at(self, when: DurationLike) -> Peek:
        """The swarm at a moment of the run; this replay stays where it is."""
        moment = self._ns(when)
        if self._scratch is None:
            self._scratch = Replay(self.journal)
        self._scratch._replayed.to(moment)
        return self._scratch.peek()

    # ---- going on

    def fork(
        self,
        at: DurationLike | None = None,
        *,
        without_fault: int | None = None,
        seed: int | None = None,
        inputs: bool = True,
        checks: bool = True,
    ) -> Swarm:
        """A live swarm that goes on from `at` (None: where this stands, or just before the fault that is left
        out) on its own. Inputs of the run that came later (calls, faults, kills) follow at their times, but
        for the fault of this number in `.faults`, and none with `inputs=False`. `seed`: fresh chance from
        there on; without it and with all inputs it is the same run, as long as nothing else is done.

        What a failed run did after its failure (faults that a `with` healed on its way out) does not follow:
        its faults go on as they were to. The run's `sp.inv` checks are asked on and raise `InvariantBroken`
        here, too, until the moment at which one of them broke; `checks=False` leaves them out.

        Ids that chance makes anew are found by name: a later input that meant the service `web` means `web`.
        Raises `InvalidArgument` for a time or a fault that the run did not have.
        """
        if seed is not None:
            seed = whole("seed", seed, least=0, most=2**64 - 1, hint="A seed has 64 bits.")
        core = self._new_core(rules=checks)
        asked = self._branch(core, at, without_fault, self._inputs(checks) if inputs else 0, checks)
        if seed is not None:
            core.reseed(seed)
        live = _glanced_at(Swarm._over(FollowedWorld(self.journal.seed, core=core), self.name))
        rules = file.rules_of(self.journal.run) if asked else []
        if rules:
            live.check._bring(rules[: core.rules()])
        return live

    def _branch(
        self, core: Core, at: DurationLike | None, without_fault: int | None, inputs: int, rules: bool
    ) -> bool:
        """Lets the core leave the run. Returns true if the run's checks are asked on: none broke so far."""
        recording = self._recording(rules)
        moment = None if at is None else self._ns(at)
        if without_fault is not None:
            begins = self._begin_of(without_fault)
            moment = begins if moment is None else moment
            core.run_to(min(begins, moment))
            core.leave_out(without_fault)
            recording.let_go(core, recording.inputs())
        core.run_to(round(self.now * 1e9) if moment is None else moment)
        return recording.let_go(core, inputs) and rules

    def _begin_of(self, fault: int) -> int:
        """Just before it, in nanoseconds."""
        faults = self.faults
        number = whole("without_fault", fault, least=0, most=2**31)
        if number >= len(faults):
            raise InvalidArgument(
                f"this run had {len(faults)} faults: there is no number {number}", hint="See replay.faults."
            )
        at = json_ns(self.journal.plan, number)
        return max(at - 1, 0)

    # ---- it takes no orders

    @property
    def check(self) -> ReplayCheck:
        """What was asked of the run, and how it stood at this moment; a replay takes no new checks."""
        return self._checks

    @property
    def kv(self) -> ReplayKV:
        """Of the run there is no asking: `fork(at=...).kv` reads and writes it there."""
        return ReplayKV(self._hub)

    def peek(self) -> Peek:
        """The whole swarm at the moment where this stands, a frozen value, as `Swarm.peek`."""
        state = super().peek()
        len(state.events)  # now: later this may stand elsewhere
        return state

    def heal(self) -> None:
        """A replay takes no orders: `fork` it."""
        _refuse("heal it")

    def load(self, *what: Any, **more: Any) -> NoReturn:
        """A replay takes no orders: `fork` it. What the run's loads did is in `peek().requests`."""
        _refuse("send requests to it")

    def rotate_root(self, *what: Any, **more: Any) -> NoReturn:
        """A replay takes no orders: `fork` it."""
        _refuse("rotate its root")

    def recover(self, *what: Any, **more: Any) -> NoReturn:
        """A replay takes no orders: `fork` it."""
        _refuse("recover it")

    def save(self, path: str | os.PathLike[str], *, failure: Any = None) -> str:
        """The journal again, in another file."""
        return self.journal.save(path)

    # ---- looks

    def _state(self) -> str:
        broke = f"; {self.failure}" if self.failure else ""
        return f"{self.now:.9g}s of {self.end:.9g}s, seed {self.seed}, {len(self.faults)} faults{broke}"

    def __repr__(self) -> str:
        if self._hub.closed:
            return "<Replay (closed)>"
        _glanced_at(self)
        return f"<Replay at {self._state()}>\n{super().__repr__()}"


class ReplayKV(KV):
    """The register of a run that is over: a replay sends no requests, so it neither reads nor writes it."""

    def record(self, *what: Any, **more: Any) -> NoReturn:
        """A replay takes no orders: `fork` it."""
        _refuse("write to its register")

    def recording(self, *what: Any, **more: Any) -> NoReturn:
        """A replay takes no orders: `fork` it."""
        _refuse("write to its register")


def replay(path: str | os.PathLike[str], *, force: bool = False) -> Replay:
    """The run that `swarm.save(path)` wrote, to be looked at, moment by moment, and gone on from.

    Raises `NotFound` where there is no such file, and `JournalError` for one that is no journal, is cut short
    or altered, or comes from another version of swarmpy or another build of its engine. `force=True` replays
    the last kind nevertheless: `.same_run` then tells if its trace is still the same.

    >>> r = replay("run.swarm").seek("1.3s")
    >>> r.nodes["m2"].raft, r.peek().leader, r.failure
    """
    journal = file.load(path)
    if not force:
        _check_engine(journal, os.fspath(path))
    return Replay(journal)


def _check_engine(journal: Journal, where: str) -> None:
    import swarmpy
    from swarmpy._core import World as Core

    if journal.engine == Core.engine():
        return
    wrote = f"swarmpy {journal.version}, engine {journal.engine}"
    raise JournalError(
        f"{where} was written by {wrote}; this is swarmpy {swarmpy.__version__}, engine {Core.engine()}",
        code="FailedPrecondition",
        hint="Replay it with the one that wrote it, or try: sp.replay(path, force=True), "
        "swarmpy replay FILE --force; they tell if the trace is another one.",
    )


def _matters(line: str) -> bool:
    kinds = line.split()[:2]
    return any(kind.startswith(("raft.role", "sim.", "fault")) for kind in kinds)


def json_ns(plan: Mapping[str, Any] | None, number: int) -> int:
    faults: Sequence[Mapping[str, Any]] = (plan or {}).get("faults", ())
    return round(duration.seconds(cast(str, faults[number].get("at", "0s"))) * 1e9)


def _refuse(what: str) -> NoReturn:
    raise NotSupportedInMode(f"a replay is what happened: one cannot {what}", hint=FORK)
