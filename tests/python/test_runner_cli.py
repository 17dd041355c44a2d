"""`swarmpy test FILE::NAME`: many seeds without pytest."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from swarmpy.cli import main

TESTS = """
import swarmpy as sp

@sp.test(seeds=9, managers=1, workers=3)
def test_w2(swarm):
    for name in ("w1", "w3", "w2")[: swarm.seed + 1]:
        swarm.nodes[name].kill()
    assert swarm.nodes["w2"].alive, "w2 is gone"

@sp.test(seeds=3, managers=1, workers=0)
def test_fine(swarm):
    pass

class TestIn:
    @sp.test(seeds=2, managers=1, workers=0)
    def test_method(self, swarm):
        pass
"""


@pytest.fixture(autouse=True)
def _tests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("chaos_story.py").write_text(TESTS)


def test_the_report_and_the_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["test", "chaos_story.py"]) == 1
    said = capsys.readouterr().out
    assert "chaos_story.py::test_w2: 7 of 9 seeds failed" in said and "shrunk 3 -> 1 fault: kill(w2)@" in said
    assert "chaos_story.py::test_fine: 0 of 3 seeds failed" in said and "TestIn::test_method: 0 of 2" in said
    assert main(["test", "chaos_story.py::test_fine"]) == 0
    assert main(["test", "chaos_story.py::TestIn"]) == 0


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["test", "chaos_story.py::test_w2", "--seeds", "4", "--shrink", "no", "--json"]) == 1
    (told,) = json.loads(capsys.readouterr().out)
    assert told["asked"] == 4 and told["failed"] == 2 and told["failures"][0]["seed"] == 2


def test_which_seeds(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["test", "chaos_story.py::test_w2", "--seed", "1"]) == 0
    assert "the one seed passed" in capsys.readouterr().out, "this seed, and no other"
    assert (
        main(["test", "chaos_story.py::test_w2", "--seeds", "2", "--first-seed", "5", "--shrink", "1s"]) == 1
    )
    assert "seed 5 of" in capsys.readouterr().out
    assert main(["test", "chaos_story.py", "--seed", "1", "--seeds", "3"]) == 1
    assert "--seed is one alone" in capsys.readouterr().err


def test_is_it_gone(capsys: pytest.CaptureFixture[str]) -> None:
    main(["test", "chaos_story.py::test_w2", "--shrink", "no", "--report", "out"])
    record = "out/test_w2-2.json"
    assert main(["test", "chaos_story.py::test_w2", "--gone", record, "--seeds", "5", "--shrink", "no"]) == 1
    Path("chaos_story.py").write_text(TESTS.replace("assert swarm", "assert True or swarm"))
    assert main(["test", "chaos_story.py::test_w2", "--gone", record, "--executor", "here"]) == 0
    assert "0 of 641 seeds failed: 95 % sure that it is below 0.5 %" in capsys.readouterr().out


def test_what_is_not_there_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["test", "chaos_stroy.py"]) == 1
    assert "there is no file chaos_stroy.py" in capsys.readouterr().err
    assert main(["test", "chaos_story.py::test_w3"]) == 1
    assert 'Did you mean "test_w2"' in capsys.readouterr().err
    Path("empty.py").write_text("")
    assert main(["test", "empty.py"]) == 1
    assert "no test of sp.test" in capsys.readouterr().err
