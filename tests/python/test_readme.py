"""Every command of the README is executed, in its order, by those who would type it: sh, Python and docker.

Blocks marked `python` and `console` (lines with `$`) are run; of the `make` targets in `sh` it is only made
sure that they exist, because they are what runs this test.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from local import ROOT, own_home

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
README = (ROOT / "README.md").read_text()


def blocks(kind: str) -> list[str]:
    return [text for found, text in BLOCK.findall(README) if found == kind]


def test_the_readme_has_no_other_kind_of_block() -> None:
    assert {kind for kind, _ in BLOCK.findall(README)} <= {"sh", "console", "python", "text"}


def test_the_two_commands_exist() -> None:
    targets = [
        line.split()[1] for text in blocks("sh") for line in text.split("\n") if line.startswith("make ")
    ]
    assert targets == ["demo", "test"]
    for target in targets:
        subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, check=True)


PATH = re.compile(r"`((?:cpp|python|tests|docs|scripts|cmake)/[\w./-]*\w)`|\]\((?!http)([\w./-]+)\)")


@pytest.mark.parametrize(
    "document", sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]), ids=lambda p: p.stem
)
def test_documents_name_files_that_exist(document: Path) -> None:
    for named, linked in PATH.findall(document.read_text()):
        found = (ROOT / named) if named else (document.parent / linked)
        assert found.exists(), f"{document.name} names {named or linked}"


@pytest.mark.parametrize("text", blocks("python"))
def test_python(text: str, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", text], cwd=tmp_path, check=True, timeout=120)


@pytest.mark.real
@pytest.mark.parametrize("text", [text for text in blocks("python") if "seed=42)" in text])
def test_python_runs_on_real_daemons_too(text: str, tmp_path: Path) -> None:
    """As the comment beside it says: `mode="real"` is added and nothing else."""
    real = text.replace("seed=42)", 'seed=42, mode="real")')
    with own_home():
        done = subprocess.run(
            [sys.executable, "-c", real],
            check=False,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        assert "seed=42" in done.stdout and "3 managers, 2 workers" in done.stdout


@pytest.mark.real
def test_the_shell(tmp_path: Path) -> None:
    """All console blocks, as one session. Lines for docker are left out where there is none."""
    lines = [
        line.removeprefix("$ ")
        for text in blocks("console")
        for line in text.split("\n")
        if line.startswith("$ ") and (shutil.which("docker") or not line.startswith("$ docker"))
    ]
    assert lines
    with own_home():
        environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "DOCKER_CONFIG": str(tmp_path),
        }
        script = "\n".join(["set -eux", *lines])
        done = subprocess.run(
            ["bash", "-c", script],
            check=False,
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
