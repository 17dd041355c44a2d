"""The notebooks run from top to bottom in both worlds, and what is committed shows without scripts."""

from __future__ import annotations

import importlib.util
import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from local import ROOT

needs_notebooks = pytest.mark.skipif(
    not all(importlib.util.find_spec(name) for name in ("nbclient", "ipykernel")),
    reason="no nbclient or ipykernel: pip install -r requirements-dev.txt",
)
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def executed(path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, **environment: str) -> Any:
    """In this folder, where it leaves what it makes."""
    import nbformat
    from nbclient import NotebookClient

    for name, value in {"PYTHONPATH": str(ROOT / "python"), **environment}.items():
        monkeypatch.setenv(name, value)
    book = nbformat.read(path, as_version=4)
    beside = {"metadata": {"path": str(folder)}}
    NotebookClient(book, timeout=120, kernel_name="python3", resources=beside).execute()
    return book


def pictures_of(book: Any) -> list[dict[str, Any]]:
    outputs = [output for cell in book["cells"] for output in cell.get("outputs", [])]
    return [output["data"] for output in outputs if "image/svg+xml" in output.get("data", {})]


@needs_notebooks
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("mode", ["sim", pytest.param("real", marks=pytest.mark.real)])
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs(path: Path, mode: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    home = str(tmp_path / "home")
    display = "static" if mode == "sim" else "live"
    said = {"SWARMPY_MODE": mode, "SWARMPY_DISPLAY": display, "SWARMPY_HOME": home}
    book = executed(path, tmp_path, monkeypatch, **said)
    pictures = [output for cell in book.cells for output in cell.get("outputs", []) if "data" in output]
    drawn = [output for output in pictures if "image/svg+xml" in output["data"]]
    assert len(drawn) >= 8, "one picture a step, not one a frame"
    assert len([cell for cell in book.cells if cell.source.startswith("prediction = ")]) >= 5
    assert not (tmp_path / "home").exists() or not any((tmp_path / "home").iterdir())


def test_the_second_one_shows_what_breaking_is_for() -> None:
    """The page of the run, the contradiction, the curve, and what is left of the failure."""
    (path,) = (path for path in NOTEBOOKS if path.stem.startswith("02"))
    book = json.loads(path.read_text())
    outputs = [output for cell in book["cells"] for output in cell.get("outputs", [])]
    shown = [output.get("data", {}) for output in outputs]
    assert any("<iframe sandbox" in "".join(data.get("text/html", "")) for data in shown), "the timeline"
    words = ["".join(data["text/plain"]) for data in pictures_of(book)]
    assert any(text.startswith("<not linearizable: no order of these ") for text in words)
    assert any(" broke at " in text and " forks>" in text for text in words), "how likely it was"
    said = "".join("".join(output.get("text", "")) for output in outputs)
    assert " -> 2 faults: " in said and "0 of 50 seeds failed: 95 % sure" in said


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_outputs_show_without_scripts(path: Path) -> None:
    book = json.loads(path.read_text())
    code = [cell for cell in book["cells"] if cell["cell_type"] == "code"]
    assert any(cell["outputs"] for cell in code)
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1)), "from top to bottom"
    text = json.dumps([cell["outputs"] for cell in code])
    assert "<svg" in text
    pictures = pictures_of(book)
    assert len(pictures) >= 9
    for data in pictures:
        assert set(data) == {"text/plain", "image/svg+xml", "image/png"}, "HTML would be shown instead"
    assert path.stat().st_size < 2_000_000
    assert "<script" not in text
    assert "widget" not in text
    assert str(ROOT) not in text


class Shown(HTMLParser):
    """The pictures of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.pictures: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        facts = dict(attrs)
        if tag == "img" and (facts.get("src") or "").startswith("data:image/"):
            self.pictures.append(facts["src"] or "")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_page_made_of_it_without_trust_has_every_picture(path: Path) -> None:
    """As services show notebooks of strangers: all HTML is sanitised."""
    nbconvert = pytest.importorskip("nbconvert")
    page, _ = nbconvert.HTMLExporter(sanitize_html=True).from_filename(str(path))
    shown = Shown()
    shown.feed(page)
    assert len(shown.pictures) == len(pictures_of(json.loads(path.read_text()))) >= 9
    assert "swarm, sim, seed 42" not in page, "no picture's words without the picture"
