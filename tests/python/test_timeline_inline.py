"""A timeline in a notebook: the page in a frame that can reach nothing, and words where no frame is shown."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pytest

import swarmpy as sp


class Frame(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.page = self.sandbox = self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        self.tags.append(tag)
        if tag == "iframe":
            self.page, self.sandbox = said["srcdoc"] or "", said["sandbox"] or ""

    def handle_data(self, data: str) -> None:
        self.words += data


def test_a_cell_shows_the_page_in_a_frame(tmp_path: Path) -> None:
    with sp.Swarm(managers=3, workers=1, seed=1) as c:
        c.services.create("nginx", name="web", replicas=2).wait()
        before = c.trace_hash
        shown = c.timeline()
        assert c.trace_hash == before
        assert c.save_timeline(tmp_path / "b.html").read_text() == shown.html
    frame = Frame(shown._repr_html_())
    assert frame.page == shown.html and frame.tags[0] == "iframe"
    assert frame.sandbox == "allow-scripts"
    assert "<script" not in shown._repr_html_(), "nothing runs outside the frame"
    assert repr(shown).startswith("<Timeline: seed 1 · 3 managers, 1 worker · ")
    assert "3 managers, 1 worker" in frame.words
    assert shown.save(tmp_path / "a.html").read_text() == shown.html


def test_a_replay_has_one(tmp_path: Path) -> None:
    with sp.Swarm(seed=2) as c:
        c.services.create("nginx", name="web", replicas=2).wait()
        mine = c.timeline().html
        path = c.save(tmp_path / "run.swarm")
    assert sp.replay(path).timeline().html == mine


def test_a_closed_swarm_has_none() -> None:
    c = sp.Swarm(seed=3)
    c.close()
    with pytest.raises(sp.SwarmError):
        c.timeline()
