"""pytest's side of many seeds: fixtures, the mark, options; with xdist, and with the plugin or without."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

import swarmpy as sp
from swarmpy.testing import _pytest_loop  # here: a pytest within this one would forget it, and have two of it
from swarmpy.testing.settings import chosen

pytest_plugins = ["pytester"]

PLUGIN = ("-p", "swarmpy.pytest_plugin", "-p", "no:cacheprovider")

DECORATED = """
    import pytest
    import swarmpy as sp

    @sp.test(seeds=12, managers=1, workers=3)
    def test_w2_lives(swarm):
        for _ in range(4):
            swarm.nodes[swarm.random.choice(["w1", "w2", "w3"])].kill()
        assert swarm.nodes["w2"].alive, "w2 is gone"

    @pytest.mark.parametrize("who", ["w1", "w2"])
    @sp.test(seeds=3, managers=1, workers=2)
    def test_one(swarm, who, tmp_path):
        assert tmp_path.is_dir()
        swarm.nodes[who].kill()

    class TestIn:
        @sp.test(seeds=2, managers=1, workers=0)
        def test_method(self, swarm, tmp_path):
            assert isinstance(self, TestIn)
"""

FIXTURES = """
    import pytest

    made = []

    @pytest.fixture
    def web(swarm):
        web = swarm.services.create("nginx", name="web", replicas=2)
        web.wait()
        made.append(swarm.seed)
        yield web
        made.append("end")

    @pytest.mark.swarm(managers=3, workers=2, seeds=7)
    def test_each_seed_has_all_anew(web, swarm, tmp_path):
        swarm.nodes["m1"].kill()
        swarm.wait_converged()
        assert web.running == 2

    def test_then_all_has_ended():
        assert made == [one for seed in range(7) for one in (seed, "end")]

    def test_without_a_mark(swarm):
        assert (len(swarm.nodes), swarm.seed) == (8, 0)

    def test_factory(swarm_factory):
        one, two = swarm_factory(1, 0), swarm_factory(managers=1, workers=1)
        assert (len(one.nodes), len(two.nodes), one.seed) == (1, 2, 0) and two.seed != one.seed
"""


@pytest.fixture(autouse=True)
def _sees_swarmpy(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(sp.__file__).parents[1]))


@pytest.mark.parametrize("with_plugin", [True, False])
def test_a_decorated_test_is_one_test(pytester: pytest.Pytester, with_plugin: bool) -> None:
    pytester.makepyfile(test_it=DECORATED)
    done = pytester.runpytest(*(PLUGIN if with_plugin else ("-p", "no:cacheprovider")), "-W", "error")
    done.assert_outcomes(passed=3, failed=1)
    done.stdout.fnmatch_lines(
        [
            '*assert swarm.nodes[[]"w2"[]].alive, "w2 is gone"',
            "*12 seeds failed: 95 % sure that it is between*",
            "*seed * of test_it.py::test_w2_lives (1 manager, 3 workers) failed at*",
            "*AssertionError: w2 is gone*(test_it.py:*)",
            "*shrunk 4 -> 1 fault: kill(w2)@*",
            "*these do not matter: kill(w*",
            "*record: swarmpy-failures/test_w2_lives-*.json",
        ]
    )
    assert "swarmpy/testing/" not in done.stdout.str()


def test_what_passed_is_told_at_the_end(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_it=DECORATED)
    done = pytester.runpytest(*PLUGIN, "-k", "test_one")
    done.stdout.fnmatch_lines(
        [
            "*= swarmpy: what was exercised =*",
            "test_it.py::test_one?w1?: 0 of 3 seeds failed*",
            "  faults: kill in 3*",
        ]
    )


def test_fixtures_are_made_anew_for_each_seed(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_it=FIXTURES)
    done = pytester.runpytest(*PLUGIN, "-W", "error", "--strict-markers")
    done.assert_outcomes(passed=4)
    done.stdout.fnmatch_lines(["test_it.py::test_each_seed_has_all_anew: 0 of 7 seeds failed*"])


def test_a_failure_of_a_fixtures_test_shrinks(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_it="""
        import pytest

        @pytest.fixture
        def workers(swarm):
            return [node for node in swarm.nodes if node.role == "worker"]

        @pytest.mark.swarm(managers=1, workers=4, seeds=5)
        def test_it(swarm, workers):
            for node in workers * 3:
                swarm.nodes[node.name].kill()
            assert swarm.nodes["w1"].alive, "w1 is gone"
        """
    )
    done = pytester.runpytest(*PLUGIN)
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(
        [
            "*5 of 5 seeds failed*",
            "*seed 0 of test_it.py::test_it*",
            "*shrunk 12 -> 1 fault: kill(w1)*",
            "*1 manager, 1 worker*",
        ]
    )


def test_files_lie_where_pytest_was_started(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_it="""
        import os
        import pytest
        import swarmpy as sp

        @sp.test(seeds=1, managers=1, workers=0)
        def test_it(swarm, tmp_path, monkeypatch):
            monkeypatch.chdir(tmp_path)
            assert False
        """
    )
    pytester.runpytest(*PLUGIN).assert_outcomes(failed=1)
    record = json.loads(pytester.path.joinpath("swarmpy-failures/test_it-0.json").read_text())
    assert record["journal"] == "swarmpy-failures/test_it-0.swarm"
    assert f"{pytester.path}/swarmpy-failures/test_it-0.swarm" in record["replay"]


def test_a_report_that_cannot_be_written_is_told_at_once(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_it=DECORATED)
    done = pytester.runpytest(*PLUGIN, "--swarm-report", "/proc/nowhere")
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    done.stderr.fnmatch_lines(["*the folder /proc/nowhere cannot be made*", "*--swarm-report DIR*"])


def test_ctrl_c_is_told_of_where_the_test_was(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_it="""
        import swarmpy as sp

        @sp.test(seeds=9, managers=1, workers=0)
        def test_it(swarm):
            if swarm.seed == 3:
                raise KeyboardInterrupt
        """
    )
    done = pytester.runpytest_subprocess(*PLUGIN)
    assert done.ret == pytest.ExitCode.INTERRUPTED
    done.stdout.fnmatch_lines(["*3 of 9 were run*", "*/test_it.py:6: KeyboardInterrupt"])


def test_options(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_it=DECORATED
        + FIXTURES.replace("import pytest\n", "", 1)
        .replace("range(7)", "range(3)")
        .replace(", 0)\n\n    def test_fac", ", swarm.seed)\n\n    def test_fac")
    )
    done = pytester.runpytest(*PLUGIN, "--swarm-seeds", "3", "--swarm-shrink", "no", "--swarm-report", "out")
    done.assert_outcomes(passed=7, failed=1)
    done.stdout.fnmatch_lines(["*record: out/test_w2_lives-*.json"])
    done.stdout.no_fnmatch_line("*shrunk*")
    results = {
        path.name: json.loads(path.read_text()) for path in (pytester.path / "out").glob("*.result.json")
    }
    assert results["test_it.py-test_one-w1.result.json"]["asked"] == 3
    assert results["test_it.py-test_each_seed_has_all_anew.result.json"]["passed"]
    assert not results["test_it.py-test_w2_lives.result.json"]["passed"]
    failed = results["test_it.py-test_w2_lives.result.json"]["failures"][0]["seed"]
    done = pytester.runpytest(*PLUGIN, "--swarm-seed", str(failed), "-k", "w2_lives")
    done.stdout.fnmatch_lines(["*the one seed failed*", f"*seed {failed} of*"])


@pytest.mark.parametrize(
    "wrong",
    [("--swarm-seeds", "0"), ("--swarm-seed", "-1"), ("--swarm-shrink", "soon"), ("--swarm-mode", "reel")],
)
def test_wrong_options_are_said_at_once(pytester: pytest.Pytester, wrong: tuple[str, str]) -> None:
    pytester.makepyfile(test_it="def test_nothing(): pass")
    done = pytester.runpytest(*PLUGIN, *wrong)
    assert done.ret == pytest.ExitCode.USAGE_ERROR


def test_a_wrong_word_of_the_mark(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_it="import pytest\n@pytest.mark.swarm(sedes=3)\ndef test_it(swarm): pass\n")
    done = pytester.runpytest(*PLUGIN)
    done.assert_outcomes(errors=1)
    done.stdout.fnmatch_lines(['*Did you mean "seeds"?*'])


def test_skips_and_pytest_fail_mean_what_they_mean(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_it="""
        import pytest
        import swarmpy as sp

        @sp.test(seeds=5, managers=1, workers=0)
        def test_skips(swarm):
            pytest.skip("not here")

        @sp.test(seeds=5, managers=1, workers=0)
        def test_fails(swarm):
            pytest.fail("said so")

        @pytest.mark.xfail(strict=True)
        @sp.test(seeds=2, managers=1, workers=0)
        def test_expected(swarm):
            assert False
        """
    )
    done = pytester.runpytest(*PLUGIN)
    done.assert_outcomes(skipped=1, failed=1, xfailed=1)
    done.stdout.fnmatch_lines(["*Failed: said so*", "*5 of 5 seeds failed*"])


def test_the_mode_that_was_chosen_is_that_of_all_tests(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_it="""
        from swarmpy.testing.settings import chosen

        def test_it():
            assert chosen.mode == "real"
        """
    )
    pytester.runpytest(*PLUGIN, "--swarm-mode", "real").assert_outcomes(passed=1)
    assert chosen.mode is None, "it is taken back"
    pytester.runpytest(*PLUGIN).assert_outcomes(failed=1)


def test_a_worker_of_xdist_starts_no_processes_and_draws_no_bar(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    pytester.makepyfile(
        test_it="""
        import swarmpy as sp
        from swarmpy.testing.settings import chosen

        @sp.test(seeds=1, managers=1, workers=0)
        def test_it(swarm):
            assert chosen.here
        """
    )
    monkeypatch.setattr(sys, "stderr", Terminal())
    item: Any = None
    assert _pytest_loop._progress(item)
    pytester.runpytest(*PLUGIN).assert_outcomes(failed=1)
    monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw0")
    assert not _pytest_loop._progress(item)
    pytester.runpytest(*PLUGIN).assert_outcomes(passed=1)
    assert not chosen.here


def test_with_xdist(pytester: pytest.Pytester) -> None:
    pytest.importorskip("xdist", reason="pytest-xdist is not installed: pip install pytest-xdist")
    pytester.makepyfile(test_it=DECORATED, test_more=FIXTURES.replace("def test_then_all", "def then_all"))
    done = pytester.runpytest_subprocess(*PLUGIN, "-n", "2")
    done.assert_outcomes(passed=6, failed=1)
    done.stdout.fnmatch_lines(["*shrunk 4 -> 1 fault: kill(w2)@*"])
    done.stdout.fnmatch_lines(
        ["*what was exercised*", "*test_more.py::test_each_seed_has_all_anew: 0 of 7 seeds*"]
    )


def test_the_same_with_xdist_and_without(pytester: pytest.Pytester) -> None:
    pytest.importorskip("xdist", reason="pytest-xdist is not installed: pip install pytest-xdist")
    pytester.makepyfile(test_it=DECORATED)
    reports = []
    for how in (("-n", "2"), ()):
        done = pytester.runpytest_subprocess(*PLUGIN, *how, "--swarm-report", "out", "-k", "w2")
        assert done.ret == pytest.ExitCode.TESTS_FAILED
        record = next((pytester.path / "out").glob("test_w2_lives-*[0-9].json")).read_text()
        reports.append(record)
    assert reports[0] == reports[1]


def test_the_plugin_loads_nothing_that_nobody_asked_for(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_it="""
        import sys

        def test_nothing():
            ours = {name for name in sys.modules if name.startswith("swarmpy")}
            assert ours == {"swarmpy", "swarmpy.pytest_plugin"}, ours
        """
    )
    done = pytester.runpytest_subprocess(*PLUGIN)
    done.assert_outcomes(passed=1)
    done.stdout.no_fnmatch_line("*exercised*")


def test_ctrl_c_shows_the_report_so_far(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_it="""
        import swarmpy as sp

        @sp.test(seeds=50, managers=1, workers=0)
        def test_it(swarm):
            if swarm.seed == 7:
                raise KeyboardInterrupt
        """
    )
    done = pytester.runpytest_subprocess(*PLUGIN)
    assert done.ret == pytest.ExitCode.INTERRUPTED
    done.stdout.fnmatch_lines(
        ["*0 of 7 seeds failed*(7 of 50 were run)", "interrupted: this is the report so far"]
    )


@pytest.mark.real
def test_real_swarms(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_it="""
        import pytest
        import swarmpy as sp

        @pytest.mark.swarm(managers=1, workers=0)
        def test_real(swarm_real):
            assert swarm_real.mode == "real" and len(swarm_real.nodes) == 1

        @sp.test(seeds=50, managers=1, workers=0)
        def test_decorated(swarm):
            assert swarm.mode == "real"

        @pytest.mark.swarm(managers=1, workers=0, seeds=50)
        def test_marked(swarm):
            assert swarm.mode == "real"
        """
    )
    done = pytester.runpytest_subprocess(*PLUGIN, "--swarm-mode", "real")
    done.assert_outcomes(passed=3)
