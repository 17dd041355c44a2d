"""docs/chaos.md as a new user works through it: each block in its order, in one session, in one folder.

Blocks marked `python` are one script, but for those that begin with a file's name: they are that file.
`console` lines are typed into sh. `text` is to be read.
"""

from __future__ import annotations

import inspect
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from local import ROOT, own_home
from swarmpy.faults import Faults
from test_readme import BLOCK

PAGE = (ROOT / "docs" / "chaos.md").read_text()
BLOCKS = BLOCK.findall(PAGE)
FILE = re.compile(r"# (\w+\.py)\n")
FAILS = ("pytest wrong_on_purpose", "swarmpy replay")  # what shows a failure leaves with 1


def in_shell(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT / "python"),
        "PYTEST_ADDOPTS": "-p swarmpy.pytest_plugin -p no:cacheprovider",
    }
    return subprocess.run(
        ["sh", "-c", line],
        check=False,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )


def lines_of(block: str) -> list[str]:
    return [line.removeprefix("$ ") for line in block.splitlines()]


def is_real(block: str) -> bool:
    return "swarmpy up" in block


def test_every_kind_of_block_is_known() -> None:
    assert {kind for kind, _ in BLOCKS} == {"python", "console", "text"}
    assert all(
        line.startswith("$ ") for kind, text in BLOCKS if kind == "console" for line in text.splitlines()
    )


def test_it_works_from_top_to_bottom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(ROOT / "examples" / "chaos" / "wrong_on_purpose.py", tmp_path)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for kind, text in BLOCKS:
        if kind == "python" and (file := FILE.match(text)):
            (tmp_path / file[1]).write_text(text)
        elif kind == "python":
            exec(compile(text, "docs/chaos.md", "exec"), names)
        elif kind == "console" and not is_real(text):
            for line in lines_of(text):
                ran = in_shell(line, tmp_path)
                assert ran.returncode == any(word in line for word in FAILS), (
                    f"{line}\n{ran.stdout}{ran.stderr}"
                )
    names["live"].close()  # type: ignore[attr-defined]
    names["c"].close()  # type: ignore[attr-defined]


@pytest.mark.real
def test_the_shell_breaks_a_real_cluster(tmp_path: Path) -> None:
    (block,) = (text for kind, text in BLOCKS if kind == "console" and is_real(text))
    with own_home():
        for line in lines_of(block):
            ran = in_shell(line, tmp_path)
            assert ran.returncode == 0, f"{line}\n{ran.stdout}{ran.stderr}"


def test_every_example_is_there_and_in_the_list() -> None:
    """The page and the README say ten tests, and one that is wrong on purpose."""
    folder = ROOT / "examples" / "chaos"
    assert len(list(folder.glob("test_*.py"))) == 10
    for path in folder.glob("*.py"):
        assert path.name in PAGE, f"docs/chaos.md does not name {path.name}"


CALL = re.compile(r"`(?:faults)?\.(\w+)(?:\(([^`]*)\))?`")


def test_the_table_of_faults_names_methods_and_their_words() -> None:
    rows = [row for row in PAGE.splitlines() if row.startswith("| `faults.")]
    assert len(rows) >= 8
    for name, words in [call for row in rows for call in CALL.findall(row.split(" | ")[0])]:
        parameters = inspect.signature(getattr(Faults, name)).parameters
        for keyword in re.findall(r"(\w+)=", words):
            assert keyword in parameters, f"faults.{name} has no {keyword}"
