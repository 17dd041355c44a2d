"""In a real browser: cards move on a JupyterLab page while a cell runs and the last picture stays, in the
page's colours and for viewers that trust no notebook; what is drawn can be pointed at.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

import swarmpy as sp
from browser import KERNEL, Page, browser, lab, missing
from local import ROOT
from test_notebooks import pictures_of

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
PICTURES = "document.querySelectorAll('.jp-OutputArea-output img').length"
# JupyterLab makes outputs when they come into sight: scrolls on until all that are wanted were seen.
WALK = """(async () => {{
  const panel = document.querySelector('.jp-WindowedPanel-outer, .jp-Notebook');
  const seen = {{}};
  let broken = 0;
  for (let y = 0; y <= panel.scrollHeight; y += 400) {{
    panel.scrollTop = y;
    await new Promise(done => setTimeout(done, 150));
    for (const image of document.querySelectorAll('.jp-OutputArea-output img')) {{
      seen[image.src] = image.naturalWidth;
    }}
  }}
  broken = Object.values(seen).filter(width => width < 900).length;
  const pictures = Object.keys(seen).length;
  const png = Object.keys(seen).filter(source => source.startsWith('data:image/png')).length;
  return pictures >= {pictures} ? {{pictures, png, broken}} : null;
}})()"""
ENDED = (
    """[...document.querySelectorAll('.jp-OutputArea-output')].some(o => /the end|Error/.test(o.innerText))"""
)


def notebook(folder: Path, mode: str, story: str = STORY) -> str:
    source = story.format(mode=mode).strip().splitlines(keepends=True)
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
    return seen


@pytest.mark.parametrize("mode", ["sim", pytest.param("real", marks=pytest.mark.real)])
def test_cards_move_in_jupyterlab(mode: str, tmp_path: Path) -> None:
    keep = Path(os.environ.get("SWARMPY_SCREENSHOTS", tmp_path))
    environment = {"SWARMPY_DISPLAY": "live", "SWARMPY_HOME": str(tmp_path / "home")}
    with lab(tmp_path, notebook(tmp_path, mode), environment) as page:
        seen = frames(page)
        page.screenshot(keep / f"jupyterlab-{mode}.png")
        said = page.js("document.querySelector('.jp-OutputArea').innerText")
        pictures = page.js(PICTURES)
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


LOOKING = """
import swarmpy as sp
c = sp.Swarm(managers=3, workers=2, seed=1)
c.services.create("nginx:1.10", name="web", replicas=6).wait()
view = c.watch()
view.show()
"""
# Of the part of the page that is live: the colours of its words and of what is behind them.
LIVE = """(() => {
  const words = document.querySelector('.jp-OutputArea-output svg.swv text');
  const page = getComputedStyle(document.body);
  const probe = document.createElement('span');
  probe.style.color = page.getPropertyValue('--jp-content-font-color1');
  document.body.append(probe);
  const wanted = getComputedStyle(probe).color;
  probe.remove();
  return [getComputedStyle(words).fill, wanted, document.querySelectorAll('svg.swv .bg').length];
})()"""
# How far one can see through the corner of the picture that stays.
CORNER = """(async () => {
  const image = document.querySelector('.jp-OutputArea-output img');
  await image.decode();
  const canvas = document.createElement('canvas');
  canvas.width = image.naturalWidth; canvas.height = image.naturalHeight;
  const context = canvas.getContext('2d');
  context.drawImage(image, 0, 0);
  return [...context.getImageData(2, 2, 1, 1).data];
})()"""


@pytest.mark.parametrize(("theme", "system"), [("JupyterLab Dark", "light"), ("JupyterLab Light", "dark")])
def test_a_picture_has_the_pages_colours_not_the_systems(theme: str, system: str, tmp_path: Path) -> None:
    book = notebook(tmp_path, "sim", LOOKING)
    environment = {"SWARMPY_DISPLAY": "live", "SWARMPY_HOME": str(tmp_path / "home")}
    with lab(tmp_path, book, environment) as page:
        page.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": system}])
        page.js(f"window.jupyterapp.commands.execute('apputils:change-theme', {{theme: {theme!r}}})")
        page.until(f"document.body.dataset.jpThemeName === {theme!r}")
        page.js("void window.jupyterapp.commands.execute('notebook:run-all-cells')")
        page.until("!!document.querySelector('.jp-OutputArea-output svg.swv text')")
        words, wanted, grounds = page.js(LIVE)
        assert words == wanted, "the words are in the page's colour"
        assert grounds == 0, "no slab"
        keep = Path(os.environ.get("SWARMPY_SCREENSHOTS", tmp_path))
        page.screenshot(keep / f"live-{theme}.png")
        page.js(f"{KERNEL}.requestExecute({{code: 'view.stop()'}}).done.then(() => true)")
        page.until("!!document.querySelector('.jp-OutputArea-output img')")
        assert page.js(CORNER)[3] == 0, "no slab"
        page.screenshot(keep / f"stays-{theme}.png")


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_notebook_that_nobody_trusts_shows_its_pictures(path: Path, tmp_path: Path) -> None:
    """As cloned: nothing was run, nothing is signed."""
    (tmp_path / path.name).write_bytes(path.read_bytes())
    drawn = len(pictures_of(json.loads(path.read_text())))
    assert drawn >= 9
    with lab(tmp_path, path.name, {"SWARMPY_HOME": str(tmp_path / "home")}) as page:
        page.js("void window.jupyterapp.commands.execute('notebook:render-all-markdown')")
        seen = page.until(WALK.format(pictures=drawn))
        said = page.js("document.querySelector('.jp-Notebook').innerText")
        page.screenshot(Path(os.environ.get("SWARMPY_SCREENSHOTS", tmp_path)) / "untrusted.png")
    assert seen["pictures"] == drawn, seen
    assert seen["png"] == drawn, "nothing else is shown where nobody trusts"
    assert seen["broken"] == 0
    assert "running tasksstarting" not in said and "Cannot display" not in said


@pytest.mark.parametrize("nodes", [5, 30, 130])
def test_every_node_can_be_pointed_at(nodes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWARMPY_DISPLAY", "static")
    with sp.Swarm(managers=3, workers=nodes - 3, seed=1) as c:
        c.services.create("nginx:1.10", name="web", replicas=nodes).wait()
        with c.watch("topology") as view:
            pass
        page_file = view.save(tmp_path / "view.html")
    with browser(tmp_path) as page:
        page.ask("Page.enable")
        page.ask("Page.navigate", url=page_file.as_uri())
        page.until("document.querySelectorAll('g[data-node]').length")
        missed = page.js("""[...document.querySelectorAll('g[data-node]')].filter(node => {
          const box = node.getBoundingClientRect();
          const hit = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
          return !node.contains(hit) || !hit.closest('g').querySelector('title');
        }).map(node => node.dataset.node)""")
        count = page.js("document.querySelectorAll('g[data-node]').length")
    assert count == nodes
    assert missed == []
