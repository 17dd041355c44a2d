"""The timeline of a run with 10,000 events, in Chromium: from the beginning of the page to its picture."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from bench.table import Row, median, milliseconds, not_there, show
from swarmpy import Swarm
from swarmpy._timeline import timeline_html

EVENTS, ROUNDS = 10_000, 5
WHAT, MUST = "timeline of 10,000 events opens", "<= 1 s in Chromium"
DRAWN = re.compile(r'data-drawn="([0-9.]+)"')


def measure() -> list[Row]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        return [not_there(WHAT, MUST, "no chromium")]
    text, wrote = _page()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "timeline.html")
        file.write_text(text, encoding="utf-8")
        opened = [_opened(chromium, file) for _ in range(ROUNDS)]
    size = f"{len(text) / 1e6:.1f} MB, written in {milliseconds(wrote)}"
    seen = f"p50 {milliseconds(median(opened))}, max {milliseconds(max(opened))} (n={ROUNDS})"
    return [Row(WHAT, MUST, seen, median(opened) <= 1, size)]


def _page() -> tuple[str, float]:
    with Swarm(managers=3, workers=2, seed=9) as swarm:
        core = swarm._world.core
        core.record_chronicle(True)
        swarm.services.create("nginx:1.10", name="web", replicas=8).wait()
        while len(json.loads(core.chronicle())["messages"]["rows"]) < EVENTS:
            leader = swarm.nodes.leader
            leader.kill()
            swarm.sleep("3s")
            leader.restart()
            swarm.sleep("10s")
        begun = time.perf_counter()
        return timeline_html(swarm), time.perf_counter() - begun


def _opened(chromium: str, file: Path) -> float:
    """What the page's own clock says when it has drawn."""
    options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1280,900"]
    options += [f"--user-data-dir={file.parent / 'chromium'}", "--dump-dom", file.as_uri()]
    done = subprocess.run([chromium, *options], capture_output=True, text=True, timeout=60, check=False)
    found = DRAWN.search(done.stdout)
    if found is None:
        raise RuntimeError("the page did not draw")
    return float(found[1]) / 1000


if __name__ == "__main__":
    show(measure)
