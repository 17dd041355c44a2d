"""Since when a failure was inevitable, and where two runs part."""

import json
import xml.dom.minidom
from pathlib import Path
from typing import Any

import pytest

import swarmpy as sp
from swarmpy._replay.inevitable import Likelihood

DOOMED_AT = 1.0


def running(c: sp.Swarm) -> int:
    return c.services["web"].running


@pytest.fixture(scope="module")
def doomed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A run that fails from the moment on at which its second worker dies: by the user's own hand."""
    with sp.Swarm(managers=1, workers=2, seed=3) as c:
        c.services.create("nginx", name="web", replicas=2, constraints=["node.role==worker"]).wait()
        c.sleep(1.0 - c.now)
        c.faults.kill("w1")
        c.faults.kill("w2")
        c.sleep("1s")
        return c.save(
            tmp_path_factory.mktemp("runs") / "run.swarm",
            failure={"invariant": "two run", "at": c.now, "what": "none runs"},
        )


def test_what_a_user_does_was_always_inevitable(doomed: str) -> None:
    found = sp.when_inevitable(doomed, failed=lambda c: running(c) < 2, forks=40, seconds=20)
    assert found.whole
    assert found.forks == 40
    assert {point.p for point in found.points} == {1.0}
    assert found.since == found.points[0].at
    assert found.jump is None
    assert all(0 < point.low < point.p <= point.high for point in found.points)


def test_the_path_of_a_failures_record_will_do(doomed: str, tmp_path: Path) -> None:
    record, said = tmp_path / "run.json", "elsewhere/run.swarm"
    (tmp_path / "run.swarm").write_bytes(Path(doomed).read_bytes())
    record.write_text(json.dumps({"swarmpy": "failure", "journal": said}))
    found = sp.when_inevitable(str(record), failed=lambda c: running(c) < 2, forks=6, seconds="20s")
    assert found.whole and found.forks == 6
    record.write_text("{}")
    with pytest.raises(sp.errors.InvalidArgument, match="tells of no failure"):
        sp.when_inevitable(record)
    with pytest.raises(sp.errors.InvalidArgument, match="not a duration"):
        sp.when_inevitable(doomed, failed=running, seconds=-1)


@pytest.fixture(scope="module")
def unlucky(tmp_path_factory: pytest.TempPathFactory) -> sp.Replay:
    """A run in which chance placed the only task on w1, which dies later."""
    for seed in range(1, 20):
        with sp.Swarm(managers=1, workers=3, seed=seed) as c:
            c.sleep(0.5 - c.now)
            web = c.services.create("nginx", name="web", replicas=1, constraints=["node.role==worker"])
            c.sleep("1s")
            where = next(iter(web.tasks)).node
            c.faults.kill("w1")
            c.sleep("100ms")
            path = c.save(
                tmp_path_factory.mktemp("runs") / "run.swarm",
                failure={"invariant": "it runs", "at": c.now, "what": "its node died"},
            )
        if "w1" in str(where):
            return sp.replay(path)
    raise AssertionError("never on w1")


def on_w1(c: sp.Swarm) -> bool:
    return any("w1" in str(task.node) for task in c.services["web"].tasks)


def test_the_jump_is_where_chance_decided(unlucky: sp.Replay) -> None:
    found = sp.when_inevitable(unlucky, failed=on_w1, forks=120, seconds=30)
    first, last = found.points[0], found.points[-1]
    assert first.p < 0.8
    assert last.p == 1.0
    assert found.jump is not None
    before, after = found.jump
    assert 0.49 < before.at < after.at < 0.6, found
    assert found.since is not None
    assert found.since <= 0.6
    early = [point for point in found.points if point.at <= before.at]
    failed, forks = sum(point.failed for point in early), sum(point.forks for point in early)
    assert 0.15 < failed / forks < 0.55, "each branch has chances of its own: one of three workers"
    again = sp.when_inevitable(unlucky, failed=on_w1, forks=120, seconds=30)
    assert again == found


@pytest.mark.parametrize(
    ("failed", "forks", "low", "high"),
    [(5, 10, 0.2366, 0.7634), (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (1, 6, 0.0301, 0.5635)],
)
def test_the_interval_is_wilsons(failed: int, forks: int, low: float, high: float) -> None:
    point = Likelihood(1.0, failed, forks)
    assert (point.low, point.high) == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))


def test_it_is_shown(unlucky: sp.Replay) -> None:
    found = sp.when_inevitable(unlucky, failed=on_w1, forks=40, seconds=30)
    told = json.loads(found.to_json())
    assert told["forks"] == 40
    assert [point["at"] for point in told["points"]] == [point.at for point in found.points]
    assert "it rose from" in repr(found)
    for theme in ("auto", "light", "dark", "neutral"):
        xml.dom.minidom.parseString(found.svg(theme))
    assert "prefers-color-scheme" in found._repr_svg_()
    with pytest.raises(sp.InvalidArgument):
        found.svg("pink")


def test_it_stops_when_it_shall(unlucky: sp.Replay) -> None:
    calls = 0

    def stopped(c: sp.Swarm) -> bool:
        nonlocal calls
        calls += 1
        if calls == 10:
            raise KeyboardInterrupt
        return on_w1(c)

    found = sp.when_inevitable(unlucky, failed=stopped, forks=120, seconds=30)
    assert not found.whole
    assert found.forks == 9
    assert "(so far)" in repr(found)
    assert not sp.when_inevitable(unlucky, failed=on_w1, seconds=0.02).whole


def test_what_cannot_be_asked(doomed: str, tmp_path: Path) -> None:
    with pytest.raises(sp.InvalidArgument, match="seen by Python") as error:
        sp.when_inevitable(doomed)
    assert "failed=" in error.value.hint
    with sp.Swarm(managers=1, seed=1) as c:
        fine = c.save(tmp_path / "fine.swarm")
    with pytest.raises(sp.InvalidArgument, match="did not fail"):
        sp.when_inevitable(fine)
    with pytest.raises(sp.InvalidArgument, match="no journal"):
        sp.when_inevitable({"journal": ""})


def test_a_record_of_a_failure_will_do(doomed: str) -> None:
    found = sp.when_inevitable({"journal": doomed}, failed=lambda c: running(c) < 2, forks=8, seconds=20)
    assert found.failure.invariant == "two run"


# ---- two runs


def two_runs(folder: Path, then: Any) -> tuple[str, str]:
    paths = []
    for number in range(2):
        with sp.Swarm(managers=3, workers=1, seed=5) as c:
            c.services.create("nginx", name="web", replicas=2).wait()
            c.sleep("1s")
            then(c, number)
            c.sleep("1s")
            paths.append(c.save(folder / f"{number}.swarm"))
    return paths[0], paths[1]


def test_equal_runs(tmp_path: Path) -> None:
    diff = sp.diff_runs(*two_runs(tmp_path, lambda c, number: None))
    assert diff.same
    assert not diff
    assert "are the same" in repr(diff)


def test_where_two_runs_part(tmp_path: Path) -> None:
    def act(c: sp.Swarm, number: int) -> None:
        if number == 1:
            c.faults.kill("w1")

    a, b = two_runs(tmp_path, act)
    diff = sp.diff_runs(a, sp.replay(b))
    assert diff
    assert diff.second is not None
    assert "input: fault" in diff.second.what
    assert diff.only_first == ()
    assert len(diff.only_second) == 1
    assert "kill w1" in repr(diff)
    assert any(change.name == "w1" and change.field == "alive" for change in diff.diff)
    assert diff._repr_html_()


@pytest.mark.parametrize("after", ["0s", "10ms", "20ms", "30ms", "40ms"])
def test_two_runs_are_the_same_until_exactly_there(tmp_path: Path, after: str) -> None:
    def act(c: sp.Swarm, number: int) -> None:
        c.sleep(after)
        if number == 1:
            c.faults.kill("w1")

    paths = two_runs(tmp_path, act)
    step = sp.diff_runs(*paths).step
    for steps, hashes in ((step, 1), (step + 1, 2)):
        assert len({sp.replay(path).seek_step(steps).trace_hash for path in paths}) == hashes, steps
