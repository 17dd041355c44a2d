"""scripts/tidy.py asks clang-tidy again exactly when what it read has changed, and forgets no finding."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Says each include as -H does, finds the word BAD, and counts how often it was asked.
STAND_IN = """#!/bin/sh
cd "$(dirname "$0")/.."
[ "$1" = --version ] && { cat tidy/version; exit; }
for source; do :; done
echo asked >>tidy/asked
header=$(sed -n 's/#include "\\(.*\\)"/\\1/p' "$source")
echo ". $PWD/cpp/$header" >&2
[ ! -e tidy/meanwhile ] || { touch -d "next minute" "cpp/$header"; }
grep -Hn BAD "$source" "cpp/$header" && exit 1
exit 0
"""


class House:
    """A tree with one source and one header, the script, and a stand-in for clang-tidy."""

    def __init__(self, root: Path, memory: Path) -> None:
        self.root = root
        for folder in ("scripts", "cpp", "build/release", "tidy"):
            (root / folder).mkdir(parents=True)
        shutil.copy(ROOT / "scripts" / "tidy.py", root / "scripts")
        self.write("tidy/version", "LLVM version 19.1.7\n")
        self.write("tidy/clang-tidy-19", STAND_IN)
        (root / "tidy" / "clang-tidy-19").chmod(0o755)
        self.write(".clang-tidy", "Checks: bugprone-*\n")
        self.write("cpp/lamp.hpp", "int power();\n")
        self.write("cpp/lamp.cpp", '#include "lamp.hpp"\n')
        self.compile_with("-O2")
        self.env = {
            **os.environ,
            "XDG_CACHE_HOME": str(memory),
            "PATH": f"{root / 'tidy'}:{os.environ['PATH']}",
        }

    def write(self, name: str, text: str) -> None:
        (self.root / name).write_text(text)
        # What was written long before clang-tidy began: an edit while it reads is a test of its own.
        os.utime(self.root / name, (1e9, 1e9))

    def compile_with(self, flag: str) -> None:
        source = self.root / "cpp" / "lamp.cpp"
        entry = {"file": str(source), "command": f"c++ {flag} -I{self.root}/cpp -c {source}"}
        self.write("build/release/compile_commands.json", json.dumps([entry]))

    def tidy(self) -> tuple[int, str]:
        """Returns the exit code, and what was said."""
        command = [sys.executable, str(self.root / "scripts" / "tidy.py"), "cpp/lamp.cpp"]
        run = subprocess.run(
            command,
            cwd=self.root,
            env=self.env,
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        return run.returncode, run.stdout.decode()

    def asked(self) -> bool:
        """Runs the check, and returns true if clang-tidy was asked."""
        log = self.root / "tidy" / "asked"
        log.unlink(missing_ok=True)
        code, said = self.tidy()
        assert code == 0, said
        return log.exists()


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path / "house", tmp_path / "memory")


def test_a_clean_source_is_not_checked_twice(house: House) -> None:
    assert house.asked()
    assert not house.asked()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("cpp/lamp.cpp", '#include "lamp.hpp"\n// a comment may hold a NOLINT\n'),
        ("cpp/lamp.hpp", "int power(int percent);\n"),
        (".clang-tidy", "Checks: performance-*\n"),
        ("tidy/version", "LLVM version 20.1.0\n"),
    ],
)
def test_it_is_checked_again_when_one_of_these_has_changed(house: House, name: str, text: str) -> None:
    assert house.asked()
    house.write(name, text)
    assert house.asked()
    assert not house.asked()


def test_it_is_checked_again_with_other_flags(house: House) -> None:
    assert house.asked()
    house.compile_with("-O0")
    assert house.asked()


def test_a_header_that_is_gone_is_a_change(house: House) -> None:
    assert house.asked()
    house.write("cpp/bulb.hpp", "")
    house.write("cpp/lamp.cpp", '#include "bulb.hpp"\n')
    assert house.asked()
    (house.root / "cpp" / "bulb.hpp").unlink()
    log = house.root / "tidy" / "asked"
    log.unlink()
    house.tidy()
    assert log.exists()


def test_a_copy_of_the_tree_elsewhere_has_the_same_memory(house: House, tmp_path: Path) -> None:
    assert house.asked()
    assert not House(tmp_path / "copy", tmp_path / "memory").asked()


@pytest.mark.parametrize("name", ["cpp/lamp.cpp", "cpp/lamp.hpp"])
def test_a_source_with_findings_is_never_remembered(house: House, name: str) -> None:
    assert house.asked()
    house.write(name, '#include "lamp.hpp"\nint BAD;\n')
    for _ in range(2):
        code, said = house.tidy()
        assert code == 1 and f"{name}:2:int BAD;" in said and "1 with findings" in said


def test_a_file_that_is_written_while_clang_tidy_reads_leaves_no_memory(house: House) -> None:
    house.write("tidy/meanwhile", "")
    assert house.asked()
    assert house.asked()


def test_a_source_that_no_target_compiles_is_a_finding(house: House) -> None:
    house.write("build/release/compile_commands.json", "[]")
    code, said = house.tidy()
    assert code == 1 and "cpp/lamp.cpp: no CMakeLists.txt names it" in said
