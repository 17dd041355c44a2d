"""Still: a picture that does not move, as a notebook keeps it. As `View` does: SVG and PNG and no HTML, which
viewers that trust no notebook would show instead, as bare words.
"""

from __future__ import annotations

import base64
from collections.abc import Callable

from swarmpy._view.palette import Theme
from swarmpy._view.raster import png
from swarmpy._view.screens import PICTURE, Bundle, choice, ipython_display, theme


def still(drawn: Callable[[str], str], words: str) -> Bundle:
    """As IPython takes it. `drawn`: the SVG in a theme. `words`: the same in characters."""
    chosen = theme()
    known = chosen is not Theme.AUTO
    bundle: Bundle = {"text/plain": words, "image/svg+xml": drawn(chosen if known else Theme.NEUTRAL)}
    raster = png(drawn(chosen if known else Theme.LIGHT))
    if raster is not None:
        bundle["image/png"] = base64.b64encode(raster).decode()
    return bundle


def show_still(drawn: Callable[[str], str], words: str) -> None:
    """Shows it in the notebook whose kernel this is."""
    bundle = {"text/plain": words} if choice() == "text" else still(drawn, words)
    ipython_display(bundle, raw=True, metadata=PICTURE if "image/png" in bundle else {})
