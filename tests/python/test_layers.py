"""The layer check finds what it is for: each kind of offence, planted once, is seen."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


def load_checker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("check_layers", ROOT / "scripts" / "check_layers.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


checker = load_checker()


@pytest.fixture
def house(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "cpp", tmp_path / "cpp")
    return tmp_path


def test_the_house_obeys_its_own_rules() -> None:
    assert checker.offences(ROOT) == []


PLANTED = {
    "clock": "auto t = std::chrono::steady_clock::now();",
    "entropy": "std::random_device device;",
    "thread": "std::thread worker;",
    "lock": "std::mutex lock;",
    "socket": "int s = ::socket(AF_INET, SOCK_STREAM, 0);",
    "file": "std::ofstream out;",
    "process": "int pid = fork();",
    "unspecified order": "std::unordered_map<int, int> map;",
    "forbidden include": '#include "model/task.hpp"',
}


@pytest.mark.parametrize("kind", PLANTED)
def test_a_planted_offence_is_seen(house: Path, kind: str) -> None:
    (house / "cpp" / "raft" / "planted.cpp").write_text(PLANTED[kind] + "\n")
    found = checker.offences(house)
    assert len(found) == 1, found
    assert "planted.cpp" in found[0]


def test_a_forbidden_link_is_seen(house: Path) -> None:
    cmake = house / "cpp" / "raft" / "CMakeLists.txt"
    cmake.write_text(cmake.read_text() + "\nswarm_library(raft_too DEPS base store)\n")
    assert checker.offences(house) == ["cpp/raft/CMakeLists.txt: raft may not link store"]


def test_words_in_comments_and_texts_are_no_offence(house: Path) -> None:
    (house / "cpp" / "raft" / "planted.cpp").write_text('// std::thread\nconst char* text = "std::mutex";\n')
    assert checker.offences(house) == []
