"""Where a live picture is shown: a notebook's output, a terminal, or nowhere; and which of them is meant."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any, Protocol

from swarmpy._models.nearest import check_word, did_you_mean
from swarmpy._view.paint import WIDTH
from swarmpy._view.palette import Theme
from swarmpy._view.terminal import InPlace
from swarmpy.errors import InvalidArgument

CHOICES = ("auto", "live", "static", "text")
THEMES = (Theme.AUTO, Theme.LIGHT, Theme.DARK)
_choice = "auto"
_theme = Theme.AUTO

Bundle = dict[str, Any]  # by MIME type, as IPython takes it
PICTURE: Bundle = {"image/png": {"width": WIDTH}}  # the file has more pixels than that


class Picture(Protocol):
    """What a screen can ask of a view."""

    def bundle(self, *, whole: bool) -> Bundle: ...

    def facts(self) -> Bundle: ...

    def text(self, *, colour: bool, width: int, height: int) -> str: ...


class Screen(Protocol):
    @property
    def live(self) -> bool:
        """It wants a picture now and then, not only the last one."""

    def show(self, picture: Picture, *, last: bool) -> None: ...


def set_display(how: str | None = None, *, theme: str | None = None) -> None:
    """How views show themselves: `"live"`, `"static"` (only the last picture), `"text"` (characters, also in
    notebooks), or `"auto"`: live where somebody can look, static in CI and where output is no terminal. The
    environment's `SWARMPY_DISPLAY` says the same.

    `theme`: `"light"`, `"dark"`, or `"auto"`: as JupyterLab's while it is live, then in colours that can be
    read on both; in a browser as the system is set. None: as it was.
    """
    global _choice, _theme
    if how is not None and how not in CHOICES:
        raise InvalidArgument(f"no way to display: {how!r}", hint=did_you_mean(how, CHOICES))
    if theme is not None and theme not in THEMES:
        raise InvalidArgument(f"no theme: {theme!r}", hint=did_you_mean(theme, THEMES))
    _choice = _choice if how is None else how
    _theme = _theme if theme is None else Theme(theme)


def theme() -> Theme:
    return _theme


def choice() -> str:
    wanted = os.environ.get("SWARMPY_DISPLAY") or "auto" if _choice == "auto" else _choice
    check_word("way to display ($SWARMPY_DISPLAY)", wanted, CHOICES)
    if wanted != "auto":
        return wanted
    return "static" if os.environ.get("CI") else "auto"


def screen() -> Screen:
    how = choice()
    if in_notebook():
        return NotebookScreen(live=how != "static", only_text=how == "text")
    if how != "static" and (sys.stdout.isatty() or how == "live"):
        return TerminalScreen()
    return NoScreen()


def in_notebook() -> bool:
    """This Python is the kernel of a notebook. IPython is never imported for the question."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None) is not None


def ipython_display(bundle: Bundle, **how: object) -> Any:
    """IPython is there when it is called: a kernel calls it."""
    return importlib.import_module("IPython.display").display(bundle, **how)


class NotebookScreen:
    """One output, replaced in place by its display id, wherever the cell that it is in has got to. Below the
    last picture another: its table.
    """

    def __init__(self, *, live: bool, only_text: bool) -> None:
        self._live, self._only_text = live, only_text
        self._handle: Any = None

    @property
    def live(self) -> bool:
        return self._live

    def show(self, picture: Picture, *, last: bool) -> None:
        bundle = picture.bundle(whole=last)
        if self._only_text:
            bundle = {"text/plain": bundle["text/plain"]}
        how: dict[str, Any] = {"raw": True, "metadata": PICTURE if "image/png" in bundle else {}}
        if self._handle is None:
            self._handle = ipython_display(bundle, display_id=True, **how)
        else:
            self._handle.update(bundle, **how)
        if last and not self._only_text:
            ipython_display(picture.facts(), raw=True)


class TerminalScreen:
    def __init__(self) -> None:
        self._block = InPlace(sys.stdout)

    @property
    def live(self) -> bool:
        return True

    def show(self, picture: Picture, *, last: bool) -> None:
        columns, lines = self._block.size()
        self._block.draw(picture.text(colour=True, width=columns, height=max(lines - 2, 6)))


class NoScreen:
    @property
    def live(self) -> bool:
        return False

    def show(self, picture: Picture, *, last: bool) -> None:
        pass
