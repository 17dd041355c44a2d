"""In a real browser, on a JupyterLab page: cards move while a cell runs, and the last picture stays."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from browser import Page, lab, missing

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "all there")

STORY = """
import swarmpy as sp
c = sp.Swarm(managers=3, workers=2, mode={mode!r})
web = c.services.create("nginx:1.10", name="web", replicas=6, restart_delay="1s",
                        update=sp.Rolling(parallelism=1, delay="500ms", monitor="200ms"))
web.wait()
with c.watch(speed=2):
    c.sleep("1s")
    c.nodes["w1"].kill()
    web.wait()
    c.sleep("1s")
    web.update(image="nginx:1.11").wait()
print("the end")
c.close()
"""
# Where each card is, and how it looks: [[task, node, look], ...]
CARDS = """[...document.querySelectorAll('.jp-OutputArea-output g[data-task]')].map(card =>
  [card.dataset.task, card.parentNode.dataset.node, card.dataset.look])"""
ENDED = (
    """[...document.querySelectorAll('.jp-OutputArea-output')].some(o => /the end|Error/.test(o.innerText))"""
)


def notebook(folder: Path, mode: str) -> str:
    source = STORY.format(mode=mode).strip().splitlines(keepends=True)
    cell = {"cell_type": "code", "id": "a", "source": source, "metadata": {}, "outputs": []}
    book = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        "cells": [{**cell, "execution_count": None}],
    }
    (folder / "story.ipynb").write_text(json.dumps(book))
    return "story.ipynb"


def frames(page: Page) -> list[list[list[str]]]:
    """The pictures that were on the page while the cell ran, each once."""
    page.js("void window.jupyterapp.commands.execute('notebook:run-all-cells')")
    seen: list[Any] = []
    deadline = time.monotonic() + 60
    while not page.js(ENDED):
        assert time.monotonic() < deadline, "the cell did not end"
        cards = page.js(CARDS)
        if cards and (not seen or seen[-1] != cards):
            seen.append(cards)
        time.sleep(0.03)
    return [*seen, page.js(CARDS)]


@pytest.mark.parametrize("mode", ["sim", pytest.param("real", marks=pytest.mark.real)])
def test_cards_move_in_jupyterlab(mode: str, tmp_path: Path) -> None:
    keep = Path(os.environ.get("SWARMPY_SCREENSHOTS", tmp_path))
    environment = {"SWARMPY_DISPLAY": "live", "SWARMPY_HOME": str(tmp_path / "home")}
    with lab(tmp_path, notebook(tmp_path, mode), environment) as page:
        seen = frames(page)
        page.screenshot(keep / f"jupyterlab-{mode}.png")
        said = page.js("document.querySelector('.jp-OutputArea').innerText")
        pictures = page.js("document.querySelectorAll('.jp-OutputArea-output svg.swv').length")
    assert "the end" in said
    assert pictures == 1, "the picture is replaced, not added to"
    assert len(seen) >= 8, "it moved"
    homes: dict[str, list[str]] = {}  # of what runs: the nodes, one after the other
    for cards in seen:
        for task, node, look in cards:
            if look == "running" and node not in homes.setdefault(task, [])[-1:]:
                homes[task].append(node)
    assert any(nodes[0] == "w1" and len(nodes) > 1 for nodes in homes.values()), "its tasks left w1"
    assert any(card[1:] == ["w1", "lost"] for cards in seen for card in cards), "with tombstones"
    assert sum(look == "running" for _, _, look in seen[-1]) == 6
