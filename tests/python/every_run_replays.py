"""A plugin for pytest: every simulated swarm of any test is made again from its journal when it is closed,
and must be the same run.

    PYTHONPATH=tests/python .venv/bin/pytest -p every_run_replays tests/python -m 'not real'
"""

from collections.abc import Iterator

import pytest

from swarmpy._core import Recording
from swarmpy._world.sim import SimWorld
from swarmpy.errors import InvariantError

checked = 0


def made_again(world: SimWorld) -> str:
    """What is different; "" where nothing is."""
    global checked  # noqa: PLW0603
    core = world.core
    text, why_not = core.journal()
    if why_not:
        return ""
    checked += 1
    again = Recording(text).world()
    done = core.done()
    try:
        again.run_to_step(done[0])
        again.run_to(done[1])
    except InvariantError:
        pass
    if again.done() != done:
        return f"seed {world.seed}: {done} was the run, and {again.done()} its replay"
    return "" if again.journal()[0] == text else f"seed {world.seed}: the replay's journal is another one"


@pytest.fixture(autouse=True)
def every_run_replays(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    wrong: list[str] = []
    close = SimWorld.close

    def checked_close(self: SimWorld) -> None:
        if not self._closed and (what := made_again(self)):
            wrong.append(what)
        close(self)

    monkeypatch.setattr(SimWorld, "close", checked_close)
    yield
    assert not wrong, wrong


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.write_line(f"{checked} runs were made again")
