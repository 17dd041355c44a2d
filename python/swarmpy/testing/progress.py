"""Progress: how far the seeds are, on standard error: a bar on a terminal, else a line each five seconds.

It delays nothing: what takes less than `AFTER` seconds shows nothing. `tqdm` and `rich` are used where
they are asked for.
"""

from __future__ import annotations

import importlib
import sys
import time
from typing import Any, Protocol

from swarmpy.errors import InvalidArgument

AFTER, EVERY_BAR, EVERY_LINE = 0.5, 0.1, 5.0
WIDTH = 24


class Progress(Protocol):
    """Shows how far a test of many seeds is."""

    def update(self, done: int, failed: int) -> None:
        """So many seeds have been run, and so many of them failed."""

    def end(self) -> None:
        """Nothing more comes: what was only for the meantime goes away."""


class Quiet:
    """Shows nothing."""

    def update(self, done: int, failed: int) -> None:
        """Shows nothing."""

    def end(self) -> None:
        """Shows nothing."""


class Plain:
    """A bar that is drawn over itself, or lines below each other."""

    def __init__(self, name: str, total: int, *, bar: bool) -> None:
        self._name, self._total, self._bar = name, total, bar
        self._begun = time.monotonic()
        self._due = self._begun + (AFTER if bar else EVERY_LINE)
        self._shown = False

    def update(self, done: int, failed: int) -> None:
        """Draws the bar or prints a line, when it is time to."""
        now = time.monotonic()
        if now < self._due:
            return
        self._due = now + (EVERY_BAR if self._bar else EVERY_LINE)
        text = self._text(done, failed, now - self._begun)
        print(
            f"\r\x1b[K{text}" if self._bar else text,
            end="" if self._bar else "\n",
            file=sys.stderr,
            flush=True,
        )
        self._shown = True

    def end(self) -> None:
        """Takes the bar away; lines stay."""
        if self._shown and self._bar:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)

    def _text(self, done: int, failed: int, took: float) -> str:
        rate = done / took if took else 0.0
        left = (self._total - done) / rate if rate else 0.0
        filled = WIDTH * done // self._total
        bar = f"[{'#' * filled}{'.' * (WIDTH - filled)}] " if self._bar else ""
        return (
            f"{self._name} {bar}{done}/{self._total} seeds, {rate:,.0f} seeds/s, {failed} failed, "
            f"{left:.0f} s to go"
        )


class Tqdm:
    """A bar of the package tqdm."""

    def __init__(self, name: str, total: int) -> None:
        self._bar: Any = _module("tqdm.auto", "tqdm").tqdm(total=total, desc=name, unit="seed")

    def update(self, done: int, failed: int) -> None:
        """Moves the bar."""
        self._bar.update(done - self._bar.n)
        self._bar.set_postfix(failed=failed)

    def end(self) -> None:
        """Closes the bar."""
        self._bar.close()


class Rich:
    """A bar of the package rich."""

    def __init__(self, name: str, total: int) -> None:
        self._bar: Any = _module("rich.progress", "rich").Progress(transient=True)
        self._bar.start()
        self._name, self._task = name, self._bar.add_task(name, total=total)

    def update(self, done: int, failed: int) -> None:
        """Moves the bar."""
        text = f"{self._name} ({failed} failed)"
        self._bar.update(self._task, completed=done, description=text)

    def end(self) -> None:
        """Takes the bar away."""
        self._bar.stop()


def begin(how: str, name: str, total: int) -> Progress:
    """Returns what shows the progress: "tqdm", "rich", "bar", "lines", "none", or "auto"."""
    if how == "tqdm":
        return Tqdm(name, total)
    if how == "rich":
        return Rich(name, total)
    if how == "none" or (how == "auto" and total == 1):
        return Quiet()
    return Plain(name, total, bar=how == "bar" or (how == "auto" and sys.stderr.isatty()))


def _module(name: str, package: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        raise InvalidArgument(
            f'progress="{package}" needs {package}, which is not installed',
            hint=f'pip install {package}, or progress="bar".',
        ) from None
