"""What is kept of the demo: a look at the swarm at every change, requests to it all the time, and at the end
a page that shows both.
"""

from __future__ import annotations

import http.client
import threading
import time
from html import escape
from pathlib import Path

from swarmpy._cluster import LocalCluster
from swarmpy._notes import note
from swarmpy._view import svg
from swarmpy._view.recorder import Recorder
from swarmpy._world.real import RealWorld

EVERY = 0.05  # seconds between two looks, and between two requests
ANSWERS_WITHIN = 2.0
PORT = 8080  # where the story's service is published
TITLE = "swarmpy demo"

PAGE = """<!DOCTYPE html>
<html lang="en"><meta charset="utf-8"><title>{title}</title>
<style>
body{{font:15px/1.5 sans-serif;max-width:980px;margin:2em auto;padding:0 1em;color:#1b1f23;background:#fff}}
pre{{font:12px/1.4 monospace;overflow-x:auto;background:#f3f5f7;padding:1em}}
@media(prefers-color-scheme:dark){{body{{color:#e6edf3;background:#111}}pre{{background:#222a33}}}}
</style>
<body>
<h1>{title}</h1>
<p>{summary}</p>
{picture}
<h2>The story in text</h2>
<pre>{transcript}</pre>
</body></html>
"""


class Record:
    """Use `with`: looks and requests go on until its end. Only then may it be written."""

    def __init__(self, cluster: LocalCluster) -> None:
        self._cluster = cluster
        self._world = RealWorld.around(cluster)
        self._recorder, self._looking = Recorder(self._world), threading.Lock()
        self._ended = threading.Event()
        self._asking = threading.Thread(target=self._ask_on, name="swarmpy-demo-requests", daemon=True)
        self.answered = self.failed = 0

    def __enter__(self) -> Record:
        self._stop_looking = self._world.watch(self._look)
        return self

    def __exit__(self, *why: object) -> None:
        self._ended.set()
        self._stop_looking()
        if self._asking.is_alive():
            self._asking.join(2 * ANSWERS_WITHIN)
        with self._looking:
            self._recorder.look(whole=True)  # the story may have ended between two looks

    def note(self, kind: str, text: str, *, node: str = "") -> None:
        note(self._world, kind, text, node=node)

    @property
    def now(self) -> float:
        return self._world.now()

    def fewest_running(self, since: float) -> int:
        """At any moment from `since` on: by the swarm's events, not by looks that may miss one."""
        with self._looking:
            self._recorder.look()
            samples = list(self._recorder.history.samples)
        last_before = max((i for i, one in enumerate(samples) if one.at <= since), default=0)
        return min(sum(one.running.values()) for one in samples[last_before:])

    def ask_all_the_time(self) -> None:
        """From now on a request goes to the published port, of one living node after the other."""
        self._asking.start()

    def write(self, folder: Path, transcript: str) -> None:
        history, frame = self._recorder.history, self._recorder.frame
        panels = ("tasks", "requests", "timeline")
        folder.mkdir(parents=True, exist_ok=True)
        alone = svg.picture(panels, history, frame, TITLE)
        (folder / "timeline.svg").write_text(alone + "\n", encoding="utf-8")
        text = PAGE.format(
            title=TITLE,
            summary=escape(self._summary()),
            picture=svg.picture(panels, history, frame, TITLE, bare=True),
            transcript=escape(transcript),
        )
        (folder / "index.html").write_text(text, encoding="utf-8")

    def _summary(self) -> str:
        history = self._recorder.history
        faults = sum(mark.kind == "fault" for mark in history.marks)
        words = f"{len(history.spells)} nodes, {len(history.lives)} tasks, {faults} faults, "
        words += f"{self._recorder.frame.at - history.began:.0f} seconds."
        if self.answered or self.failed:
            words += f" {self.answered} requests were answered, {self.failed} failed."
        return words

    def _look(self) -> float:
        with self._looking:
            self._recorder.look()
        return EVERY

    def _ask_on(self) -> None:
        turn = 0
        while not self._ended.wait(EVERY):
            nodes = [node for node in self._cluster.nodes if node.alive]
            if not nodes:
                continue
            turn += 1
            at, well = self._world.now(), _answers(nodes[turn % len(nodes)].address)
            self.answered, self.failed = self.answered + well, self.failed + (not well)
            self._recorder.history.requests.append((at, int(well), int(not well)))


def _answers(address: str) -> bool:
    connection = http.client.HTTPConnection(address, PORT, timeout=ANSWERS_WITHIN)
    try:
        connection.request("GET", "/")
        answer = connection.getresponse()
        answer.read()
        return answer.status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def wait_for_the_port(address: str, patience: float = 10.0) -> bool:
    end = time.monotonic() + patience
    while not (there := _answers(address)) and time.monotonic() < end:
        time.sleep(EVERY)
    return there
