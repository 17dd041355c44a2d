"""First steps: `make demo` builds little and says how long it takes; a moved tree builds; notebooks."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from local import ROOT, swarmpy

BUILD = ROOT / "build/release"


def packages(name: str) -> set[str]:
    lines = (ROOT / "scripts" / name).read_text().splitlines()
    return {line for line in lines if line and not line.startswith("#")}


def run(*words: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    of_make = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")  # tests may themselves be run by make
    ours = {name: value for name, value in os.environ.items() if name not in of_make}
    return subprocess.run(
        words, cwd=cwd, env={**ours, **environment}, capture_output=True, text=True, check=True
    )


# ---- make demo


def test_the_demo_builds_only_what_it_runs() -> None:
    if not (BUILD / "build.ninja").exists():
        pytest.skip("nothing is built by make here")
    inputs = run("ninja", "-C", BUILD, "-t", "inputs", "demo-programs", cwd=ROOT).stdout
    assert "swarmd.dir/main.cpp.o" in inputs and "swarm-web.dir/main.cpp.o" in inputs
    for other in ("_test", "gtest", "libswarm_sim.a", "_core", "swarm_scenario", "raft_datadriven"):
        assert other not in inputs


def test_the_demo_fetches_no_tools_for_developers() -> None:
    demo, developers = packages("debian-packages.txt"), packages("debian-packages-dev.txt")
    assert not demo & developers
    assert {"clang-format-14", "libgtest-dev", "python3-dev"} <= developers


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The scripts of `make`, in a place with a space in its name; what they call only says so."""
    tree = tmp_path / "a tree"
    shutil.copytree(ROOT / "scripts", tree / "scripts")
    for name in ("Makefile", "requirements.txt", "requirements-dev.txt"):
        shutil.copyfile(ROOT / name, tree / name)
    stub(tmp_path / "bin/cmake", 'echo "cmake $*" >>"$CALLS"; [ "$1" != --build ] || echo "[1/1] Linking"')
    stub(tmp_path / "bin/dpkg-query", "echo install ok installed")
    stub(tmp_path / "bin/apt-get", 'echo "apt-get $*" >>"$CALLS"; exit 1')
    return tree


def stub(path: Path, line: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)


def stubbed(tree: Path) -> dict[str, str]:
    calls = tree.parent / "calls"
    calls.touch()
    return {"PATH": f"{tree.parent}/bin:{os.environ['PATH']}", "CALLS": str(calls)}


def test_the_demo_says_first_how_long_it_takes(tree: Path) -> None:
    for script in ("setup.sh", "build.sh"):
        stub(tree / "scripts" / script, f"echo {script} $*")
    stub(tree / ".venv/bin/swarmpy", "echo swarmpy $*")
    said = run("make", "demo", cwd=tree).stdout.splitlines()
    assert re.match(r"The first time this takes about \d+ minutes: ", said[0])
    assert said[1:] == ["setup.sh programs", "build.sh programs", "swarmpy demo"]


def test_what_the_demo_needs_comes_without_pypi_and_is_found_by_its_shell(tree: Path) -> None:
    run("scripts/setup.sh", "programs", cwd=tree, **stubbed(tree))
    assert not (tree / ".venv/bin/pip").exists()
    run("scripts/build.sh", "programs", cwd=tree, **stubbed(tree))
    calls = (tree.parent / "calls").read_text().splitlines()
    assert (
        calls[0]
        == "cmake --preset release -DSWARM_BUILD_TESTS=OFF -DSWARM_BUILD_PYTHON=OFF -USWARM_OTHER_PYTHONS"
    )
    assert calls[1] == "cmake --build --preset release --target demo-programs"
    assert "--component programs" in calls[2] and len(calls) == 3
    (tree / "python").symlink_to(ROOT / "python")
    assert run(tree / ".venv/bin/swarmpy", "version", cwd=tree).stdout.startswith("swarmpy ")


def test_progress_is_calm_and_loses_no_word_of_the_compiler() -> None:
    steps = "".join(f"echo '[{n}/200] Building'; " for n in range(1, 100))
    script = f"{steps} echo 'a.cpp:1: error: no'; exit 7"
    done = subprocess.run(
        [sys.executable, ROOT / "scripts/progress.py", "sh", "-c", script],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 7
    *progress, last = done.stdout.splitlines()
    assert last == "a.cpp:1: error: no"
    assert [line.split()[1] for line in progress] == ["10", "20", "30", "40"]
    assert all(line.startswith("building: ") and line.endswith(" left") for line in progress)


# ---- a tree that was moved or copied


def test_a_moved_tree_makes_its_environment_anew(tree: Path, tmp_path: Path) -> None:
    run("scripts/setup.sh", "programs", cwd=tree, **stubbed(tree))
    (tree / ".venv/old").touch()
    again = run("scripts/setup.sh", "programs", cwd=tree, **stubbed(tree))
    assert again.stdout == "" and (tree / ".venv/old").exists()
    moved = tree.rename(tmp_path / "moved")
    said = run("scripts/setup.sh", "programs", cwd=moved, **stubbed(moved)).stdout
    assert said == "this folder was moved or copied: .venv is made anew\n"
    assert not (moved / ".venv/old").exists() and (moved / ".venv/bin/python").exists()


def test_a_moved_tree_is_built_anew(tree: Path, tmp_path: Path) -> None:
    run("scripts/setup.sh", "programs", cwd=tree, **stubbed(tree))
    for preset, place in {"release": tmp_path / "elsewhere", "dev": tree}.items():
        cache = tree / "build" / preset / "CMakeCache.txt"
        cache.parent.mkdir(parents=True)
        cache.write_text(f"CMAKE_HOME_DIRECTORY:INTERNAL={place}\n")
    said = run("scripts/build.sh", "programs", cwd=tree, **stubbed(tree)).stdout
    assert said == "this folder was moved or copied: build/release is built anew\n"
    assert (tree / "build/dev").exists() and not (tree / "build/release").exists()


# ---- notebooks


def test_notebooks_are_copied_with_a_page_of_first_steps(tmp_path: Path) -> None:
    lab = tmp_path / "a" / "lab"
    said = swarmpy("notebooks", str(lab)).stdout.splitlines()
    names = sorted(path.name for path in lab.iterdir())
    assert said == [str(lab / name) for name in (*names[:-1], "first_steps.md")]
    assert names == sorted([*(one.name for one in (ROOT / "notebooks").glob("*.ipynb")), "first_steps.md"])


def test_notebooks_that_were_worked_on_are_not_overwritten(tmp_path: Path) -> None:
    swarmpy("notebooks", str(tmp_path))
    mine = tmp_path / "first_steps.md"
    mine.write_text("mine")
    refused = swarmpy("notebooks", str(tmp_path))
    assert refused.returncode == 1 and mine.read_text() == "mine"
    assert "first_steps.md already" in refused.stderr and "--force" in refused.stderr
    assert swarmpy("notebooks", str(tmp_path), "--force").returncode == 0
    assert mine.read_text() != "mine"


def test_notebooks_want_a_folder(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    refused = swarmpy("notebooks", str(file))
    assert refused.returncode == 1
    assert f"{file} is a file\n  next: Name a folder." in refused.stderr
    assert swarmpy("notebooks").returncode == 2


# ---- after `make demo`, or with another Python


def test_without_the_simulator_an_error_says_so(tmp_path: Path) -> None:
    shutil.copytree(
        ROOT / "python/swarmpy", tmp_path / "swarmpy", ignore=shutil.ignore_patterns("*.so", "bin", "*.pyc")
    )
    script = "import swarmpy as sp\ntry: sp.Swarm(seed=1)\nexcept sp.SwarmError as e: print(e)"
    said = run(sys.executable, "-c", script, cwd=tmp_path, PYTHONPATH=str(tmp_path)).stdout
    assert said.startswith("the simulator is not built for this Python, 3.")
    assert "make build" in said
