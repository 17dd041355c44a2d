"""Palette: what has which colour, on which ground, and how versions are told apart without any.

The hues are Okabe and Ito's. Roles (`fg`, `card`, ...) have one value per theme, written into each element
as an attribute, so that a viewer that drops styles shows the same picture. Only where a page's own theme can
reach the picture does a style add to that (`STYLE`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from swarmpy._view.letters import FONT, SIZE

ORANGE, SKY, GREEN, YELLOW = "#E69F00", "#56B4E9", "#009E73", "#F0E442"
BLUE, VERMILLION, PINK, GREY = "#0072B2", "#D55E00", "#CC79A7", "#999999"
VERSIONS = (BLUE, ORANGE, PINK, SKY, YELLOW, GREEN)  # in the order of their coming
MARKS = {"fault": VERMILLION, "repair": GREEN, "update": BLUE, "leader": ORANGE}
MARK_WORDS = {"fault": "fault", "repair": "repair", "update": "change", "leader": "new leader"}
LIGHT_INK, DARK_INK = "#ffffff", "#1b1f23"


# ---- versions


@dataclass(frozen=True)
class VersionMark:
    """How one version looks in every picture of a swarm. `texture`: 0 is plain. `ink`: of what lies on it."""

    letter: str
    colour: str
    texture: int
    ink: str


# By number: a path in a square of 6 by 6, repeated over the area.
TEXTURES = ("", "M0 6L6 0", "M3 2v2", "M0 3H6", "M3 0V6", "M0 0L6 6M0 6L6 0")


def version_mark(number: int) -> VersionMark:
    """Colours repeat after six, colours with textures after 36, letters never."""
    colour = VERSIONS[number % len(VERSIONS)]
    texture = (number + number // len(VERSIONS)) % len(TEXTURES)
    return VersionMark(_letter(number), colour, texture, LIGHT_INK if colour == BLUE else DARK_INK)


def _letter(number: int) -> str:
    """A to Z, AA, AB, ..."""
    letters = ""
    number += 1
    while number:
        number, digit = divmod(number - 1, 26)
        letters = chr(ord("A") + digit) + letters
    return letters


# ---- themes


class Theme(StrEnum):
    """`AUTO`: as the page, else as the system. `NEUTRAL`: for a ground that may be light or dark."""

    AUTO = "auto"
    LIGHT = "light"
    DARK = "dark"
    NEUTRAL = "neutral"


Paint = Mapping[str, object]

_LIGHT: Mapping[str, Paint] = {
    "bg": {"fill": "#ffffff"},
    "fg": {"fill": "#1b1f23"},
    "dim": {"fill": "#57606a"},
    "cardfg": {"fill": "#1b1f23"},
    "carddim": {"fill": "#57606a"},
    "card": {"fill": "#f3f5f7", "stroke": "#8c959f"},
    "box": {"fill": "transparent", "stroke": "#57606a"},
    "ln": {"fill": "none", "stroke": "#57606a"},
    "ink": {"stroke": "#1b1f23"},
    "hair": {"fill": "none", "stroke": "#d0d7de"},
    "tomb": {"fill": "transparent", "stroke": "#8c959f", "stroke_dasharray": "3 2"},
}
_DARK: Mapping[str, Paint] = {
    "bg": {"fill": "#111111"},
    "fg": {"fill": "#e6edf3"},
    "dim": {"fill": "#a3adb8"},
    "cardfg": {"fill": "#e6edf3"},
    "carddim": {"fill": "#a3adb8"},
    "card": {"fill": "#222a33", "stroke": "#7d8894"},
    "box": {"fill": "transparent", "stroke": "#a3adb8"},
    "ln": {"fill": "none", "stroke": "#a3adb8"},
    "ink": {"stroke": "#e6edf3"},
    "hair": {"fill": "none", "stroke": "#38414b"},
    "tomb": {"fill": "transparent", "stroke": "#7d8894", "stroke_dasharray": "3 2"},
}
# The grey that is equally far from white and from a notebook's black; what lies on a card is as in the light.
_NEUTRAL: Mapping[str, Paint] = {
    "bg": {"fill": "none"},
    "fg": {"fill": "#767676"},
    "dim": {"fill": "#767676"},
    "cardfg": _LIGHT["cardfg"],
    "carddim": _LIGHT["carddim"],
    "card": _LIGHT["card"],
    "box": {"fill": "transparent", "stroke": "#767676"},
    "ln": {"fill": "none", "stroke": "#767676"},
    "ink": {"stroke": "#767676"},
    "hair": {"fill": "none", "stroke": "#808080", "stroke_opacity": 0.4},
    "tomb": {"fill": "transparent", "stroke": "#767676", "stroke_dasharray": "3 2"},
}
ROLES = {Theme.AUTO: _LIGHT, Theme.LIGHT: _LIGHT, Theme.DARK: _DARK, Theme.NEUTRAL: _NEUTRAL}

# ---- the page's own colours: JupyterLab's, else VS Code's

_PAGE = {
    "fg": ("--jp-content-font-color1", "--vscode-foreground"),
    "dim": ("--jp-content-font-color2", "--vscode-descriptionForeground"),
    "card": ("--jp-layout-color2", "--vscode-editorWidget-background"),
    "edge": ("--jp-border-color0", "--vscode-editorWidget-border"),
    "hair": ("--jp-border-color2", "--vscode-editorWidget-border"),
}


def _own(roles: Mapping[str, Paint]) -> str:
    """Our colours under names of our own: what is taken where the page says nothing."""
    own = {name: roles[name]["fill"] for name in ("fg", "dim", "card", "bg")}
    own |= {"edge": roles["card"]["stroke"], "hair": roles["hair"]["stroke"]}
    return ";".join(f"--swv-{name}:{colour}" for name, colour in own.items())


def _of_page(name: str) -> str:
    first, second = _PAGE[name]
    return f"var({first},var({second},var(--swv-{name})))"


def _style() -> str:
    """A viewer that knows no CSS variables has the attributes."""
    fg, dim, card, edge, hair = map(_of_page, ("fg", "dim", "card", "edge", "hair"))
    return (
        f".swv{{font:{SIZE}px {FONT};{_own(_LIGHT)}}}"
        f"@media(prefers-color-scheme:dark){{.swv{{{_own(_DARK)}}}}}"
        f"@supports(fill:var(--a)){{.swv .bg{{fill:var(--swv-bg)}}"
        f".swv .fg,.swv .cardfg{{fill:{fg}}}.swv .dim,.swv .carddim{{fill:{dim}}}"
        f".swv .card{{fill:{card};stroke:{edge}}}.swv .box,.swv .ln{{stroke:{dim}}}.swv .ink{{stroke:{fg}}}"
        f".swv .hair{{stroke:{hair}}}.swv .tomb{{stroke:{edge}}}}}"
    )


STYLE = _style()
