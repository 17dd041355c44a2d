"""The mistakes that the simulator must find: the code and the document name the same ones."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("teeth", ROOT / "scripts/teeth.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["teeth"] = module
    spec.loader.exec_module(module)
    return module


def test_the_document_names_the_mistakes_that_the_code_can_make() -> None:
    teeth = load()
    assert teeth.mistakes_in_document() == teeth.mistakes_in_code()
    assert len(teeth.mistakes_in_code()) >= 40


def test_ci_makes_some_of_them() -> None:
    teeth = load()
    assert set(teeth.QUICK) <= set(teeth.mistakes_in_code())


def test_a_sentence_is_told_without_the_numbers_of_its_run() -> None:
    teeth = load()
    said = teeth.in_short("m1: task 2j6eqscp7p5bo96a5ay4xrfjh is gone (seed 12, at 3.5s)")
    assert said == "m1: task ID is gone"
