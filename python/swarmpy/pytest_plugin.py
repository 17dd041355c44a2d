"""swarmpy's part of pytest: fixtures `swarm`, `swarm_factory`, `swarm_real`, the mark `swarm`, and options
`--swarm-...`. Loaded with pytest when swarmpy is installed; else `-p swarmpy.pytest_plugin`.

It imports nothing of swarmpy's before a test asks for a swarm, and does nothing then but what is asked for. A
test is one test of pytest's, however many seeds it runs with, so xdist gives each to one worker.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from swarmpy import Swarm
    from swarmpy.testing._pytest_loop import Factory

PROPERTY = "swarmpy"
MARK = (
    "swarm(managers=3, workers=5, seeds=1, first_seed=0, shrink=True): the swarm of the fixture `swarm`, "
    "and with how many seeds the test runs"
)
MOST_TOLD = 20
OPTIONS = ("seeds", "seed", "mode", "shrink", "report")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declares the options `--swarm-...`."""
    add = parser.getgroup("swarmpy", "swarmpy: swarms to break on purpose").addoption
    add("--swarm-seeds", type=int, metavar="N", help="run each test that has a swarm with N seeds")
    add("--swarm-seed", type=int, metavar="SEED", help="run each of them with this seed alone")
    add("--swarm-mode", choices=("sim", "real"), help="in the simulator, or once on real daemons")
    shrink = "whether, or for how long (10s), a failure is made smaller"
    add("--swarm-shrink", metavar="yes|no|DURATION", help=shrink)
    report = "where failures leave their files (swarmpy-failures); then also each test's result, as JSON"
    add("--swarm-report", metavar="DIR", help=report)


def pytest_configure(config: pytest.Config) -> None:
    """Declares the mark `swarm`, and takes what the options choose for all tests."""
    config.addinivalue_line("markers", MARK)
    if any(config.getoption(f"swarm_{one}") is not None for one in OPTIONS):
        _choose(config)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """A test with a swarm is run seed by seed; any other one as ever."""
    if not _ours(pyfuncitem):
        return None
    from swarmpy.testing import _pytest_loop

    return _pytest_loop.run(pyfuncitem)


def pytest_keyboard_interrupt(excinfo: pytest.ExceptionInfo[BaseException]) -> None:
    """The report so far, where Ctrl-C came while seeds ran."""
    result = getattr(excinfo.value, "swarmpy_result", None)
    if result is not None:
        _interrupted.append(str(result))


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """What the tests exercised."""
    told = [text for report in _reports(terminalreporter) for text in _told(report)]
    most = len(told) if config.get_verbosity() > 0 else MOST_TOLD
    more = [f"... and {len(told) - most} more tests (-v shows all)"] if len(told) > most else []
    if told or _interrupted:
        terminalreporter.write_sep("=", "swarmpy: what was exercised")
    for text in [*told[:most], *more, *_interrupted]:
        terminalreporter.write_line(text)
    _interrupted.clear()


_interrupted: list[str] = []


@pytest.fixture
def swarm(request: pytest.FixtureRequest) -> Iterator[Swarm]:
    """A new swarm in virtual time: 3 managers and 5 workers, or what the mark says:
    `@pytest.mark.swarm(managers=3, workers=5, seeds=200)`. With several seeds the test, and each fixture that
    uses this one, runs anew with a swarm for each. The same seed: the same run.
    """
    from swarmpy.testing import _pytest_loop

    yield from _pytest_loop.swarm(request.node)


@pytest.fixture
def swarm_factory(request: pytest.FixtureRequest) -> Iterator[Factory]:
    """Makes swarms: `swarm_factory(managers=1, workers=2)`, as `sp.Swarm` does; seeds are those of the
    run, and all end with the test.
    """
    from swarmpy.testing import _pytest_loop

    yield from _pytest_loop.factory(request.node)


@pytest.fixture
def swarm_real(request: pytest.FixtureRequest) -> Iterator[Swarm]:
    """A swarm of real daemons on this machine, which end with the test. The mark `swarm` says how many nodes;
    without it 3 managers and 2 workers.
    """
    from swarmpy.testing import _pytest_loop

    yield from _pytest_loop.real(request.node)


def _ours(item: pytest.Function) -> bool:
    if getattr(item.obj, "seed_function", None) is not None and hasattr(item.obj, "last"):
        return True
    return any(name in item.fixturenames for name in ("swarm", "swarm_factory")) and (
        item.get_closest_marker("swarm") is not None or "swarm" in item.fixturenames
    )


def _choose(config: pytest.Config) -> None:
    from swarmpy.errors import SwarmError
    from swarmpy.testing import _pytest_loop

    try:
        take_back = _pytest_loop.choose({one: config.getoption(f"swarm_{one}") for one in OPTIONS})
    except SwarmError as error:
        raise pytest.UsageError(str(error)) from None
    config.add_cleanup(take_back)


def _reports(terminalreporter: Any) -> list[Any]:
    found = [one for kind in ("passed", "failed") for one in terminalreporter.stats.get(kind, ())]
    return [one for one in found if getattr(one, "when", "") == "call"]


def _told(report: Any) -> list[str]:
    return [str(value) for name, value in report.user_properties if name == PROPERTY]
