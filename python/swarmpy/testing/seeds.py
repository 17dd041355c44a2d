"""Many seeds of one test: here, or wherever an executor runs them; then the failures, one by one.

Seeds begin in this process. What would take long goes on in others, where the test can be sent there. The
report does not hang on who ran what: failures are in the order of their seeds, and what is shrunk and kept is
always run once more here.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from typing import Any, Protocol

from swarmpy._checks.wall import NEVER_HELD
from swarmpy.errors import InvalidArgument
from swarmpy.testing import progress
from swarmpy.testing.failure import Failure, Way
from swarmpy.testing.keep import Keep
from swarmpy.testing.mask import NOTHING, Mask
from swarmpy.testing.processes import Processes, processors
from swarmpy.testing.result import Result
from swarmpy.testing.sending import Parcel
from swarmpy.testing.settings import Settings
from swarmpy.testing.shrink import INTERRUPTED, shrink
from swarmpy.testing.trial import Keeper, Record

QUICK, WORTH_IT = (
    1.0,
    2.0,
)  # seconds in this process first; seconds to go that other processes are started for
CHUNKS = 32  # in so many parts seeds are sent
MOST_AT_ONCE = 50
MOST_WAYS = 3  # of failing that are looked into


class OneRun(Protocol):
    """Runs the test with a seed."""

    def __call__(self, seed: int, mask: Mask = NOTHING, keep: Keeper | None = None) -> Record:
        """Returns what became of this seed; without the items that the mask leaves out."""


@dataclass(frozen=True)
class Job:
    """What is to be run: how one seed is, and how the test is sent elsewhere (None: it is not)."""

    test: str
    settings: Settings
    one: OneRun
    parcel: Callable[[], Parcel] | None = None


def run(job: Job) -> Result:
    """All seeds, then what there is to say of the failures. After Ctrl-C, the interrupt with
    `.swarmpy_result`: the report so far.
    """
    __tracebackhide__ = True
    gathered = _Gathered(job)
    try:
        with gathered.showing():
            _run_all(job, gathered)
        gathered.look_into()
    except KeyboardInterrupt as interrupt:
        result = gathered.result()
        result.interrupted = True
        interrupt.swarmpy_result = result  # type: ignore[attr-defined]
        raise
    return gathered.result()


class _Enough(Exception):
    """As many failures as were asked for."""


class _Gathered:
    """What is known so far."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._begun, self._took = time.monotonic(), 0.0
        self._failures: dict[int, Failure] = {}
        self._errors: dict[int, BaseException] = {}  # of one seed for each way to fail
        self._ways: dict[Way, int] = {}
        self._progress: progress.Progress = progress.Quiet()
        self._result = Result(job.test, job.settings.shape, len(job.settings.seeds))

    @contextlib.contextmanager
    def showing(self) -> Iterator[None]:
        total = len(self._job.settings.seeds)
        self._progress = progress.begin(self._job.settings.progress, self._job.test, total)
        try:
            yield
        except _Enough:
            pass
        finally:
            self._took = time.monotonic() - self._begun
            self._progress.end()

    def take(self, record: Record) -> None:
        self._result.coverage.add(record.coverage)
        if record.failure is not None:
            self._failures[record.seed] = record.failure
            if record.failure.way not in self._ways and record.error is not None:
                self._ways[record.failure.way] = record.seed
                self._errors[record.seed] = record.error
        self._progress.update(self._result.runs, len(self._failures))
        most = self._job.settings.max_failures
        if most is not None and len(self._failures) >= most:
            raise _Enough

    def where(self, words: str) -> None:
        self._result.where = words

    def look_into(self) -> None:
        """The first failure of each way: shrunk, kept, and with its own exception."""
        left = self._job.settings.shrink
        for failure in self._firsts()[:MOST_WAYS]:
            begun = time.monotonic()
            looked = Looked(self._job, failure, self._errors.get(failure.seed))
            try:
                looked.go(left)
            finally:
                self._failures[failure.seed] = looked.failure
                if looked.error is not None:
                    self._errors[failure.seed] = looked.error
            left = max(0.0, left - (time.monotonic() - begun))

    def result(self) -> Result:
        result = self._result
        result.failures = tuple(self._failures[seed] for seed in sorted(self._failures))
        result.took = self._took or time.monotonic() - self._begun
        if result.failures:
            result.error = self._errors.get(result.failures[0].seed)
        return result

    def _firsts(self) -> list[Failure]:
        firsts: dict[Way, Failure] = {}
        for seed in sorted(self._failures):
            firsts.setdefault(self._failures[seed].way, self._failures[seed])
        return list(firsts.values())


class Looked:
    """One failure, looked into: run again, shrunk, kept."""

    def __init__(self, job: Job, failure: Failure, error: BaseException | None) -> None:
        self._job, self.failure, self.error = job, failure, error
        self._keep = Keep(job.settings.report, job.test, failure.seed)

    def go(self, budget: float) -> None:
        """Makes the failure smaller for at most so many seconds, and keeps its files."""
        if self._job.settings.shape.mode != "sim":
            self.failure = self._keep.record(self.failure)
            return
        try:
            self._again(budget)
        finally:
            self.failure = self._keep.record(self.failure)

    def _again(self, budget: float) -> None:
        seed, way = self.failure.seed, self.failure.way
        whole = self._job.one(seed, NOTHING, self._keep)
        if whole.failure is None or whole.failure.way != way:
            self._note(_unlike(whole))
            return
        self.failure, self.error = whole.failure, whole.error
        if budget <= 0:
            return
        if self.failure.what.endswith(NEVER_HELD):  # an empty run fails so, too, and tells nothing
            self._note("not made smaller: the less a run has, the less is seen in it")
            return
        shrunk = shrink(lambda mask: self._job.one(seed, mask), self.failure, budget)
        self.failure = replace(self.failure, shrunk=shrunk)
        if shrunk.why == INTERRUPTED:
            raise KeyboardInterrupt
        if shrunk.mask.smaller:
            self._keep_small(shrunk.mask, way)

    def _keep_small(self, mask: Mask, way: Way) -> None:
        """The files are of the small run: that is the one to replay."""
        small = self._job.one(self.failure.seed, mask, self._keep)
        if small.failure is None or small.failure.way != way:
            self._note("the shrunk run does not fail every time: the test takes chance from elsewhere")
            return
        self.error = small.error
        kept = small.failure
        self.failure = replace(
            self.failure, journal=kept.journal, timeline=kept.timeline, replay=kept.replay, notes=kept.notes
        )

    def _note(self, text: str) -> None:
        self.failure = replace(self.failure, notes=(*self.failure.notes, text))


def _unlike(again: Record) -> str:
    how = "passed" if again.failure is None else f"failed in another way ({again.failure.what})"
    return (
        f"run once more with the same seed it {how}: the test takes chance from elsewhere than its swarm "
        "(a clock, the order of a set, what an earlier run left), so nothing was shrunk"
    )


# ---- who runs the seeds


def _run_all(job: Job, gathered: _Gathered) -> None:
    seeds, executor = job.settings.seeds, job.settings.executor
    if executor == "auto":
        left = _run_here(job, seeds, gathered, may_leave=True)
        if left:
            _run_there(job, left, gathered, Processes())
    elif executor in ("here", 0, False):
        _run_here(job, seeds, gathered)
    else:
        with _opened(executor) as (there, ours):
            _run_there(job, seeds, gathered, there, ours)


def _run_here(job: Job, seeds: Sequence[int], gathered: _Gathered, may_leave: bool = False) -> Sequence[int]:
    """Gives the seeds that are left to others."""
    begun, asked = time.monotonic(), False
    for done, seed in enumerate(seeds):
        took = time.monotonic() - begun
        if may_leave and not asked and took > QUICK:
            asked = took / done * (len(seeds) - done) > WORTH_IT
            if asked and _may_send(job):
                return seeds[done:]
        gathered.take(job.one(seed))
    return ()


def _may_send(job: Job) -> bool:
    if job.parcel is None or processors() < 2:
        return False
    try:
        job.parcel()
    except InvalidArgument:
        return False
    return True


def _run_there(
    job: Job, seeds: Sequence[int], gathered: _Gathered, executor: Executor, ours: bool = True
) -> None:
    over = threading.Event()
    some = _run_of(job, executor, over)
    gathered.where(_name(executor))
    size = max(1, min(MOST_AT_ONCE, len(seeds) // CHUNKS))
    chunks = [seeds[at : at + size] for at in range(0, len(seeds), size)]
    waiting: set[Future[list[Record]]] = set()
    try:
        waiting |= {executor.submit(some, chunk) for chunk in chunks}
        while waiting:
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for record in (record for one in done for record in one.result()):
                gathered.take(record)
    finally:
        over.set()
        for one in waiting:
            one.cancel()
        if ours:
            _end(executor)


def _run_of(job: Job, executor: Executor, over: threading.Event) -> Callable[[Sequence[int]], list[Record]]:
    """What runs some seeds there. A thread of this process needs nothing sent, and ends when all is over."""
    if isinstance(executor, ThreadPoolExecutor):
        return lambda seeds: [job.one(seed) for seed in seeds if not over.is_set()]
    if job.parcel is None:
        hint = 'Use @sp.test for it, or run it here: executor="here".'
        raise InvalidArgument(f"{job.test} cannot be sent to other processes", hint=hint)
    return job.parcel().run


def _end(executor: Executor) -> None:
    """At once. Some executors (Dask's) take no word for that, and do it anyway."""
    try:
        executor.shutdown(wait=False, cancel_futures=True)
    except TypeError:
        executor.shutdown(wait=False)


@contextlib.contextmanager
def _opened(executor: Any) -> Iterator[tuple[Executor, bool]]:
    """An executor that somebody else has made is left open. A function makes one for this run."""
    if executor == "processes":
        yield Processes(), True
    elif isinstance(executor, int):
        yield Processes(executor), True
    elif hasattr(executor, "submit"):
        yield executor, False
    elif callable(executor):
        made = executor()
        if not hasattr(made, "submit"):
            raise _no_executor(made)
        yield made, True
    else:
        raise _no_executor(executor)


def _no_executor(what: object) -> InvalidArgument:
    return InvalidArgument(
        f"not an executor: {what!r}",
        hint='Say "here", "processes", how many processes, an executor of concurrent.futures, or a function '
        "that makes one: executor=client.get_executor for Dask.",
    )


def _name(executor: Executor) -> str:
    count = getattr(executor, "count", None) or getattr(executor, "_max_workers", None)
    return f"{type(executor).__name__}{f' of {count}' if count else ''}"
