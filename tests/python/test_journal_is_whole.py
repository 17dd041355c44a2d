"""Whatever changes a simulated run from outside is in its journal: no method of sim::World is forgotten."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
METHOD = r"\b([a-z_]+)\s*\((?:[^()]|\([^()]*\))*\)\s*(const)?\s*$"
SIM = ROOT / "cpp" / "sim"

# Not const, and yet no inputs: time goes on, something is read out, or the run itself is chosen.
NO_INPUTS = {
    "step": "what happens by itself",
    "run_for": "time goes on",
    "run_until": "time goes on",
    "ask": "a call, time, and a hang_up",
    "fetch": "an http_get, time, and an http_forget",
    "take_body": "reads what has come",
    "take_trace": "reads what has come",
    "play": "the run itself",
    "let_go": "the run itself",
    "record_chronicle": "changes no trace",
    "check_all": "looks",
    "look_over": "looks",
    "mark_broken": "in the chronicle only",
    "at_disk": "a crash that a tool makes where no input could be: such a run is not made again",
    "record_disk": "reads what is written",
    "watch": "what is asked after each event; changes no trace",
}


def world_methods() -> set[str]:
    """Of the public face, those that are not const."""
    text = (SIM / "world.hpp").read_text()
    face = text[text.index("class World {") : text.index(" private:", text.index("class World {"))]
    face = re.sub(r"//.*", "", face)
    found = set()
    for declaration in face.split(";"):
        match = re.search(METHOD, " ".join(declaration.split()))
        if match and not match.group(2):
            found.add(match.group(1))
    return found - {"explicit"}


def written_methods(text: str) -> set[str]:
    """Those whose body has what writes them down."""
    parts = re.split(r"^\S.*\bWorld::(?=[a-z_]+\()", text, flags=re.MULTILINE)
    return {part[: part.index("(")] for part in parts[1:] if "const auto written =" in part}


def test_every_method_that_changes_a_run_is_written_down() -> None:
    written = set()
    for source in SIM.glob("world*.cpp"):
        written |= written_methods(source.read_text())
    methods = world_methods()
    assert {"crash", "call", "begin_fault", "note"} <= methods
    forgotten = methods - written - set(NO_INPUTS)
    assert not forgotten, f"write them down (cpp/sim/inputs.hpp) or say why not: {forgotten}"


def test_a_method_that_is_forgotten_is_found() -> None:
    assert written_methods("void World::a(int x) {\n  const auto written = 1;\n  do_it();\n}\n") == {"a"}
    forgetful = "void World::b() { do_it(); }\nvoid World::c() {\n  const auto written =\n      1;\n}\n"
    assert written_methods(forgetful) == {"c"}


def test_every_input_is_told_again() -> None:
    """The compiler sees to it, too: std::visit wants an overload for each."""
    inputs = (SIM / "inputs.hpp").read_text()
    listed = set(re.findall(r"inputs::(\w+)", inputs[inputs.index("using Input") :]))
    told = set(re.findall(r"const inputs::(\w+)&", (SIM / "player.cpp").read_text()))
    assert listed == told
