"""@sp.test: many seeds of a test, what came out of them, and what failures say."""

from __future__ import annotations

import functools
import json
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

import swarmpy as sp
from swarmpy.errors import InvalidArgument
from swarmpy.testing import confidence
from swarmpy.testing.coverage import Coverage
from swarmpy.testing.mask import Shape
from swarmpy.testing.result import Result
from swarmpy.testing.settings import LAST_SEED

WORKERS = ("w1", "w2", "w3")


@sp.test(seeds=20, managers=3, workers=2)
def passes(swarm: sp.Swarm) -> None:
    web = swarm.services.create("nginx", name="web", replicas=4)
    web.wait()
    web.scale(3)
    swarm.nodes["m1"].kill()
    swarm.wait_converged()


@sp.test(seeds=12, managers=1, workers=3, shrink=False)
def fails_with_some(swarm: sp.Swarm) -> None:
    swarm.nodes[swarm.random.choice(WORKERS)].kill()
    assert swarm.nodes["w2"].alive, "w2 is gone"


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_passing_run_says_what_it_exercised(capsys: pytest.CaptureFixture[str]) -> None:
    passes()
    said = capsys.readouterr().out
    assert "0 of 20 seeds failed: 95 % sure that it is below 14 %" in said
    assert "kill in 20 seeds (20 times)" in said and "scale in 20 seeds (20 times)" in said
    assert "elections: 20 in 20 of 20 seeds" in said
    assert not list(Path().iterdir())  # what passes leaves nothing


def test_the_result_is_a_value_that_shows_itself() -> None:
    result = passes.run()
    assert result and result.passed and result.failures == () and result.runs == 20
    assert result.coverage.faults["kill"] == 20 and result.coverage.changes["scale"] == 20
    assert result.rate > 0 and result.took > 0
    told = json.loads(result.to_json())
    assert told["passed"] and told["coverage"]["faults"] == {"kill": 20} and told["asked"] == 20
    assert "0 of 20 seeds failed" in repr(result) and "<table>" in result._repr_html_()
    assert "kill" in repr(result.coverage) and "kill" in result.coverage._repr_html_()
    assert repr(passes) == "<SeedTest passes: 20 seeds, 3 managers, 2 workers>"


def test_the_same_seeds_give_the_same_report() -> None:
    first, again = fails_with_some.run(), fails_with_some.run()
    assert str(first) == str(again) and first.failures
    assert [one.trace_hash for one in first.failures] == [one.trace_hash for one in again.failures]


def test_a_failure_is_raised_as_it_is_with_the_report_as_a_note() -> None:
    with pytest.raises(AssertionError, match="w2 is gone") as caught:
        fails_with_some()
    (note,) = caught.value.__notes__
    seed = fails_with_some.last.failures[0].seed
    assert f"seed {seed} of" in note and "(1 manager, 3 workers)" in note
    assert "12 seeds failed: 95 % sure that it is between" in note
    inner = caught.traceback[-1]
    assert Path(inner.path).name == Path(__file__).name and inner.name == "fails_with_some"


def test_each_failure_is_one_json_file() -> None:
    result = fails_with_some.run()
    first = result.failures[0]
    assert first.file == f"swarmpy-failures/fails_with_some-{first.seed}.json"
    record = json.loads(Path(first.file).read_text())
    assert record["swarmpy"] == "failure" and record["format"] == 1 and record["seed"] == first.seed
    assert record["invariant"] == "AssertionError" and record["managers"] == 1 and record["workers"] == 3
    assert record["test"].endswith("test_runner_seeds.py::fails_with_some") and "w2 is gone" in record["what"]
    assert record["at"] == pytest.approx(first.at) and record["faults"] == [f"kill(w2)@{first.at:.3f}s"]


def test_a_seed_alone_can_be_run_again() -> None:
    seed = fails_with_some.run().failures[0].seed
    with pytest.raises(AssertionError, match="w2 is gone"):
        fails_with_some.once(seed)
    assert fails_with_some.run(seeds=[seed]).failing_seeds == (seed,)
    assert fails_with_some.run(seeds=3, first_seed=seed).failing_seeds[0] == seed


def test_exceptions_of_the_test_show_their_own_traceback() -> None:
    @sp.test(seeds=2, workers=0)
    def breaks(swarm: sp.Swarm) -> None:
        {}["not there"]

    result = breaks.run()
    assert result.failures[0].invariant == "KeyError"
    assert '{}["not there"]' in result.failures[0].traceback
    assert "swarmpy/testing" not in result.failures[0].traceback
    with pytest.raises(KeyError, match="not there"):
        result.check()


def test_errors_of_the_swarm_are_failures_too() -> None:
    @sp.test(seeds=2, workers=0)
    def asks_for_more(swarm: sp.Swarm) -> None:
        swarm.nodes["m9"].kill()

    with pytest.raises(sp.NotFound, match="m9") as caught:
        asks_for_more()
    assert "2 of 2 seeds failed: 95 % sure that it is above" in caught.value.__notes__[0]


def test_pythons_own_chance_begins_with_the_seed_and_is_given_back() -> None:
    drawn: dict[int, list[float]] = {}

    @sp.test(seeds=2, managers=1, workers=0)
    def draws(swarm: sp.Swarm) -> None:
        drawn.setdefault(swarm.seed, []).append(random.random())

    random.seed(7)
    state = random.getstate()
    draws.run()
    draws.run()
    assert random.getstate() == state
    assert all(len(set(of_seed)) == 1 for of_seed in drawn.values()) and drawn[0] != drawn[1]


def test_a_test_that_takes_chance_from_elsewhere_is_told_apart() -> None:
    seen: list[int] = []

    @sp.test(seeds=1, managers=1, workers=0)
    def only_once(swarm: sp.Swarm) -> None:
        seen.append(1)
        assert len(seen) > 1

    failure = only_once.run().failures[0]
    assert failure.shrunk is None and "run once more with the same seed it passed" in str(failure)


def test_failures_of_one_kind_are_told_together() -> None:
    @sp.test(seeds=6, managers=1, workers=0, shrink=False)
    def two_ways(swarm: sp.Swarm) -> None:
        if swarm.seed % 2:
            raise ValueError("odd")
        raise KeyError("even")

    result = two_ways.run()
    said = str(result)
    assert "the same with seeds 2, 4" in said and "the same with seeds 3, 5" in said
    assert sorted(path.name for path in Path("swarmpy-failures").glob("*.json")) == [
        "two_ways-0.json",
        "two_ways-1.json",
    ]


def test_it_stops_after_so_many_failures() -> None:
    @sp.test(seeds=50, managers=1, workers=0, shrink=False, max_failures=2)
    def never(swarm: sp.Swarm) -> None:
        raise ValueError

    result = never.run()
    assert len(result.failures) == 2 == result.runs and "(2 of 50 were run)" in result.sentence


def test_methods_and_other_arguments() -> None:
    class Some:
        @sp.test(seeds=2, managers=1, workers=0)
        def method(self, swarm: sp.Swarm, word: str) -> None:
            assert isinstance(self, Some) and word == "x"

    Some().method("x")
    Some().method(word="x")
    with pytest.raises(TypeError):
        Some().method()


def test_an_async_test_gets_an_async_swarm() -> None:
    @sp.test(seeds=2, managers=1, workers=1)
    async def waits(swarm: sp.aio.Swarm) -> None:
        assert await swarm.wait(swarm.services.create("nginx", replicas=2))

    waits()


def test_what_cannot_be_meant_is_refused() -> None:
    for wrong, said in (
        ({"seeds": 0}, "seeds"),
        ({"seeds": "many"}, "seeds"),
        ({"seeds": []}, "no seed"),
        ({"seeds": [-1]}, "seed"),
        ({"managers": 0}, "managers"),
        ({"workers": -1}, "workers"),
        ({"workers": True}, "workers"),
        ({"first_seed": -1}, "first_seed"),
        ({"mode": "reel"}, 'Did you mean "real"'),
        ({"executor": "proceses"}, 'Did you mean "processes"'),
        ({"shrink": "soon"}, "duration"),
        ({"progress": "bra"}, 'Did you mean "bar"'),
        ({"max_failures": 0}, "max_failures"),
    ):
        with pytest.raises(InvalidArgument, match=said):
            sp.test(**wrong)
    with pytest.raises(TypeError, match="sedes"):
        sp.test(sedes=3)
    with pytest.raises(InvalidArgument, match="takes no swarm"):
        sp.test(lambda: None)
    with pytest.raises(InvalidArgument, match="yields"):

        @sp.test
        def yields(swarm: sp.Swarm):
            yield

    with pytest.raises(InvalidArgument, match=r"takes a function, not functools.partial"):
        sp.test(functools.partial(len))
    with pytest.raises(InvalidArgument, match="takes a function, not 200"):
        sp.test(200)
    with pytest.raises(InvalidArgument, match="not an executor"):
        passes.run(executor=object())


@pytest.mark.parametrize(
    ("failed", "runs", "low", "high"),
    [
        (0, 640, 0.0, 0.00467),
        (3, 200, 0.0031, 0.0432),
        (0, 1, 0.0, 0.95),
        (5, 10, 0.187, 0.813),
        (10, 10, 0.741, 1),
    ],
)
def test_how_sure_is_exact(failed: int, runs: int, low: float, high: float) -> None:
    found = confidence.bounds(failed, runs)
    assert found == (pytest.approx(low, abs=5e-4), pytest.approx(high, abs=5e-4))


def test_how_sure_in_words() -> None:
    assert confidence.sentence(0, 640) == "0 of 640 seeds failed: 95 % sure that it is below 0.5 %"
    assert confidence.sentence(0, 3) == "0 of 3 seeds failed: 95 % sure that it is below 64 %"
    assert confidence.sentence(0, 100_000).endswith("below 0.003 %")
    assert confidence.sentence(3, 200).endswith("between 0.3 % and 4.4 %")


def test_is_it_gone() -> None:
    broken = [True]

    @sp.test(seeds=4, managers=1, workers=0, shrink=False)
    def mended_later(swarm: sp.Swarm) -> None:
        assert not (broken[0] and swarm.seed == 2)

    with pytest.raises(InvalidArgument, match="nothing is known to have failed"):
        sp.gone(mended_later)
    assert not mended_later.run()
    record = mended_later.last.failures[0].file
    assert sp.gone(mended_later, seeds=8).failing_seeds == (2,)
    broken[0] = False
    for before in (None, record, 2, [2], mended_later.last):
        after = sp.gone(mended_later, before, seeds=639)
        assert after and after.sentence == "0 of 640 seeds failed: 95 % sure that it is below 0.5 %"
        break
    assert sp.gone(mended_later, record, seeds=3)
    with pytest.raises(InvalidArgument, match="tells of no failure"):
        sp.gone(mended_later, "nothing.json")


def test_what_is_fresh_was_not_run_before() -> None:
    seen: list[int] = []

    @sp.test(seeds=4, managers=1, workers=0, shrink=False)
    def looked(swarm: sp.Swarm) -> None:
        seen.append(swarm.seed)

    assert sp.gone(looked, 2, seeds=3)
    assert seen == [2, 4, 5, 6]
    seen.clear()
    assert sp.gone(looked, [9, 7], seeds=2)
    assert seen == [9, 7, 10, 11]
    seen.clear()
    assert sp.gone(looked, LAST_SEED - 2, seeds=2)
    assert seen == [LAST_SEED - 2, LAST_SEED - 1, LAST_SEED]
    seen.clear()
    assert sp.gone(looked, LAST_SEED - 2, seeds=3)
    assert seen == [LAST_SEED - 2, 0, 1, 2], "there are no seeds behind the last"


def test_a_run_that_ended_early_has_not_passed() -> None:
    few = Result("t", Shape(), asked=3, coverage=Coverage(2))
    assert not few and not few.passed and few.sentence.endswith("(2 of 3 were run)")
    assert Result("t", Shape(), asked=2, coverage=Coverage(2)).passed


def test_only_another_leader_at_the_end_is_a_failover() -> None:
    @sp.test(seeds=2, managers=3, workers=1)
    def calm(swarm: sp.Swarm) -> None:
        swarm.sleep("3s")

    @sp.test(seeds=2, managers=3, workers=1)
    def loses_its_leader(swarm: sp.Swarm) -> None:
        swarm.wait_leader().kill()
        swarm.sleep("5s")

    assert calm.run().coverage.failovers == 0 and calm.last.coverage.elections == 0
    assert loses_its_leader.run().coverage.failovers == 2 == loses_its_leader.last.coverage.elected


def test_every_seed_that_failed_is_named() -> None:
    @sp.test(seeds=6, managers=1, workers=0, shrink=False)
    def odd(swarm: sp.Swarm) -> None:
        assert swarm.seed % 2 == 0

    assert odd.run().failing_seeds == (1, 3, 5)


CTRL_C = """
    import os
    import swarmpy as sp

    @sp.test(seeds=1_000_000, managers=3, workers=2, executor={executor!r}, progress="lines")
    def goes_on(swarm):
        web = swarm.services.create("nginx", replicas=4)
        web.wait()
        swarm.nodes["m1"].kill()
        swarm.sleep("20s")
        os.write(2, b"ran\\n")

    goes_on()
"""


@pytest.mark.parametrize("executor", ["here", "processes"])
def test_ctrl_c_gives_the_report_so_far(tmp_path: Path, executor: str) -> None:
    script = tmp_path / "goes_on_script.py"
    module = tmp_path / "goes_on.py"
    text = textwrap.dedent(CTRL_C).format(executor=executor)
    module.write_text(text.replace("goes_on()\n", ""))
    script.write_text("import goes_on\ngoes_on.goes_on()\n")
    path = os.pathsep.join([str(Path(sp.__file__).parents[1]), *sys.path])
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    env = {**os.environ, "PYTHONPATH": path}
    with subprocess.Popen([sys.executable, str(script)], env=env, **pipes) as child:
        for _ in range(5):
            assert child.stderr.readline() == "ran\n"
        begun = time.monotonic()
        child.send_signal(signal.SIGINT)
        said, _ = child.communicate(timeout=30)
        took = time.monotonic() - begun
    print(f"{executor}: {took:.3f} s")
    assert child.returncode != 0
    assert "interrupted: this is the report so far" in said and "were run)" in said
    assert took < 2.0  # 0.2 on a quiet machine; the interpreter's own end is in it


def test_it_may_be_called_from_a_script(tmp_path: Path) -> None:
    """Without `if __name__ == "__main__"`, which multiprocessing would need."""
    script = tmp_path / "script.py"
    script.write_text(
        "import swarmpy as sp\n"
        "@sp.test(seeds=3, workers=0)\n"
        "def quick(swarm):\n    assert len(swarm.nodes) == 3\n"
        "quick()\n"
    )
    env = {**os.environ, "PYTHONPATH": str(Path(sp.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, str(script)], check=False, capture_output=True, text=True, env=env, timeout=60
    )
    assert done.returncode == 0 and done.stdout.startswith("script.py::quick: 0 of 3 seeds failed"), done
