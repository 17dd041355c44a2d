"""Faults: what goes wrong with a swarm on purpose, in both worlds. `c.faults`.

with c.faults.partition("leader", for_="3s"):
    c.wait_converged()
c.faults.kill("w1", for_="2s"); c.heal()
"""

from __future__ import annotations

import contextlib
import sys
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from swarmpy import _show, duration
from swarmpy._brief import Brief
from swarmpy._converge import wait_swarm
from swarmpy._faults import draw, words
from swarmpy._faults.breaker import Breaker
from swarmpy._hub import Hub
from swarmpy._models.nearest import not_found
from swarmpy._models.plain import whole
from swarmpy._notes import note
from swarmpy.duration import DurationLike
from swarmpy.errors import ConvergenceTimeout, InvalidArgument, SwarmError
from swarmpy.outcome import Outcome
from swarmpy.plan import Fault, Plan, SkippedFault
from swarmpy.task import Task

if TYPE_CHECKING:
    from swarmpy.node import Node

HEADER = ("ID", "FAULT")
MOST_DRAWN = 100_000  # faults of a plan, on average
Names = str | Sequence[str] | Any  # a name, a Node, or a list of them; "*": all others


class ActiveFault(metaclass=Brief):
    """A fault that has begun: `.fault`, `.id`, `.active`, `.heal()`. As a context manager it heals when the
    `with` ends, however it ends: at its end, by an exception, by Ctrl-C.
    """

    def __init__(self, faults: Faults, fault: Fault, number: int | None) -> None:
        """`number` None: it was left out, or was over at once."""
        self._faults, self._asked, self.id = faults, fault, number
        self._begins, self._ended = faults._hub.world.now() + (fault.at or 0.0), False

    @property
    def fault(self) -> Fault:
        """What it is; "leader" is the node that it was when it began."""
        now = self._faults._find(self.id)
        self._asked = now.but(at=None) if now is not None else self._asked
        return self._asked

    @property
    def active(self) -> bool:
        """It has begun and is not over."""
        return self._faults._find(self.id) is not None

    def heal(self) -> None:
        """Ends it. Harmless when it is over, also by `for_`."""
        self._ended = True
        self._faults._end(self)

    def __enter__(self) -> ActiveFault:
        return self

    def __exit__(self, kind: object, *why: object) -> None:
        with self._faults._hub.undoing(kind):
            self.heal()

    def __repr__(self) -> str:
        if self.active:
            return f"<fault {self._asked}>"
        hub = self._faults._hub
        if self.id is not None and not hub.closed:
            for number, one in self._faults._breaker().skipped():
                if number == self.id:
                    return f"<fault, skipped: {one}>"
        to_come = self.id is not None and not hub.closed and hub.world.now() < self._begins
        return f"<fault, {'to come' if to_come and not self._ended else 'over'}: {self._asked}>"


class RunningPlan(metaclass=Brief):
    """A plan that is being run: `.plan`, `.over`, `.wait()`, `.heal()`. As a context manager it ends its
    faults, also those that have not begun, when the `with` ends.
    """

    def __init__(self, faults: Faults, plan: Plan, numbers: Sequence[int]) -> None:
        self._faults, self.plan, self._numbers = faults, plan, list(numbers)
        ends = [(fault.at or 0.0) + (fault.for_ or 0.0) for fault in plan]
        since = faults._hub.world.now() if plan.since is None else plan.since
        self._last_end = max([0.0, *ends]) + since
        self._held_before = faults._held
        self._warned = 0

    @property
    def active(self) -> bool:
        """One of its faults is active now."""
        return any(number in self._numbers for number, _ in self._faults._active())

    @property
    def _ends_at(self) -> float:
        """Later by as long as `faults.quiet` held it back."""
        return self._last_end + self._faults._held - self._held_before

    @property
    def over(self) -> bool:
        """Its last fault has begun, and all that have a `for` are over."""
        return self._faults._hub.world.now() >= self._ends_at

    @property
    def skipped(self) -> list[SkippedFault]:
        """Its faults that could not begin when it was time (no leader, say), each with the reason."""
        return [one for number, one in self._faults._breaker().skipped() if number in self._numbers]

    def wait(self) -> RunningPlan:
        """Lets time pass until its last fault has begun and those with a `for` are over. Warns, once, of
        each of those that could not begin: `.skipped`.
        """
        self._faults._hub.check_open()
        left = self._ends_at - self._faults._hub.world.now()
        if left > 0:
            self._faults._hub.world.sleep(left)
        skipped = self.skipped
        for one in skipped[self._warned :]:
            warnings.warn(str(one), stacklevel=2)
        self._warned = len(skipped)
        return self

    def heal(self) -> None:
        """Ends its faults, also those that were to come."""
        for number in self._numbers:
            self._faults._end_number(number)

    def __enter__(self) -> RunningPlan:
        return self

    def __exit__(self, kind: object, *why: object) -> None:
        with self._faults._hub.undoing(kind):
            self.heal()

    def __repr__(self) -> str:
        return f"<plan of {len(self.plan)} faults, {'over' if self.over else 'running'}>"


@dataclass(frozen=True, repr=False)
class Quiet(Outcome):
    """How `faults.quiet()` ended, an Outcome. `with c.faults.quiet("5s"): ...` holds all faults back until
    the block ends, too.
    """

    _faults: Faults | None = field(default=None, compare=False)

    def __enter__(self) -> Quiet:
        if self._faults is not None:
            self._faults._hold_back()
        return self

    def __exit__(self, kind: object, *why: object) -> None:
        if self._faults is not None:
            self._faults._let_go(kind)


class ActiveFaults(list[ActiveFault], metaclass=Brief):
    """The faults of this moment; a plain list with a table for a repr."""

    def __repr__(self) -> str:
        rows = [(str(one.id), str(one._asked)) for one in self]
        return _show.table(HEADER, rows, most=30) if self else "no faults"

    def _repr_html_(self) -> str:
        rows = [(str(one.id), str(one._asked)) for one in self]
        return _show.html_box([_show.html_table(f"{len(self)} faults", HEADER, rows)])


class Faults(metaclass=Brief):
    """What can go wrong with this swarm. Each method begins a fault and gives an `ActiveFault`: use it in a
    `with`, say how long (`for_="3s"`, on the swarm's clock), or end it by `.heal()` or `swarm.heal()`.

    A node is a name, a Node, or `"leader"`; `"*"` is all others. Names are checked first: a name that is not
    there raises `NotFound`, a wrong argument `InvalidArgument`, with the nearest word, and nothing has
    happened. What a world cannot do raises `NotSupportedInMode`. In the simulator all of it repeats with the
    seed; in the real world only daemons that this cluster started are touched.
    """

    def __init__(self, hub: Hub, random: Random) -> None:
        self._hub, self._random = hub, random
        self._held_so_far = 0.0  # seconds for which all faults were held back
        self._holds: list[float] = []  # since when they are held back, by each holder

    # ---- the network

    def partition(
        self,
        side: Names | Sequence[Names],
        *others: Names,
        one_way: bool = False,
        for_: DurationLike | None = None,
    ) -> ActiveFault:
        """Cuts nodes off: `"leader"`; `"minority"` (fewer than half of the managers, without the leader); a
        node; or sides, `[["m1"], ["m2", "m3"]]`. One side alone is cut off from all others; nodes that are on
        no side hear everybody.

        `one_way`: what the (first) side says reaches no node on the other; it still hears.
        """
        if others:
            return self._do("partition", for_, groups=[side, *others], one_way=one_way)
        if isinstance(side, str) or hasattr(side, "name"):
            return self._do("partition", for_, of=side, one_way=one_way)
        sides = [side] if _is_flat(side) else side
        return self._do("partition", for_, groups=sides, one_way=one_way)

    def cut(
        self, a: Names, b: Names | None = None, *, both: bool = True, for_: DurationLike | None = None
    ) -> ActiveFault:
        """Nothing that `a` and `b` say reaches the other; with `both=False` only what `a` says is lost.
        Without `b`: all others. `("m1", "m2")`, as in `net(between=)`, is that link.
        """
        source, target = _link(a, b)
        return self._do("cut", for_, from_=source, to=target, both=both)

    def mend(self, a: Names, b: Names | None = None) -> None:
        """Ends every `cut` between `a` and `b`. Harmless when there is none; other links stay cut."""
        source, target = _link(a, b)
        wanted = self._with_leader(Fault("cut", from_=source, to=target))
        for name in {*wanted.args["from"], *wanted.args["to"]} - {"*"}:
            self._check_name(name)
        for number, fault in self._active():
            if fault.kind == "cut" and _same_link(wanted, fault):
                self._end_number(number)
            elif fault.kind == "cut":
                self._mend_a_part(number, fault, wanted)

    def net(
        self,
        between: tuple[Names, Names] | None = None,
        *,
        from_: Names | None = None,
        to: Names | None = None,
        latency: DurationLike | None = None,
        jitter: DurationLike | None = None,
        loss: float | None = None,
        duplicate: float | None = None,
        reorder: float | None = None,
        for_: DurationLike | None = None,
    ) -> ActiveFault:
        """A bad network `between=("m1", "*")`, in both directions; or in one, `from_="m1", to="m2"`.

        `latency`, more or less `jitter`: how long each frame takes; without it `jitter` is how much longer at
        most. `loss`, `duplicate`, `reorder`: which part of the frames, 0 to 1. On the way of requests to
        tasks of other nodes, bytes that are lost are sent again, as TCP does: they are late, and none is
        gone, doubled or overtaken.
        """
        if between is not None and (from_ is not None or to is not None):
            raise InvalidArgument(
                "net: between is both directions, from_ and to are one", hint="Say one of them."
            )
        if between is None:
            source, target, both = from_ or "*", to or "*", from_ is None and to is None
        elif isinstance(between, str) or not isinstance(between, Sequence) or len(between) != 2:
            raise InvalidArgument(
                f"net: between is two ends, not {between!r}", hint='Say between=("m1", "*").'
            )
        else:
            (source, target), both = between, True
        how = {"latency": latency, "jitter": jitter, "loss": loss, "duplicate": duplicate, "reorder": reorder}
        return self._do("net", for_, from_=source, to=target, both=both, **how)

    def hold(
        self, a: Names, b: Names | None = None, *, both: bool = True, for_: DurationLike | None = None
    ) -> ActiveFault:
        """Keeps all that `a` and `b` say to each other, and delivers it in one burst when it ends. With
        `both=False`: what `a` says. Without `b`: all others. `("m1", "m2")` is that link.
        """
        source, target = _link(a, b)
        return self._do("hold", for_, from_=source, to=target, both=both)

    # ---- a node

    def freeze(self, node: str | Node, *, for_: DurationLike | None = None) -> ActiveFault:
        """Stops a daemon where it stands, as SIGSTOP does; when it ends, it goes on as if nothing had been.

        Not to be confused with `node.pause()`: that is Docker's availability, no new tasks for a node that
        is well.
        """
        return self._do("freeze", for_, node=node)

    def kill(self, node: str | Node | Task, *, for_: DurationLike | None = None) -> ActiveFault:
        """`kill -9` of a node's daemon; its tasks die with it. When the fault ends, it is started again on
        the disk that it left. A Task, or its name (`"web.1"`): its process is killed, and nothing is left to
        end.
        """
        if isinstance(node, Task):
            return self._do("kill_task", for_, task=node.id)
        if isinstance(node, str) and "." in node and node not in self._hub.world.machines():
            return self._do("kill_task", for_, task=node)
        return self._do("kill", for_, node=node)

    def power_off(self, node: str | Node, *, for_: DurationLike | None = None) -> ActiveFault:
        """The machine is gone without a word: others hear silence. When the fault ends, it is started again;
        what was not synced to its disk is lost in the simulator.
        """
        return self._do("power_off", for_, node=node)

    def stop(self, node: str | Node, *, for_: DurationLike | None = None) -> ActiveFault:
        """An orderly stop, SIGTERM: tasks are stopped, leadership is handed over. When the fault ends, it is
        started again.
        """
        return self._do("stop", for_, node=node)

    def throttle(self, node: str | Node, *, factor: float, for_: DurationLike | None = None) -> ActiveFault:
        """What a node does, and its disk, takes `factor` times as long (1 and more). Its tasks' own processes
        run on as they are, in the real world.
        """
        return self._do("throttle", for_, node=node, factor=factor)

    def port(self, node: str | Node, port: int, *, for_: DurationLike | None = None) -> ActiveFault:
        """Another program has a port of a node."""
        return self._do("port", for_, node=node, port=port)

    def disk(
        self,
        node: str | Node,
        *,
        fsync_delay: DurationLike | None = None,
        full: bool = False,
        errors: Mapping[str, str] | None = None,
        after: int | None = None,
        lost_tail: int | None = None,
        flip: int | None = None,
        torn: bool = False,
        old_copy: bool = False,
        altered: bool = False,
        for_: DurationLike | None = None,
    ) -> ActiveFault:
        """A bad disk. `fsync_delay`: each sync takes so much longer. `full`: no more space. `errors`:
        `{"write" | "fsync" | "read": "EIO" | "ENOSPC"}`, from the `after`-th operation on (1 is the next). A
        manager whose disk is full or fails takes no part until it is well; its daemon and its tasks stay.

        What the node finds at its next start: `old_copy`, the disk is as it was when the fault began; and in
        the simulator only `lost_tail`, the last so many batches are gone though they were synced; `flip`, a
        bit of one of the last so many is wrong; `torn`, the last one is there in part; `altered`, one object
        of the swarm has another value there. docs/design/faults.md says what is known to break then.
        """
        return self._do(
            "disk",
            for_,
            node=node,
            fsync_delay=fsync_delay,
            full=full,
            errors=errors,
            after=after,
            lost_tail=lost_tail,
            flip=flip,
            torn=torn,
            old_copy=old_copy,
            altered=altered,
        )

    def clock(
        self,
        node: str | Node,
        *,
        skew: DurationLike | None = None,
        drift: float | None = None,
        jump: DurationLike | None = None,
        for_: DurationLike | None = None,
    ) -> ActiveFault:
        """A node's own clock. `skew`: its calendar is off by so much (`"-5s"` is late) while it lasts.
        `drift`: it runs so many times as fast (1.01). `jump`: it is set so much forward or back at once.
        """
        return self._do("clock", for_, node=node, skew=skew, drift=drift, jump=jump)

    def image(
        self,
        reference: str,
        *,
        exists: bool = True,
        exit_code: int | None = None,
        after: DurationLike | None = None,
        ignores_term: bool = False,
        start: DurationLike | None = None,
        for_: DurationLike | None = None,
    ) -> ActiveFault:
        """How the tasks of an image (`"web:2"`) behave that begin from now on: it does not exist; they exit
        with `exit_code` (0 if none is given) `after` they ran for so long (at once); only SIGKILL ends them;
        they take `start` to start.
        """
        return self._do(
            "image",
            for_,
            reference=reference,
            exists=exists,
            exit_code=exit_code,
            after=after,
            ignores_term=ignores_term,
            start=start,
        )

    # ---- plans

    def add(self, fault: Fault | str | Mapping[str, Any]) -> ActiveFault:
        """Begins a fault that is a value, or its text: `c.faults.add("freeze w1 for 2s")`. With an `at` it
        begins so much later.
        """
        (one,) = Plan([fault])
        return self._begin(one)

    def random(
        self,
        kinds: Sequence[str] | str | None = None,
        *,
        every: DurationLike = "5s",
        for_: DurationLike = "1m",
        lasting: DurationLike | None = None,
        keep_quorum: bool = True,
        seed: int | None = None,
    ) -> Plan:
        """Draws a plan: for as long as `for_`, a fault `every` so often on average; each lasts at most
        `lasting` (None: as `every`). Nothing begins before `run(plan)`.

        `kinds`: which ones (None: kill, stop, power_off, freeze, partition, cut, net, hold). `keep_quorum`:
        never so many managers at a time that the others are no majority. `seed`: of the draw (None: drawn
        from `swarm.random`, which repeats with the swarm's own seed).
        """
        found = draw.check_kinds(kinds)
        often, length = duration.seconds(every), duration.seconds(for_)
        most = often if lasting is None else duration.seconds(lasting)
        for name, value in (("every", often), ("for_", length), ("lasting", most)):
            if not 0 < value < 1e7:
                raise InvalidArgument(f"{name} is more than 0s, and ends", hint='Say every="5s", for_="1m".')
        if length / often > MOST_DRAWN:
            raise InvalidArgument(
                f"about {length / often:.0f} faults would be drawn, {MOST_DRAWN} at most",
                hint="Say a longer every=, or a shorter for_=.",
            )
        if seed is not None:
            seed = whole("seed", seed, least=0, most=2**64 - 1)
        chance = Random(self._random.getrandbits(64) if seed is None else seed)
        infos = self._hub.nodes()
        managers = [info.name for info in infos if info.manages]
        workers = [info.name for info in infos if not info.manages]
        tasks = self._task_names() if "kill_task" in found else []
        return draw.Draw(managers, workers, tasks, found, often, length, most, keep_quorum, chance).plan()

    def run(self, plan: Plan | Fault | Iterable[Fault | str] | Mapping[str, Any] | str | Path) -> RunningPlan:
        """Runs a plan: each fault begins at its `at`, counted from now. A Plan, a list of faults, their JSON
        or text, or a path to a file with that. Time passes while you wait: `with c.faults.run(plan) as p:
        p.wait()`. All names are checked first.
        """
        whole_plan = self._read(plan)
        for fault in whole_plan:
            self._breaker().check(fault)
        kept = [passed for fault in whole_plan if (passed := self._hub.passed_fault(fault)) is not None]
        passed_plan = whole_plan._with(kept)
        numbers = self._breaker().run(passed_plan) if kept else []
        self._hub.world.hurry()
        return RunningPlan(self, passed_plan, numbers)

    def quiet(self, span: DurationLike = "10s") -> Quiet:
        """Holds all faults back for so long, and asks whether the swarm heals: within that time it must
        converge, and the rest of the time passes. Then the faults go on where they were.

        `with c.faults.quiet("5s"): ...` does the same, and the faults go on when the block ends, however it
        ends: it begins with a swarm that has healed, and nothing goes wrong inside.

        Raises `ConvergenceTimeout`, whose `.blockers` say what is missing.
        """
        seconds = duration.seconds(span)
        world = self._hub.open_world
        ends = world.now() + seconds
        self._hold_back()
        try:
            outcome = wait_swarm(self._hub, seconds, 0)
            left = ends - world.now()
            if left > 0:
                world.sleep(left)
            return Quiet(**vars(outcome), _faults=self)
        except ConvergenceTimeout as error:
            raise ConvergenceTimeout(
                f"without any fault for {duration.text(seconds)}, and the swarm does not heal",
                blockers=error.blockers,
            ) from error
        finally:
            self._let_go(sys.exc_info()[0])

    @property
    def skipped(self) -> list[SkippedFault]:
        """All that were planned, or held back, and could not begin when it was time: each `.fault`, `.at`
        (seconds) and `.why`.
        """
        self._hub.check_open()
        return [one for _, one in self._breaker().skipped()]

    @property
    def active(self) -> ActiveFaults:
        """The faults of this moment, in the order of their beginnings."""
        self._hub.check_open()
        return ActiveFaults(ActiveFault(self, fault, number) for number, fault in self._active())

    @property
    def history(self) -> Plan:
        """All that has happened, as a plan that can be run again: when each fault began and how long it was,
        "leader" being the node that it was. Nodes and tasks that were killed by `.kill()` belong to it.
        """
        self._hub.check_open()
        return self._breaker().history()

    def heal(self) -> None:
        """Ends every fault, also those that are to come; nodes that are down by one are started. Always safe:
        twice, without a quorum, on a closed swarm.
        """
        if self._hub.closed:
            return
        with contextlib.suppress(SwarmError, OSError):
            self._breaker().heal()
            note(self._hub.world, "repair", "all faults healed")

    # ---- inside

    def _do(self, kind: str, for_: DurationLike | None, **arguments: Any) -> ActiveFault:
        return self._begin(Fault(kind, for_=None if kind in words.MOMENTARY else for_, **arguments))

    def _begin(self, asked: Fault) -> ActiveFault:
        """Every fault begins here, and the gate may leave it out."""
        self._hub.check_open()
        self._breaker().check(asked)
        fault = self._hub.passed_fault(asked)
        if fault is None:
            return ActiveFault(self, asked, None)
        number = self._breaker().begin(fault)
        try:
            node = str(fault.args.get("node", "")) if fault.kind in words.ENDS else ""
            note(self._hub.world, "fault", str(fault), node=node)
            return ActiveFault(self, fault, number)
        except KeyboardInterrupt:  # the caller never gets it, and so could not end it
            self._end_number(number)
            raise

    @property
    def _held(self) -> float:
        """Seconds for which all faults were held back."""
        return self._held_so_far + (self._hub.world.now() - self._holds[0] if self._holds else 0.0)

    def _hold_back(self) -> None:
        if not self._holds:
            self._breaker().quiet(True)
        self._holds.append(self._hub.open_world.now())

    def _let_go(self, why: object) -> None:
        """Once no holder is left."""
        since = self._holds.pop()
        if self._holds or self._hub.closed:
            return
        self._held_so_far += self._hub.world.now() - since
        with contextlib.suppress(SwarmError), self._hub.undoing(why):
            self._breaker().quiet(False)

    def _end(self, one: ActiveFault) -> None:
        if one.id is not None:
            self._end_number(one.id)

    def _end_number(self, number: int) -> None:
        """Never raises: what is over, closed or broken has no faults."""
        if self._hub.closed:
            return
        with contextlib.suppress(SwarmError, OSError):
            self._breaker().end(number)
            self._hub.world.hurry()

    def _find(self, number: int | None) -> Fault | None:
        if number is None or self._hub.closed:
            return None
        return next((fault for one, fault in self._active() if one == number), None)

    def _active(self) -> list[tuple[int, Fault]]:
        return self._breaker().active()

    def _breaker(self) -> Breaker:
        return self._hub.world.breaker()

    def _mend_a_part(self, number: int, cut: Fault, wanted: Fault) -> None:
        """Of a cut between many, the links that are to be mended; the others stay cut."""
        known = self._hub.world.machines()
        lost = {(one, other) for one, other in _pairs(cut, known)}
        mended = {pair for one, other in _pairs(wanted, known) for pair in ((one, other), (other, one))}
        if not lost & mended:
            return
        self._end_number(number)
        for one, other in sorted(lost - mended):
            self._breaker().begin(Fault("cut", from_=one, to=other, both=False))

    def _check_name(self, name: str) -> None:
        known = self._hub.world.machines()
        if name not in known:
            raise not_found("node", name, known)

    def _with_leader(self, link: Fault) -> Fault:
        """With the leader of this moment where it says "leader"."""
        if "leader" not in {*link.args["from"], *link.args["to"]} - {*self._hub.world.machines()}:
            return link
        leader = next((info.name for info in self._hub.nodes() if info.leader), None)
        if leader is None:
            raise SwarmError(
                "nobody leads at this moment",
                code="FailedPrecondition",
                hint="Wait for a leader, or name a node.",
            )
        ends = {key: [leader if one == "leader" else one for one in link.args[key]] for key in ("from", "to")}
        return link.but(**ends)

    def _read(self, plan: Plan | Fault | Iterable[Fault | str] | Mapping[str, Any] | str | Path) -> Plan:
        if isinstance(plan, Plan):
            return plan
        if isinstance(plan, Path) or (isinstance(plan, str) and _is_path(plan)):
            return Plan.load(plan)
        if isinstance(plan, str):
            return Plan.read(plan)
        if isinstance(plan, Mapping):
            return Plan.from_json(plan)
        return Plan([plan] if isinstance(plan, Fault) else plan)

    def _task_names(self) -> list[str]:
        found = []
        for service in self._hub.services():
            found += [
                f"{service.name}.{task.slot}"
                for task in self._hub.tasks(service.id)
                if task.runs and task.slot > 0
            ]
        return sorted(set(found))

    def __repr__(self) -> str:
        if self._hub.closed:
            return "<faults of a closed swarm>"
        return f"<faults: {self.active!r}>" if not self._active() else repr(self.active)

    def _repr_html_(self) -> str:
        return "" if self._hub.closed else self.active._repr_html_()


def _link(a: Names, b: Names | None) -> tuple[Names, Names]:
    """Both ends; a pair alone is a link, a list alone is cut off from all others."""
    if b is None and isinstance(a, tuple) and len(a) == 2:
        return a
    return a, "*" if b is None else b


def _is_path(text: str) -> bool:
    """A line that is neither JSON nor a fault; with a blank it is one only where there is such a file."""
    if "\n" in text or text.lstrip()[:1] in ("{", "[") or text.split(" ")[0] in words.KINDS:
        return False
    return " " not in text.strip() or Path(text).exists()


def _is_flat(side: Any) -> bool:
    """One side as a list of names."""
    return isinstance(side, Iterable) and all(isinstance(one, str) or hasattr(one, "name") for one in side)


def _same_link(a: Fault, b: Fault) -> bool:
    ends, others = ({tuple(sorted(one.args["from"])), tuple(sorted(one.args["to"]))} for one in (a, b))
    return ends == others


def _pairs(link: Fault, known: Sequence[str]) -> set[tuple[str, str]]:
    """Every direction that a link fault is about."""
    source, target = link.args["from"], link.args["to"]
    sources = [name for name in known if name not in target] if source == ["*"] else source
    targets = [name for name in known if name not in source] if target == ["*"] else target
    one_way = {(a, b) for a in sources for b in targets if a != b}
    back = {(b, a) for a, b in one_way} if link.args.get("both", True) else set()
    return one_way | back
