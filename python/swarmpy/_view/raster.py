"""Raster: a picture as PNG, for viewers that show no SVG. Needs `resvg-py` (of `swarmpy[notebook]`); without
it there is none.

Letters come from the fonts beside this file, so that a picture is the same on every machine; only what they
do not have is looked for among those that are installed.
"""

from __future__ import annotations

import functools
import importlib
import io
import re
from pathlib import Path
from typing import Any

FONTS = Path(__file__).parent / "fonts"
COLOURS = 256
SCALE = 2.0  # pixels of the file to one of the picture: sharp on screens of today
FOREIGN = re.compile("[^\x00-\u017f\u2010-\u201e\u2022\u2026\u25a0-\u2605\ufffd]")


def png(svg: str) -> bytes | None:
    """None: nothing here can draw it."""
    drawer = _module("resvg_py")
    if drawer is None:
        return None
    drawn = drawer.svg_to_bytes(
        svg_string=svg,
        zoom=SCALE,
        font_files=[str(path) for path in sorted(FONTS.glob("*.ttf"))],
        skip_system_fonts=FOREIGN.search(svg) is None,
        font_family="DejaVu Sans",
        sans_serif_family="DejaVu Sans",
    )
    return _smaller(bytes(drawn))


def _smaller(drawn: bytes) -> bytes:
    """With a palette, a third of the bytes: notebooks are kept. As it is where there is no Pillow."""
    pillow = _module("PIL.Image")
    if pillow is None:
        return drawn
    image, palette, out = pillow.open(io.BytesIO(drawn)).convert("RGB"), pillow.new("P", (1, 1)), io.BytesIO()
    palette.putpalette([part for colour in _commonest(image) for part in colour])
    image.quantize(palette=palette, dither=0).save(out, "PNG", optimize=True)
    return min(out.getvalue(), drawn, key=len)


def _commonest(image: Any) -> list[tuple[int, ...]]:
    """Every colour that fills something is among them; the rest are edges. Of those that are hardly told
    apart only one: Pillow, looking for the nearest, does not tell them apart either.
    """
    counted = image.getcolors(image.width * image.height)
    kept: dict[tuple[int, ...], tuple[int, ...]] = {}
    for _, colour in sorted(counted, reverse=True):
        kept.setdefault(tuple(part >> 3 for part in colour), colour)
    return list(kept.values())[:COLOURS]


@functools.cache
def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None
