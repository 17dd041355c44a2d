"""A test of pytest's, seed by seed: what `swarmpy.pytest_plugin` does once a test asks for a swarm.

Each seed gets a new swarm, and every fixture that hangs on it is made anew; the others are made once, as for
any test. Shrinking runs the test the same way.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest

from swarmpy.errors import InvalidArgument
from swarmpy.swarm import Swarm
from swarmpy.testing import decorator
from swarmpy.testing import seeds as many
from swarmpy.testing.decorator import SeedTest
from swarmpy.testing.mask import NOTHING, Mask
from swarmpy.testing.result import Result
from swarmpy.testing.seeds import Job
from swarmpy.testing.settings import Settings, chosen, seed_list, settings, shrink_words, with_chosen
from swarmpy.testing.trial import Keeper, Record, Trial, run_once

PROPERTY = "swarmpy"
FIXTURES = ("swarm", "swarm_factory")
Factory = Callable[..., Swarm]
WORDS = ("managers", "workers", "seeds", "first_seed", "shrink", "mode", "report", "max_failures")

_trial = pytest.StashKey[Trial]()
_settings = pytest.StashKey[Settings]()


def choose(said: Mapping[str, Any]) -> Callable[[], None]:
    """What the command line says; None: nothing. Gives a function that takes it back: another pytest may
    begin in this process. Raises `InvalidArgument`.
    """
    if said["seeds"] is not None:
        seed_list(said["seeds"], 0)
    if said["seed"] is not None:
        seed_list([said["seed"]], 0)
    if said["report"] is not None:
        _make_folder(said["report"])
    new = {**said, "shrink": None if said["shrink"] is None else shrink_words(said["shrink"])}
    before = {name: getattr(chosen, name) for name in new}

    def put(values: Mapping[str, Any]) -> None:
        for name, value in values.items():
            setattr(chosen, name, value)

    put(new)
    return lambda: put(before)


def _make_folder(name: str) -> None:
    try:
        Path(name).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidArgument(
            f"the folder {name} cannot be made: {error.strerror}", hint="Say another one: --swarm-report DIR."
        ) from None


# ---- fixtures


def swarm(item: pytest.Item) -> Iterator[Swarm]:
    yield _current(item).swarm()


def factory(item: pytest.Item) -> Iterator[Factory]:
    def make(managers: int = 3, workers: int = 5, **options: Any) -> Swarm:
        return _current(item).swarm(managers=managers, workers=workers, **options)

    yield make


def real(item: pytest.Item) -> Iterator[Swarm]:
    said = _mark(item)
    with Swarm(said.get("managers", 3), said.get("workers", 2), mode="real") as made:
        yield made


def _current(item: pytest.Item) -> Trial:
    """The run that is being set up: the first seed's, until the loop makes others."""
    if _trial not in item.stash:
        made = _made(item)
        trial = Trial(item.nodeid, made.shape, made.seeds[0])
        item.stash[_trial] = trial
        item.addfinalizer(trial.close)
    return item.stash[_trial]


def _made(item: pytest.Item) -> Settings:
    if _settings not in item.stash:
        said: dict[str, Any] = {"managers": 3, "workers": 5, "seeds": 1, "first_seed": 0, "shrink": True}
        said |= {"mode": "sim", "report": None, "max_failures": None, **_mark(item)}
        item.stash[_settings] = with_chosen(settings(executor="here", progress=_progress(item), **said))
    return item.stash[_settings]


def _mark(item: pytest.Item) -> Mapping[str, Any]:
    mark = item.get_closest_marker("swarm")
    if mark is None:
        return {}
    if mark.args:
        raise InvalidArgument("the mark swarm takes words only", hint="Say @pytest.mark.swarm(managers=3).")
    from swarmpy._models.nearest import check_word

    for word in mark.kwargs:
        check_word("word of the mark swarm", word, WORDS)
    return mark.kwargs


# ---- the loop


def run(item: pytest.Function) -> bool:
    """Runs the test with all its seeds. Raises the first failure, with its report."""
    __tracebackhide__ = True
    base, chosen.base = chosen.base, item.config.invocation_params.dir
    try:
        _run_decorated(item) if isinstance(item.obj, SeedTest) else _run_with_fixtures(item)
    except KeyboardInterrupt as interrupt:
        raise interrupt.with_traceback(_in_file(item.path, interrupt.__traceback__)) from None
    finally:
        chosen.base = base
    return True


def _run_with_fixtures(item: pytest.Function) -> None:
    __tracebackhide__ = True
    again = _Again(item)
    try:
        result = many.run(Job(item.nodeid, _made(item), again.one))
    finally:
        item.stash.setdefault(_trial, again.first).close()
    _tell(item, result)
    if result.failures:
        raise result.exception()


def _in_file(test: Path, trace: TracebackType | None) -> TracebackType | None:
    """The test's own last line, alone: pytest reads the source of every frame, and Ctrl-C waits."""
    found = None
    while trace is not None:
        found = trace if trace.tb_frame.f_code.co_filename == str(test) else found
        trace = trace.tb_next
    return None if found is None else TracebackType(None, found.tb_frame, found.tb_lasti, found.tb_lineno)


def _run_decorated(item: pytest.Function) -> None:
    __tracebackhide__ = True
    names = item._fixtureinfo.argnames
    test: SeedTest = item.obj
    test.test_name = item.nodeid
    decorator.listeners.append(lambda result: _tell(item, result))
    here, chosen.here = chosen.here, chosen.here or "PYTEST_XDIST_WORKER" in os.environ
    try:
        test(**{name: item.funcargs[name] for name in names})
    finally:
        chosen.here, test.test_name = here, ""
        decorator.listeners.pop()


class _Again:
    """The same test, again and again: the first time as pytest has set it up."""

    def __init__(self, item: pytest.Function) -> None:
        self._item = item
        self.first = _current(item)
        self._fresh = True
        self._hanging = _hanging_on_swarms(item)
        self._needed = item._fixtureinfo.argnames

    def one(self, seed: int, mask: Mask = NOTHING, keep: Keeper | None = None) -> Record:
        __tracebackhide__ = True
        shape = _made(self._item).shape
        if self._fresh and seed == self.first.seed and mask == NOTHING:
            self._fresh = False
            return run_once(self._item.nodeid, self._call, shape, seed, mask, keep, trial=self.first)
        self._fresh = False
        trial = Trial(self._item.nodeid, shape, seed, mask)
        return run_once(self._item.nodeid, self._set_up_and_call, shape, seed, mask, keep, trial=trial)

    def _call(self, trial: Trial) -> None:
        __tracebackhide__ = True
        self._item.obj(**{name: self._item.funcargs[name] for name in self._needed})

    def _set_up_and_call(self, trial: Trial) -> None:
        __tracebackhide__ = True
        self._item.stash[_trial] = trial
        request: Any = self._item._request
        for name in reversed(self._hanging):
            definition = request._fixture_defs.pop(name, None)
            if definition is not None:
                definition.finish(request)
        for name in self._hanging:
            self._item.funcargs[name] = request.getfixturevalue(name)
        self._call(trial)


def _hanging_on_swarms(item: pytest.Function) -> list[str]:
    """The fixtures of this test that are, or use, a swarm: what they use first."""
    definitions = item._fixtureinfo.name2fixturedefs
    hanging: dict[str, bool] = {}

    def hangs(name: str) -> bool:
        if name not in hanging:
            hanging[name] = False  # a fixture that overrides one of its own name
            uses = definitions[name][-1].argnames if name in definitions else ()
            hanging[name] = bool(sum(hangs(one) for one in uses)) or name in FIXTURES
        return hanging[name]

    ordered = [name for name in item.fixturenames if hangs(name)]
    return _uses_first(ordered, definitions)


def _uses_first(names: list[str], definitions: Mapping[str, Any]) -> list[str]:
    placed: list[str] = []

    def place(name: str) -> None:
        if name in placed or name not in names:
            return
        for used in definitions[name][-1].argnames:
            if used != name:
                place(used)
        placed.append(name)

    for name in names:
        place(name)
    return placed


def _tell(item: pytest.Item, result: Result) -> None:
    if not result.failures:
        item.user_properties.append((PROPERTY, str(result)))
    if chosen.report is not None:
        name = re.sub(r"[^\w.-]+", "-", item.nodeid).strip("-")
        path = (chosen.base or Path()) / chosen.report / f"{name}.result.json"
        try:
            path.write_text(result.to_json() + "\n")
        except OSError as error:  # which must not hide how the test ended
            item.user_properties.append((PROPERTY, f"{path} was not written: {error.strerror}"))


def _progress(item: pytest.Item) -> bool:
    return "PYTEST_XDIST_WORKER" not in os.environ and sys.stderr.isatty()
