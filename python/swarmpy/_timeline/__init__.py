"""The timeline of a simulated run: one HTML file that needs no network and nothing beside it.

The engine records (`_core.World.record_chronicle`), `source` gets what it recorded, `page` puts that and the
scripts of this folder into one text. NOT here: the live pictures of `watch` (`swarmpy/_view`).
"""

from __future__ import annotations

from swarmpy._timeline.inline import Timeline
from swarmpy._timeline.page import chronicle_html, save_timeline, timeline_html
from swarmpy._timeline.source import Failure

__all__ = ["Failure", "Timeline", "chronicle_html", "save_timeline", "timeline_html"]
