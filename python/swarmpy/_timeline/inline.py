"""inline: the timeline as a value, which a notebook shows below its cell."""

from __future__ import annotations

import html
import os
from pathlib import Path
from typing import Any

from swarmpy._brief import Brief
from swarmpy._timeline.page import about, chronicle_html, write
from swarmpy._timeline.source import chronicle_of

HEIGHT = 640  # of the frame, in pixels
# It may run its own script, and reaches nothing of the page around it.
FRAME = (
    '<iframe sandbox="allow-scripts" title="timeline" srcdoc="{page}" width="100%" height="{height}" '
    'style="border:0"></iframe><p style="margin:0"><small>Timeline: {about}. Click into it to use its keys. '
    "Where this viewer shows no frame: run the cell, or save it as a file.</small></p>"
)


class Timeline(metaclass=Brief):
    """The timeline of a simulated run until now: `swarm.timeline()`.

    In a notebook it is shown below the cell: nodes as lanes, with messages, faults, elections, tasks,
    requests and the invariant that broke. `.html` is the page, with all that it needs; `.save("run.html")`
    writes it.
    """

    def __init__(self, run: Any) -> None:
        told, failure = chronicle_of(run)
        self.html = chronicle_html(told, failure=failure)
        self._about = about(told)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Writes the page as one file, whole or not at all. Returns its path."""
        return write(self.html, path)

    def __repr__(self) -> str:
        return f"<Timeline: {self._about}>"

    def _repr_html_(self) -> str:
        return FRAME.format(page=html.escape(self.html), height=HEIGHT, about=html.escape(self._about))
