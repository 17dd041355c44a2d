"""Paint: the strokes that every picture is made of: text, shapes, the marks of tasks, versions and faults.
Pure text.

No state and no version is colour alone: a state has a shape, a version a letter and a texture. Colours are
attributes (see `palette`), and every shape can be pointed at.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence

from swarmpy._view.letters import FONT, SIZE
from swarmpy._view.letters import fit as fit  # noqa: PLC0414 (modules that paint take it from here)
from swarmpy._view.model import Look
from swarmpy._view.palette import (
    GREY,
    MARKS,
    ORANGE,
    ROLES,
    STYLE,
    TEXTURES,
    VERMILLION,
    Theme,
    VersionMark,
)

WIDTH = 960
TILE = 6  # the side of what a texture repeats

# What no XML may hold, escaped or not: a task's error can be any bytes.
UNFIT = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def escape(words: str) -> str:
    return html.escape(UNFIT.sub("\ufffd", words))


class Canvas:
    """Elements in the order of their drawing. `id` keeps patterns of several pictures on one page apart."""

    def __init__(self, id: str, theme: Theme = Theme.AUTO) -> None:
        self.id, self.theme = id, theme
        self._parts: list[str] = []
        self._textures: set[int] = set()
        self._roles = {name: self._role(name) for name in ROLES[theme]}

    def text(
        self,
        x: float,
        y: float,
        words: object,
        kind: str = "fg",
        anchor: str = "",
        *,
        bold: bool = False,
        size: float = SIZE,
        **style: object,
    ) -> None:
        how = f' text-anchor="{anchor}"' if anchor else ""
        how += ' font-weight="bold"' if bold else ""
        how += f' font-size="{n(size)}"' if size != SIZE else ""
        how += self._looks(kind, style)
        self._parts.append(f'<text x="{n(x)}" y="{n(y)}"{how}>{escape(str(words))}</text>')

    def rect(
        self, x: float, y: float, w: float, h: float, kind: str = "", rx: float = 0, **style: object
    ) -> None:
        size = f'width="{n(w)}" height="{n(h)}"' + (f' rx="{n(rx)}"' if rx else "")
        self._parts.append(f'<rect x="{n(x)}" y="{n(y)}" {size}{self._looks(kind, style)}/>')

    def line(self, x1: float, y1: float, x2: float, y2: float, kind: str = "ln", **style: object) -> None:
        self.path(f"M{n(x1)} {n(y1)}L{n(x2)} {n(y2)}", kind, **style)

    def path(self, d: str, kind: str = "", **style: object) -> None:
        self._parts.append(f'<path d="{d}"{self._looks(kind, style)}/>')

    def circle(self, x: float, y: float, r: float, kind: str = "", **style: object) -> None:
        self._parts.append(f'<circle cx="{n(x)}" cy="{n(y)}" r="{n(r)}"{self._looks(kind, style)}/>')

    def group(self, title: str, **data: object) -> None:
        facts = "".join(f' data-{key}="{escape(str(value))}"' for key, value in data.items())
        self._parts.append(f"<g{facts}><title>{escape(title)}</title>")

    def end(self) -> None:
        self._parts.append("</g>")

    # ---- what things are

    def task(self, look: Look, x: float, y: float, r: float, version: VersionMark | None = None) -> None:
        """The mark of a task's state, around x, y; with its version's colour, and letter if it has room."""
        if look is Look.RUNNING:
            self.circle(x, y, r, "ink", fill=version.colour if version else GREY)
            if version and r >= 6:
                self._letter(version, x, y)
        elif look is Look.STARTING:
            self.circle(x, y, r, "ink", fill="transparent")
            half = f"M{n(x)} {n(y - r)}a{n(r)} {n(r)} 0 0 0 0 {n(2 * r)}z"
            self.path(half, "ink", fill=version.colour if version else GREY)
        elif look is Look.PENDING:
            self.circle(x, y, r, fill="transparent", stroke=ORANGE, stroke_width=2)
            self.text(x, y + 4, "?", "fg", "middle", bold=True)
        elif look is Look.SHUTDOWN:
            self.rect(x - r * 0.8, y - r * 0.8, r * 1.6, r * 1.6, "ink", fill=GREY)
        else:
            dashes = "2 2" if look is Look.LOST else ""
            self.rect(x - r, y - r, 2 * r, 2 * r, "box" if dashes else "", fill="transparent",
                      stroke_dasharray=dashes)  # fmt: skip
            self._cross(x, y, r * 0.8)

    def _letter(self, version: VersionMark, x: float, y: float) -> None:
        if len(version.letter) == 1:
            self.text(x, y + 4, version.letter, "", "middle", bold=True, fill=version.ink)

    def _cross(self, x: float, y: float, a: float) -> None:
        d = f"M{n(x - a)} {n(y - a)}L{n(x + a)} {n(y + a)}M{n(x + a)} {n(y - a)}L{n(x - a)} {n(y + a)}"
        self.path(d, fill="none", stroke=VERMILLION, stroke_width=2.6)

    def area(self, d: str, version: VersionMark, *, opacity: float = 0.85) -> None:
        """What is of a version: its colour, and over it its texture."""
        self.path(d, fill=version.colour, fill_opacity=opacity)
        if version.texture:
            self._textures.add(version.texture)
            self.path(d, fill=f"url(#{self.id}-t{version.texture})", pointer_events="none")

    def block(
        self, x: float, y: float, w: float, h: float, version: VersionMark, *, opacity: float = 0.85
    ) -> None:
        self.area(f"M{n(x)} {n(y)}h{n(w)}v{n(h)}h{n(-w)}z", version, opacity=opacity)

    def tag(self, version: VersionMark, x: float, y: float, h: float) -> float:
        """The version's letter on its colour, `h` high; gives its width."""
        w = max(13.0, 5 + 9.0 * len(version.letter))
        self.rect(x, y, w, h, fill=version.colour)
        self.text(x + w / 2, y + h / 2 + 4, version.letter, "", "middle", bold=True, fill=version.ink)
        return w

    def star(self, x: float, y: float, r: float) -> None:
        """The leader."""
        spokes = ((0, -1), (0.24, -0.32), (0.95, -0.31), (0.38, 0.12), (0.59, 0.81), (0, 0.4))
        right = [(a * r, b * r) for a, b in spokes]
        left = [(-a, b) for a, b in reversed(right[1:-1])]
        points = "L".join(f"{n(x + a)} {n(y + b)}" for a, b in [*right, *left])
        self.path(f"M{points}z", "ink", fill=ORANGE)

    def sign(self, kind: str, x: float, y: float, r: float = 5) -> None:
        """Of a mark on a time axis: fault ▼, repair ▲, update ◆, leader ★."""
        if kind == "leader":
            self.star(x, y, r + 1)
            return
        shapes = {
            "fault": ((-r, -r), (r, -r), (0, r)),
            "repair": ((-r, r), (r, r), (0, -r)),
            "update": ((0, -r), (r, 0), (0, r), (-r, 0)),
        }
        points = "L".join(f"{n(x + a)} {n(y + b)}" for a, b in shapes[kind])
        self.path(f"M{points}z", "ink", fill=MARKS[kind])

    def hatch(self, x: float, y: float, w: float, h: float) -> None:
        """What is down."""
        self.rect(x, y, w, h, fill=f"url(#{self.id}-hatch)")

    # ---- the whole

    def document(
        self,
        width: float,
        height: float,
        title: str,
        description: str,
        *,
        bare: bool = False,
        fluid: bool = False,
    ) -> str:
        """The picture as one element. `bare`: without a ground of its own, for a page that has one. `fluid`:
        as wide as there is room.
        """
        style = f"<style>{STYLE}</style>" if self.theme is Theme.AUTO else ""
        size = f'width="{n(width)}" height="{n(height)}" style="max-width:100%;height:auto"'
        size = 'width="100%"' if fluid else size
        ground = "" if bare or self.theme is Theme.NEUTRAL else self._ground(width, height)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="swv" role="img" {size} '
            f'viewBox="0 0 {n(width)} {n(height)}" font-family="{FONT}" font-size="{SIZE}">'
            f"<title>{escape(title)}</title><desc>{escape(description)}</desc>"
            f"{style}<defs>{self._patterns()}</defs>{ground}" + "".join(self._parts) + "</svg>"
        )

    def _ground(self, width: float, height: float) -> str:
        return f'<rect width="{n(width)}" height="{n(height)}"{self._roles["bg"]}/>'

    def _patterns(self) -> str:
        whole = f'width="{TILE}" height="{TILE}" patternUnits="userSpaceOnUse"'
        textures = "".join(
            f'<pattern id="{self.id}-t{i}" {whole}><path d="{TEXTURES[i]}" fill="none" stroke="#000000" '
            'stroke-opacity="0.45" stroke-width="1.2"/></pattern>'
            for i in sorted(self._textures)
        )
        return (
            f'<pattern id="{self.id}-hatch" width="7" height="7" patternUnits="userSpaceOnUse" '
            'patternTransform="rotate(45)"><path d="M0 0V7" stroke-width="3"'
            f"{self._roles['hair']}/></pattern>" + textures
        )

    def _role(self, name: str) -> str:
        called = f' class="{name}"' if self.theme is Theme.AUTO else ""
        return called + attributes(ROLES[self.theme][name])

    def _looks(self, kind: str, style: Mapping[str, object]) -> str:
        """What is said here goes before what the role says: no attribute may come twice."""
        if not style:
            return self._roles[kind] if kind else ""
        if not kind:
            return attributes(style)
        called = f' class="{kind}"' if self.theme is Theme.AUTO else ""
        return called + attributes({**ROLES[self.theme][kind], **style})


def attributes(style: Mapping[str, object]) -> str:
    pairs = style.items()
    return "".join(
        f' {key.replace("_", "-")}="{f"{value:g}" if isinstance(value, float) else value}"'
        for key, value in pairs
        if value != ""
    )


def n(value: float) -> str:
    """A number as short as it may be."""
    return f"{value:.1f}".removesuffix(".0")


def ticks(start: float, end: float, most: int = 8) -> Sequence[float]:
    """Round numbers between the two, in seconds."""
    span = max(end - start, 1e-9)
    steps = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600)
    step = next((one for one in steps if span / one <= most), span / most)
    first = int(start / step) + (start > int(start / step) * step)
    return [(first + i) * step for i in range(int((end - first * step) / step) + 1)]
