"""The layer check finds what it is for: each kind of offence, planted once, is seen."""

from __future__ import annotations

import importlib.util
import re
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
    """Three rooms that obey the rules."""
    for room, depends in {
        "base": "",
        "raft": " DEPS base",
        "store": " DEPS model base TEST_DEPS codec",
    }.items():
        directory = tmp_path / "cpp" / room
        directory.mkdir(parents=True)
        (directory / "CMakeLists.txt").write_text(f"swarm_library({room}{depends})\n")
        (directory / "thing.cpp").write_text('#include "base/check.hpp"\n#include <vector>\n')
    assert checker.offences(tmp_path) == []
    return tmp_path


def test_the_house_obeys_its_own_rules() -> None:
    assert checker.offences(ROOT) == []


PLANTED = {
    "clock": [
        "auto t = std::chrono::steady_clock::now();",
        "auto t = std::time(nullptr);",
        "clock_gettime(CLOCK_MONOTONIC, &spec);",
        "#include <chrono>",
        "usleep(10);",
    ],
    "entropy": [
        "std::random_device device;",
        "int n = rand();",
        "getrandom(buffer, 16, 0);",
        "#include <random>",
    ],
    "thread": ["std::thread worker;", "thread_local int n;", "auto later = std::async(work);"],
    "lock": ["std::mutex lock;", "std::atomic<int> n;", "std::scoped_lock guard(m);"],
    "socket": [
        "int s = ::socket(AF_INET, SOCK_STREAM, 0);",
        "#include <sys/socket.h>",
        "#include <boost/asio.hpp>",
    ],
    "file": [
        "std::ofstream out;",
        "FILE* f = fopen(name, mode);",
        "std::filesystem::path p;",
        "#include <unistd.h>",
    ],
    "process": [
        "int pid = fork();",
        "execve(path, argv, envp);",
        "kill(pid, SIGKILL);",
        'auto home = getenv("HOME");',
    ],
    "unspecified order": [
        "std::unordered_map<int, int> map;",
        "std::uniform_int_distribution<int> dice(1, 6);",
        "std::shuffle(a.begin(), a.end(), rng);",
        "std::hash<int> hash;",
    ],
}


@pytest.mark.parametrize(
    ("kind", "line"), [(kind, line) for kind, lines in PLANTED.items() for line in lines]
)
def test_a_planted_impurity_is_seen(house: Path, kind: str, line: str) -> None:
    (house / "cpp" / "raft" / "planted.cpp").write_text("int a;\n" + line + "\n")
    found = checker.offences(house)
    assert any(
        one.startswith(f"cpp/raft/planted.cpp:2: {kind} in the deterministic core") for one in found
    ), found


TWO_DRAWS = [
    "auto late = draw(rng_, low, high) * rng_.between(1, 20);",
    "return Put{task(1 + rng_.below(30), id, 1 + rng_.below(3))};",
    "go(TaskId::random(rng), NodeId::random(rng));",
    "go(core_.rng.next(), core_.rng.next());",
    "const auto n = wide ? rng.below(3) + rng.below(4) : 0;",
    "if (rng.below(6) == rng.below(6)) return;",
    "go(rng, rng.next());",
    "go(ids->next(), ids->next());",
    "auto n = dice.below(6) - dice.below(6);",
    "go([&] { return rng.next() - rng.next(); });",
    "auto x = f(\n    rng.next(),\n    rng.next());",
    "go(pick(), pick());",
    "std::map<int, int>{{1, rng.next() ^ rng.next()}};",
]
ONE_AFTER_THE_OTHER = [
    "auto x = rng.chance(1, 2) ? rng.between(1, 2) : rng.between(3, 4);",
    "if (rng.chance(1, 2) && rng.chance(1, 3)) return;",
    "auto x = Pair{rng.next(), rng.next()};",
    "auto x = names[rng.below(rng.below(5))];",
    "out << rng.next() << rng.next();",
    "for (auto n = rng.below(3); n < 4; n += rng.below(2)) act(n);",
    "int a = rng.below(3), b = rng.below(4);",
    "table[rng.below(3)] = rng.below(4);",
    "go(rng.next(), [&] { return rng.next(); });",
    "go(now, rng.next(), name);",
    "Part(Rng& rng) : one(rng.fork()), two(rng.fork()) {}",
]
PICK = "const auto pick = [&] { return names[rng.below(names.size())]; };\n"


@pytest.mark.parametrize("code", TWO_DRAWS)
def test_two_draws_in_one_expression_are_seen(house: Path, code: str) -> None:
    (house / "cpp" / "raft" / "planted.cpp").write_text("void act(Rng& rng) {\n" + PICK + code + "\n}\n")
    (found,) = checker.offences(house)
    assert re.match(r"cpp/raft/planted.cpp:[345]: two draws in one expression", found), found


@pytest.mark.parametrize("code", ONE_AFTER_THE_OTHER)
def test_draws_one_after_the_other_are_no_offence(house: Path, code: str) -> None:
    (house / "cpp" / "raft" / "planted.cpp").write_text("void act(Rng& rng) {\n" + PICK + code + "\n}\n")
    assert checker.offences(house) == []


def test_a_function_that_draws_is_known_in_both_of_its_files(house: Path) -> None:
    room = house / "cpp" / "raft"
    (room / "dice.hpp").write_text("class Dice {\n  int roll();\n  Rng random_;\n};\n")
    (room / "dice.cpp").write_text(
        "int Dice::roll() { return random_.below(6); }\nint Dice::two() { return roll() + roll(); }\n"
    )
    (found,) = checker.offences(house)
    assert found.startswith("cpp/raft/dice.cpp:2: two draws in one expression")


def test_tests_of_the_core_are_pure_too(house: Path) -> None:
    (house / "cpp" / "raft" / "raft_test.cpp").write_text("std::this_thread::sleep_for(a_while);\n")
    assert checker.offences(house)


@pytest.mark.parametrize(
    "line", ['#include "store/store.hpp"', '#include "../store/store.hpp"', "#include <store/store.hpp>"]
)
def test_a_forbidden_include_is_seen(house: Path, line: str) -> None:
    (house / "cpp" / "raft" / "planted.hpp").write_text(line + "\n")
    assert checker.offences(house) == ["cpp/raft/planted.hpp: raft may not include store/store.hpp"]


def test_the_codec_may_include_one_header_of_raft(house: Path) -> None:
    (house / "cpp" / "codec").mkdir()
    source = house / "cpp" / "codec" / "raft.cpp"
    source.write_text('#include "raft/message.hpp"\n')
    assert checker.offences(house) == []
    source.write_text('#include "raft/log.hpp"\n')
    assert checker.offences(house) == ["cpp/codec/raft.cpp: codec may not include raft/log.hpp"]


def test_helpers_of_tests_stay_with_tests(house: Path) -> None:
    (house / "cpp" / "store" / "test_things.hpp").write_text('#include "codec/codec.hpp"\n')
    assert checker.offences(house) == []
    (house / "cpp" / "store" / "planted.cpp").write_text('#include "store/test_things.hpp"\n')
    assert checker.offences(house) == ["cpp/store/planted.cpp: store/test_things.hpp is for tests only"]


def test_rooms_of_one_floor_may_not_include_one_another(house: Path) -> None:
    (house / "cpp" / "scheduler").mkdir()
    (house / "cpp" / "scheduler" / "thing.cpp").write_text('#include "orchestrator/slots.hpp"\n')
    assert checker.offences(house) == [
        "cpp/scheduler/thing.cpp: scheduler may not include orchestrator/slots.hpp"
    ]


@pytest.mark.parametrize(
    "line",
    [
        "swarm_library(raft_too DEPS base store)",
        "target_link_libraries(swarm_raft PRIVATE swarm_warnings swarm_store)",
    ],
)
def test_a_forbidden_link_is_seen(house: Path, line: str) -> None:
    cmake = house / "cpp" / "raft" / "CMakeLists.txt"
    cmake.write_text(cmake.read_text() + line + "\n")
    assert checker.offences(house) == ["cpp/raft/CMakeLists.txt: raft may not link store"]


def test_a_room_without_a_place_in_the_table_is_seen(house: Path) -> None:
    (house / "cpp" / "annexe").mkdir()
    (house / "cpp" / "annexe" / "thing.cpp").write_text("int a;\n")
    assert len(checker.offences(house)) == 1


def test_the_outer_rooms_may_touch_the_world(house: Path) -> None:
    (house / "cpp" / "real").mkdir()
    (house / "cpp" / "real" / "thing.cpp").write_text("std::thread worker;\nint pid = fork();\n")
    assert checker.offences(house) == []


def test_words_in_comments_and_texts_are_no_offence(house: Path) -> None:
    text = '// std::thread\nconst char* text = "std::mutex";\nif (c == \'"\') return 1;  // fork()\n'
    (house / "cpp" / "raft" / "planted.cpp").write_text(text)
    assert checker.offences(house) == []


def test_the_command_says_where_and_fails(house: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert checker.main([str(house)]) == 0
    (house / "cpp" / "raft" / "planted.cpp").write_text("std::mutex lock;\n")
    assert checker.main([str(house)]) == 1
    assert "cpp/raft/planted.cpp:1: lock" in capsys.readouterr().out
