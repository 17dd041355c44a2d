"""The checks of `make quick` find what they are for: each kind of offence, planted once, is seen."""

from __future__ import annotations

import importlib.util
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


dead = load("dead_declarations")
sizes = load("function_sizes")
quick = load("quick")
reports = load("findings")
english = load("plain_english")

HEADER = """
#pragma once
namespace swarm {
enum class Colour { red, green };
inline constexpr int kMost = 3;
struct Light;  // forward
class Lamp {
 public:
  explicit Lamp(int power);
  Colour colour() const;
  int power() const { return power_; }
  virtual void shine() = 0;
 private:
  struct Impl;
  int power_;
};
struct Lamp::Impl {
  void heat();
};
int brightest(const Lamp& lamp);
}  // namespace swarm
"""
SOURCE = """
namespace swarm {
Lamp::Lamp(int power) : power_(power) {}
Colour Lamp::colour() const { return power_ > kMost ? Colour::red : Colour::green; }
void Lamp::Impl::heat() {}
int brightest(const Lamp& lamp) {
  Lamp::Impl impl;
  impl.heat();
  return lamp.colour() == Colour::red ? lamp.power() : 0;
}
int use(Lamp& lamp) {
  lamp.shine();
  return brightest(lamp);
}
}  // namespace swarm
"""


def planted(tmp_path: Path, old: str = "", new: str = "") -> list[str]:
    """What is found in a room of one header and one source when a piece of the header is another one."""
    room = tmp_path / "cpp" / "light"
    room.mkdir(parents=True, exist_ok=True)
    assert old in HEADER
    (room / "lamp.hpp").write_text(HEADER.replace(old, new, 1) if old else HEADER)
    (room / "lamp.cpp").write_text(SOURCE)
    found: list[str] = dead.findings(tmp_path)
    return found


def test_a_room_without_dead_declarations_has_no_findings(tmp_path: Path) -> None:
    assert planted(tmp_path) == []


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        (
            "  int power() const",
            "  void dim();\n  int power() const",
            "Lamp::dim is declared and never defined",
        ),
        ("  int power() const", "  void dim();\n  int power() const", "Lamp::dim is never used"),
        (
            "  void heat();",
            "  void heat();\n  void cool(int by);",
            "Impl::cool is declared and never defined",
        ),
        ("  void heat();", "  void heat();\n  int cool() const { return 1; }", "Impl::cool is never used"),
        (
            "int brightest(",
            "int dullest(const Lamp& lamp);\nint brightest(",
            "dullest is declared and never defined",
        ),
        ("struct Light;", "inline constexpr int kLeast = 1;\nstruct Light;", "kLeast is never used"),
        ("red, green", "red, green, blue", "blue is never used"),
        ("struct Light;", "struct Bulb { int watts; };\nstruct Light;", "Bulb is never used"),
        ("struct Light;", "using Lamps = std::vector<Lamp>;\nstruct Light;", "Lamps is never used"),
    ],
)
def test_a_dead_declaration_is_found(tmp_path: Path, old: str, new: str, what: str) -> None:
    assert any(what in line for line in planted(tmp_path, old, new))


def test_a_dead_declaration_with_a_reason_is_kept(tmp_path: Path) -> None:
    new = "// Kept: the next room needs it.\ninline constexpr int kLeast = 1;\nstruct Light;"
    assert planted(tmp_path, "struct Light;", new) == []


def test_a_reason_above_a_macro_is_for_all_that_it_declares(tmp_path: Path) -> None:
    macro = "#define LAMP(Name) \\\n  struct Name { \\\n    void shine(); \\\n  };\nstruct Light;"
    assert planted(tmp_path, "struct Light;", macro) != []
    assert planted(tmp_path, "struct Light;", "// Kept: lamps.cpp defines it for each lamp.\n" + macro) == []


def sized(tmp_path: Path, name: str, text: str) -> list[str]:
    path = tmp_path / name
    path.write_text(text)
    found: list[str] = sizes.findings(tmp_path, [path])
    return found


def long_function(lines: int, above: str = "") -> str:
    return f"{above}int f(int n) {{\n" + "  n += 1;\n" * (lines - 3) + "  return n;\n}\n"


INTRICATE = "int f(int n) {\n" + "  if (n) for (;;) if (n > 1) if (n > 2) ++n;\n" * 3 + "  return n;\n}\n"


def test_a_long_function_needs_a_reason(tmp_path: Path) -> None:
    assert sized(tmp_path, "f.cpp", long_function(45)) == []
    (line,) = sized(tmp_path, "f.cpp", long_function(46))
    assert "f.cpp:1: f has 46 lines, and 45 are the most" in line
    assert sized(tmp_path, "f.cpp", long_function(46, "// Long: one line per message.\n")) == []


def test_an_intricate_function_needs_a_reason_of_its_own(tmp_path: Path) -> None:
    (line,) = sized(tmp_path, "f.cpp", INTRICATE)
    assert "cognitive complexity of 30" in line
    assert sized(tmp_path, "f.cpp", "// Intricate: a parser's table.\n" + INTRICATE) == []
    assert len(sized(tmp_path, "f.cpp", "// Long: the wrong word.\n" + INTRICATE)) == 2


def test_a_reason_that_nothing_needs_is_found(tmp_path: Path) -> None:
    (line,) = sized(tmp_path, "f.cpp", long_function(20, "// Long: it was.\n"))
    assert "no function here is long any more" in line


def test_a_docstring_does_not_make_a_function_long(tmp_path: Path) -> None:
    docstring = '    """' + "Words.\n" * 40 + '    """\n'
    assert sized(tmp_path, "f.py", "def f(n):\n" + docstring + "    n += 1\n" * 40) == []
    assert len(sized(tmp_path, "f.py", "def f(n):\n" + docstring + "    n += 1\n" * 46)) == 1


def test_quick_stops_a_step_when_its_time_is_over() -> None:
    step = quick.Step(
        "a nap", [sys.executable, "-c", "import time; print('begun', flush=True); time.sleep(60)"]
    )
    start = time.monotonic()
    code, _said = quick.run(step, start + 1.0)
    assert code is None and time.monotonic() - start < 20


def test_quick_tells_failures_from_steps_without_time(capsys: pytest.CaptureFixture[str]) -> None:
    steps = [
        quick.Step("good", [sys.executable, "-c", ""]),
        quick.Step("bad", [sys.executable, "-c", "print('why'); raise SystemExit(3)"]),
    ]
    assert quick.run_all(iter(steps), time.monotonic() + 60) == (["bad"], [])
    assert "why" in capsys.readouterr().out
    assert quick.run_all(iter(steps), time.monotonic() - 1) == ([], ["good", "bad"])


def test_quick_chooses_steps_by_what_changed() -> None:
    def names(*files: str) -> list[str]:
        return [step.name for step in quick.steps_for([Path(file) for file in files])]

    always = ["layers", "dead declarations"]
    assert names("README.md") == always
    assert names("python/swarmpy/kv.py") == [
        *always, "function sizes", "plain English", "ruff check", "ruff format", "mypy", "Python tests",
    ]  # fmt: skip
    assert names("cpp/raft/log.hpp")[:5] == [*always, "function sizes", "plain English", "clang-format"]


def test_a_finding_fails_the_check(capsys: pytest.CaptureFixture[str]) -> None:
    assert reports.report("check", 1, []) == 0
    assert reports.report("check", 1, ["cpp/nowhere/x.hpp:1: f is never used"]) == 1
    assert "check: 1 files checked, 1 findings" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "text", "riddle"),
    [
        ("a.cpp", "int f();  // whoever asks first\n", "whoever"),
        ("a.hpp", "// Kept for who reads it.\n", "for who"),
        ("a.cpp", "// Who leads answers.\n", "Who leads answers."),
        ("a.md", "The node shall stop.\n", "shall"),
        ("a.py", '"""All of one mind."""\n', "of one mind"),
        ("a.py", "f()  # nobody waits\n", "nobody"),
        ("a.sh", "# Nobody waits\n", "Nobody"),
    ],
)
def test_a_riddle_is_found_where_it_stands(tmp_path: Path, name: str, text: str, riddle: str) -> None:
    (tmp_path / name).write_text(text)
    found = english.findings(tmp_path, [tmp_path / name])
    assert found == [f"{name}:1: {riddle!r}: name the thing"]


def test_names_messages_questions_and_code_are_no_riddles(tmp_path: Path) -> None:
    texts = {
        "a.cpp": 'auto nobody = "nobody leads";  // the user "nobody", or `whoever()`\n// Who leads?\n',
        "a.py": 'nobody = "whoever"  # the node that answers\n',
        "a.md": "The follower asks.\n```\nnobody\n```\n",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    assert english.findings(tmp_path, [tmp_path / name for name in texts]) == []
