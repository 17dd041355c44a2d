"""The version has one place: what the wheel, CMake and the programs say is what the package says."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import swarmpy as sp
from swarmpy._cluster import places

ROOT = Path(__file__).resolve().parents[2]


def test_no_other_file_says_the_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert "version" not in project["project"] and "version" in project["project"]["dynamic"]
    assert project["tool"]["scikit-build"]["metadata"]["version"]["input"] == "python/swarmpy/__init__.py"
    assert not re.search(r"VERSION \d+\.\d+\.\d+", (ROOT / "CMakeLists.txt").read_text())


def test_the_programs_say_it() -> None:
    from swarmpy import _core

    said = subprocess.run([places.program(), "--version"], check=True, capture_output=True, text=True).stdout
    assert sp.__version__ in said
    assert _core.version() == sp.__version__
