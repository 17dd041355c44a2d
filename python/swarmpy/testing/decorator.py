"""`sp.test`: a test over many seeds, as a function to call and as one test of pytest's."""

from __future__ import annotations

import asyncio
import functools
import inspect
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, overload

from swarmpy._brief import Brief
from swarmpy.duration import DurationLike
from swarmpy.errors import InvalidArgument
from swarmpy.swarm import Swarm
from swarmpy.testing import seeds as many
from swarmpy.testing.chance import own_chance
from swarmpy.testing.mask import NOTHING, Mask
from swarmpy.testing.result import Result
from swarmpy.testing.seeds import Job
from swarmpy.testing.sending import Parcel, parcel
from swarmpy.testing.settings import Seeds, Settings, seed_list, settings, shrink_seconds, with_chosen
from swarmpy.testing.trial import Keeper, Record, Trial, function_call, run_once

_UNSAID: Any = object()
Function = Callable[..., Any]


@overload
def test(function: Function, /) -> SeedTest: ...
@overload
def test(
    *,
    seeds: Seeds = 200,
    managers: int = 3,
    workers: int = 5,
    executor: Any = None,
    shrink: bool | DurationLike = True,
    first_seed: int = 0,
    mode: str = "sim",
    report: str | os.PathLike[str] | None = None,
    progress: bool | str = True,
    max_failures: int | None = None,
) -> Callable[[Function], SeedTest]: ...
def test(
    function: Function | None = None,
    /,
    *,
    seeds: Seeds = 200,
    managers: int = 3,
    workers: int = 5,
    executor: Any = None,
    shrink: bool | DurationLike = True,
    first_seed: int = 0,
    mode: str = "sim",
    report: str | os.PathLike[str] | None = None,
    progress: bool | str = True,
    max_failures: int | None = None,
) -> SeedTest | Callable[[Function], SeedTest]:
    """Makes a test of a function that takes a swarm: run with many seeds, each in a new simulated swarm.

    `seeds`: how many, from `first_seed` on, or the seeds themselves. Called, it runs them all, prints what
    they exercised, and raises the first failure with the report as a note: the smallest run that fails so,
    files, and a line that replays it. pytest collects it as one test (with or without swarmpy's plugin);
    what else the function takes are fixtures and parameters, as ever. `.run()` gives a `Result` and raises
    nothing.

    `executor`: None: in this process, and in others when it takes long (a test of a notebook or of `__main__`
    goes there only if cloudpickle is installed). `"here"`, `"processes"`, a number of processes, any executor
    of `concurrent.futures`, or a function that makes one (`client.get_executor` of Dask's).

    `shrink`: whether, or for how long ("30s"; 10 s), a failure is made smaller. `report`: the folder for what
    failures leave (`swarmpy-failures`). `progress`: `"bar"`, `"lines"`, `"tqdm"`, `"rich"`, False. Without
    `max_failures` all seeds are run, so that the share of failing ones is known. `mode="real"`: once, on
    daemons.

    Raises `InvalidArgument` for what cannot be meant.

    >>> @sp.test(seeds=200, managers=3, workers=5)
    ... def test_a_leader_may_die(swarm):
    ...     web = swarm.services.create("nginx", replicas=4)
    ...     web.wait()
    ...     swarm.nodes.leader.kill()
    ...     swarm.wait_converged()
    """
    if function is not None and not callable(function):
        raise InvalidArgument(
            f"sp.test takes a function, not {function!r}", hint="Say @sp.test(seeds=200) over a function."
        )
    made = settings(
        seeds=seeds,
        first_seed=first_seed,
        managers=managers,
        workers=workers,
        mode=mode,
        executor=executor,
        shrink=shrink,
        report=report,
        progress=progress,
        max_failures=max_failures,
    )
    return SeedTest(function, made) if function is not None else lambda one: SeedTest(one, made)


test.__test__ = False  # type: ignore[attr-defined]


class SeedTest(metaclass=Brief):
    """A function with a swarm, to be run with many seeds: what `sp.test` makes.

    Call it to run all seeds and raise the first failure; `.run()` for a `Result` instead, `.once(seed)`
    for one seed alone. `.last`: the result of the last run, also of one that was interrupted. `.function`:
    what was decorated.
    """

    def __init__(self, function: Function, made: Settings) -> None:
        _check_function(function)
        self.function, self._settings = function, made
        self._bound: tuple[Any, ...] = ()
        self.last: Result | None = None
        self.test_name = ""  # pytest's, while it runs there
        functools.update_wrapper(self, function)
        self.__signature__ = _without_swarm(function, keep=0)

    def __call__(self, *arguments: Any, **named: Any) -> None:
        """Runs all seeds. Raises the first failure; prints what was exercised when there is none."""
        __tracebackhide__ = True
        result = self._run(with_chosen(self._settings), self._named(arguments, named))
        told(result)
        if result.failures:
            raise result.exception()

    def run(
        self,
        *,
        seeds: Seeds = _UNSAID,
        first_seed: int | None = None,
        executor: Any = _UNSAID,
        shrink: bool | DurationLike | None = None,
        report: str | os.PathLike[str] | None = None,
        arguments: Mapping[str, Any] | None = None,
    ) -> Result:
        """Runs the seeds and gives what came out, failures too. What is not said is as in the decorator.

        `arguments`: what the function takes beside the swarm, by name. Ctrl-C: the report so far is
        printed and kept in `.last`.
        """
        made = self._settings
        if seeds is not _UNSAID or first_seed is not None:
            count: Seeds = len(made.seeds) if seeds is _UNSAID else seeds
            made = replace(made, seeds=seed_list(count, made.seeds[0] if first_seed is None else first_seed))
        if executor is not _UNSAID:
            made = replace(made, executor="auto" if executor is None else executor)
        if shrink is not None:
            made = replace(made, shrink=shrink_seconds(shrink))
        if report is not None:
            made = replace(made, report=str(report))
        return self._run(made, dict(arguments or {}))

    def once(self, seed: int = 0, **arguments: Any) -> Any:
        """Runs one seed, here; what the function raises comes through (for a debugger). Gives what it
        gives.
        """
        trial = Trial(self._name(), self._settings.shape, seed)
        try:
            with own_chance(seed):
                given = self._call(arguments)(trial)
                trial.finish()
                return given
        finally:
            trial.close()

    @property
    def seeds(self) -> Sequence[int]:
        """The seeds that it runs, unless the command line or the environment says otherwise."""
        return self._settings.seeds

    @property
    def seed_function(self) -> Function:
        """The function as one seed calls it: swarm first, the rest by name."""
        return functools.partial(_called, self.function, self._bound)

    # ---- inside

    def _one(self, seed: int, mask: Mask, last: Callable[[Swarm], object] | None = None) -> Record:
        return run_once(self._name(), self._call({}), self._settings.shape, seed, mask, last=last)

    def _run(self, made: Settings, arguments: Mapping[str, Any]) -> Result:
        __tracebackhide__ = True
        name, call = self._name(), self._call(arguments)

        def one(seed: int, mask: Mask = NOTHING, keep: Keeper | None = None) -> Record:
            __tracebackhide__ = True
            return run_once(name, call, made.shape, seed, mask, keep)

        def send() -> Parcel:
            return parcel(name, self.function, self.seed_function, made.shape, arguments)

        try:
            self.last = many.run(Job(name, made, one, send))
        except KeyboardInterrupt as interrupt:
            self.last = getattr(interrupt, "swarmpy_result", None)
            if self.last is not None:
                told(self.last)
            raise
        return self.last

    def _call(self, arguments: Mapping[str, Any]) -> Callable[[Trial], object]:
        return function_call(self.seed_function, arguments)

    def _named(self, arguments: tuple[Any, ...], named: Mapping[str, Any]) -> dict[str, Any]:
        """What was given beside the swarm, by name."""
        given = list(inspect.signature(self).bind(*self._bound, *arguments, **named).arguments.items())
        return dict(given[len(self._bound) :])

    def _name(self) -> str:
        if self.test_name:
            return self.test_name
        file = getattr(sys.modules.get(self.function.__module__), "__file__", None)
        name = self.function.__qualname__.replace("<locals>.", "").replace(".", "::")
        return f"{_short(file)}::{name}" if file else name

    def __get__(self, instance: Any, owner: type | None = None) -> SeedTest:
        if instance is None:
            return self
        bound = SeedTest(self.function, self._settings)
        bound.__dict__.update({k: v for k, v in self.__dict__.items() if k not in ("function", "_settings")})
        bound._bound = (instance,)
        bound.__signature__ = _without_swarm(self.function, keep=1)
        return bound

    def __set_name__(self, owner: type, name: str) -> None:
        """In a class the first argument is the instance, and the swarm the second."""
        self.__signature__ = _without_swarm(self.function, keep=1)

    def __repr__(self) -> str:
        count = len(self._settings.seeds)
        return f"<SeedTest {self.function.__qualname__}: {count} seeds, {self._settings.shape}>"


def told(result: Result) -> None:
    """Where results go: to a listener (pytest's plugin), else to standard output."""
    if listeners:
        for listener in listeners:
            listener(result)
    elif not result.failures or result.interrupted:
        print(result, flush=True)


listeners: list[Callable[[Result], None]] = []


def _called(function: Function, bound: tuple[Any, ...], swarm: Any, **arguments: Any) -> Any:
    __tracebackhide__ = True
    if inspect.iscoroutinefunction(function):
        from swarmpy import aio

        return asyncio.run(function(*bound, aio.Swarm.of(swarm), **arguments))
    return function(*bound, swarm, **arguments)


def _check_function(function: Function) -> None:
    name = getattr(function, "__name__", repr(function))
    if isinstance(function, type | SeedTest) or not hasattr(function, "__qualname__"):
        hint = "Decorate a function that takes a swarm, once."
        raise InvalidArgument(f"sp.test takes a function, not {name}", hint=hint)
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise InvalidArgument(
            f"{name} yields: calling it runs nothing", hint="A test is a plain function, or async."
        )
    if not _positional(function):
        raise InvalidArgument(
            f"{name} takes no swarm", hint=f"Its first argument is the swarm: def {name}(swarm)."
        )


def _positional(function: Function) -> list[inspect.Parameter]:
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [one for one in inspect.signature(function).parameters.values() if one.kind in kinds]


def _without_swarm(function: Function, keep: int) -> inspect.Signature:
    """`keep`: arguments before the swarm (self)."""
    signature = inspect.signature(function)
    parameters = list(signature.parameters.values())
    return signature.replace(parameters=[*parameters[:keep], *parameters[keep + 1 :]])


def _short(file: str) -> str:
    try:
        return str(Path(file).resolve().relative_to(Path.cwd()))
    except ValueError:
        return Path(file).name
