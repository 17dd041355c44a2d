"""The example that fails on purpose: of fifteen faults two are left, both needed, and the failure says so."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import swarmpy as sp
from local import ROOT

EXAMPLE = ROOT / "examples" / "chaos" / "wrong_on_purpose.py"
PYTEST = [sys.executable, "-m", "pytest", "-q", "-p", "swarmpy.pytest_plugin", "-p", "no:cacheprovider"]
ENVIRONMENT = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


def run(folder: Path, path: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [*PYTEST, str(path), *options]
    return subprocess.run(
        command, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, timeout=300, check=False
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("wrong")


def make_pictures() -> Any:
    found = importlib.util.spec_from_file_location("make_pictures", ROOT / "scripts" / "make_pictures.py")
    assert found is not None and found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def said(folder: Path) -> str:
    """What a user reads who runs it."""
    found: str = make_pictures().wrong_on_purpose(folder)
    assert "1 failed" in found
    return found


def test_it_fails_and_names_the_two_faults(said: str) -> None:
    assert "at_least_running(web, 2): web ran 1 task at " in said
    found = re.search(r"shrunk (\d+) -> 2 faults: (\w+)\((\w+), for=\w+\)@[\d.]+s, (\w+)\((\w+), ", said)
    assert found, said
    assert int(found[1]) >= 14
    assert {found[2], found[4]} <= {"kill", "freeze", "stop"}
    assert found[3] != found[5], "of two machines"
    assert "these do not matter: " in said
    assert re.search(r"\d+ of 50 seeds failed", said)


def record_of(folder: Path) -> dict[str, Any]:
    (path,) = (folder / "swarmpy-failures").glob("*.json")
    record: dict[str, Any] = json.loads(path.read_text())
    return record


def test_both_are_needed(said: str, folder: Path) -> None:
    """The run again with one of the two left out keeps the promise."""
    record = record_of(folder)
    again = sp.replay(folder / record["journal"])
    assert len(again.faults) == 2
    for number in range(2):
        other = again.fork(at=0, without_fault=number)
        try:
            other.sleep(again.faults[0].at - 1)
            other.check.always(sp.inv.at_least_running("web", 2))
            other.sleep("20s")
            assert other.now > again.end + 5 and other.peek().running("web") == 3
        finally:
            other.close()


def test_its_replay_line_works_in_a_shell(said: str, folder: Path) -> None:
    # A set: where the variable CI is set, pytest does not shorten its summary, which says the line again.
    (line,) = {row.split("replay: ")[1] for row in said.splitlines() if "replay: swarmpy " in row}
    ran = subprocess.run(
        ["sh", "-c", line],
        check=False,
        cwd=folder,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "FAILED: at_least_running(web, 2) broke at " in ran.stdout, ran.stdout + ran.stderr
    assert "faults (2):" in ran.stdout
    assert "the same run as then" in ran.stdout


def test_its_cure_is_one(tmp_path: Path) -> None:
    cured = EXAMPLE.read_text().replace("replicas=3, ", 'replicas=3, restart_delay="0s", ')
    path = tmp_path / "cured.py"
    path.write_text(cured)
    ran = run(tmp_path, path)
    assert ran.returncode == 0, ran.stdout
    assert "0 of 50 seeds failed: 95 % sure that it is below " in ran.stdout


def test_the_documentation_shows_what_it_says(said: str, folder: Path) -> None:
    page = make_pictures().chaos_page(said, folder)
    assert page == (ROOT / "docs" / "chaos.md").read_text(), "scripts/make_pictures.py renews it"
    assert "shrunk 15 -> 2 faults: " in page
