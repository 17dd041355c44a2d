"""Paint: the strokes that every picture is made of: text, shapes, state marks, the palette. Pure text.

The palette is Okabe and Ito's. No state is colour alone: each has a shape of its own, and every mark an
outline dark enough on either ground.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence

from swarmpy._view.model import Look

ORANGE, SKY, GREEN, YELLOW = "#E69F00", "#56B4E9", "#009E73", "#F0E442"
BLUE, VERMILLION, PINK, GREY = "#0072B2", "#D55E00", "#CC79A7", "#999999"
VERSIONS = (BLUE, ORANGE, PINK, SKY, YELLOW, GREEN)  # in the order of their coming
MARKS = {"fault": VERMILLION, "repair": GREEN, "update": BLUE, "leader": ORANGE}

WIDTH = 960
CHAR = 6.3  # how wide a letter of 11 px is, about

STYLE = (
    ".swv{font:11px 'DejaVu Sans',Verdana,Helvetica,Arial,sans-serif}"
    ".swv .bg{fill:#fff}.swv .fg{fill:#1b1f23}.swv .dim{fill:#57606a}.swv .b{font-weight:bold}"
    ".swv .h{font-size:13px;font-weight:bold}.swv .card{fill:#f3f5f7;stroke:#8c959f}"
    ".swv .box{fill:none;stroke:#57606a}.swv .ln{stroke:#57606a;fill:none}.swv .ink{stroke:#1b1f23}"
    ".swv .hair{stroke:#d0d7de;fill:none}.swv .tomb{fill:none;stroke:#8c959f;stroke-dasharray:3 2}"
    "@media(prefers-color-scheme:dark){"
    ".swv .bg{fill:#15191e}.swv .fg{fill:#e6edf3}.swv .dim{fill:#a3adb8}"
    ".swv .card{fill:#222a33;stroke:#7d8894}.swv .box{stroke:#a3adb8}.swv .ln{stroke:#a3adb8}"
    ".swv .ink{stroke:#e6edf3}.swv .hair{stroke:#38414b}.swv .tomb{stroke:#7d8894}}"
)


# What no XML may hold, escaped or not: a task's error can be any bytes.
UNFIT = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def escape(words: str) -> str:
    return html.escape(UNFIT.sub("\ufffd", words))


class Canvas:
    """Elements in the order of their drawing. `id` keeps patterns of several pictures on one page apart."""

    def __init__(self, id: str) -> None:
        self.id = id
        self._parts: list[str] = []

    def raw(self, markup: str) -> None:
        self._parts.append(markup)

    def text(self, x: float, y: float, words: object, kind: str = "fg", anchor: str = "") -> None:
        where = f' text-anchor="{anchor}"' if anchor else ""
        self._parts.append(f'<text class="{kind}" x="{n(x)}" y="{n(y)}"{where}>{escape(str(words))}</text>')

    def rect(
        self, x: float, y: float, w: float, h: float, kind: str = "", rx: float = 0, **style: object
    ) -> None:
        size = f'width="{n(w)}" height="{n(h)}"' + (f' rx="{n(rx)}"' if rx else "")
        self._parts.append(f'<rect{_class(kind)} x="{n(x)}" y="{n(y)}" {size}{_style(style)}/>')

    def line(self, x1: float, y1: float, x2: float, y2: float, kind: str = "ln", **style: object) -> None:
        self._parts.append(f'<path{_class(kind)} d="M{n(x1)} {n(y1)}L{n(x2)} {n(y2)}"{_style(style)}/>')

    def path(self, d: str, kind: str = "", **style: object) -> None:
        self._parts.append(f'<path{_class(kind)} d="{d}"{_style(style)}/>')

    def circle(self, x: float, y: float, r: float, kind: str = "", **style: object) -> None:
        self._parts.append(f'<circle{_class(kind)} cx="{n(x)}" cy="{n(y)}" r="{n(r)}"{_style(style)}/>')

    def group(self, title: str, **data: object) -> None:
        facts = "".join(f' data-{key}="{escape(str(value))}"' for key, value in data.items())
        self._parts.append(f"<g{facts}><title>{escape(title)}</title>")

    def end(self) -> None:
        self._parts.append("</g>")

    # ---- what things are

    def task(self, look: Look, x: float, y: float, r: float) -> None:
        """The mark of a task's state, around x, y."""
        if look is Look.RUNNING:
            self.circle(x, y, r, "ink", fill=GREEN)
        elif look is Look.STARTING:
            self.circle(x, y, r, "ink", fill="none")
            self.path(f"M{n(x)} {n(y - r)}a{n(r)} {n(r)} 0 0 0 0 {n(2 * r)}z", "ink", fill=SKY)
        elif look is Look.PENDING:
            self.circle(x, y, r, fill="none", stroke=ORANGE, stroke_width=2)
            self.text(x, y + 4, "?", "fg b", "middle")
        elif look is Look.SHUTDOWN:
            self.rect(x - r * 0.8, y - r * 0.8, r * 1.6, r * 1.6, "ink", fill=GREY)
        else:
            if look is Look.LOST:
                self.rect(x - r, y - r, 2 * r, 2 * r, "box", stroke_dasharray="2 2")
            a = r * 0.8
            self.path(
                f"M{n(x - a)} {n(y - a)}L{n(x + a)} {n(y + a)}M{n(x + a)} {n(y - a)}L{n(x - a)} {n(y + a)}",
                fill="none",
                stroke=VERMILLION,
                stroke_width=2.6,
            )

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

    def document(self, width: float, height: float, title: str, description: str) -> str:
        """The picture as one element; it stands alone as a file and inside a page."""
        pattern = (
            f'<pattern id="{self.id}-hatch" width="7" height="7" patternUnits="userSpaceOnUse" '
            'patternTransform="rotate(45)"><path class="hair" d="M0 0V7" stroke-width="3"/></pattern>'
        )
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="swv" role="img" width="{n(width)}" '
            f'height="{n(height)}" viewBox="0 0 {n(width)} {n(height)}" style="max-width:100%;height:auto">'
            f"<title>{escape(title)}</title><desc>{escape(description)}</desc>"
            f"<style>{STYLE}</style><defs>{pattern}</defs>"
            f'<rect class="bg" width="{n(width)}" height="{n(height)}"/>' + "".join(self._parts) + "</svg>"
        )


def n(value: float) -> str:
    """A number as short as it may be."""
    return f"{value:.1f}".removesuffix(".0")


def fit(words: str, width: float, char: float = CHAR) -> str:
    """What of `words` has room in `width` pixels."""
    most = max(int(width / char), 1)
    return words if len(words) <= most else words[: max(most - 1, 1)] + "…"


def colours(versions: Iterable[str]) -> dict[str, str]:
    return {version: VERSIONS[i % len(VERSIONS)] for i, version in enumerate(versions)}


def ticks(start: float, end: float, most: int = 8) -> Sequence[float]:
    """Round numbers between the two, in seconds."""
    span = max(end - start, 1e-9)
    steps = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600)
    step = next((one for one in steps if span / one <= most), span / most)
    first = int(start / step) + (start > int(start / step) * step)
    return [(first + i) * step for i in range(int((end - first * step) / step) + 1)]


def _class(kind: str) -> str:
    return f' class="{kind}"' if kind else ""


def _style(style: dict[str, object]) -> str:
    # As style, not as attributes: those would lose against a class.
    css = ";".join(
        f"{key.replace('_', '-')}:{n(value) if isinstance(value, float) else value}"
        for key, value in style.items()
    )
    return f' style="{css}"' if css else ""
