"""The terminal and the transcript: what is said, pictures that redraw in place, what was observed.

On a terminal a live picture is drawn over its older self; elsewhere, and in the transcript, only its last
state is kept. The transcript has no escape codes.
"""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path
from typing import TextIO

BOLD, DIM, GREEN, CYAN, PLAIN = "\033[1m", "\033[2m", "\033[32m", "\033[36m", "\033[0m"
ESCAPES = re.compile(r"\033\[[0-9;]*[A-Za-z]")


class Narrator:
    def __init__(self, out: TextIO = sys.stdout) -> None:
        self._out = out
        self._lively = out.isatty()
        self._lines: list[str] = []
        self._picture = ""
        self._chapters = 0
        self.observations = 0
        self._started = time.monotonic()

    def chapter(self, title: str) -> None:
        self._chapters += 1
        self._say(f"\n{BOLD}{self._chapters}. {title}{PLAIN}")

    def tell(self, text: str) -> None:
        self._say(f"   {text}")

    def command(self, text: str) -> None:
        """What one would type at a docker CLI for what is done now."""
        self._say(f"   {CYAN}$ {text}{PLAIN}")

    def observed(self, text: str) -> None:
        self.observations += 1
        self._say(f"   {GREEN}seen{PLAIN} {text}")

    def draw(self, picture: str) -> None:
        """The newest state of the live picture."""
        if picture == self._picture:
            return
        if self._lively:
            self._erase()
            self._write(_indent(picture) + "\n")
        self._picture = picture

    def settle(self) -> None:
        """The live picture stays as it is, and goes into the transcript."""
        if not self._picture:
            return
        self._lines.append(_indent(self._picture))
        if not self._lively:
            self._write(_indent(self._picture) + "\n")
        self._picture = ""

    @property
    def transcript(self) -> str:
        return ESCAPES.sub("", "\n".join(self._lines)).lstrip("\n") + "\n"

    def end(self, path: Path) -> None:
        took = time.monotonic() - self._started
        self._say(
            f"\n{BOLD}The end.{PLAIN} {self.observations} things were to be seen, and were, in {took:.0f} s."
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.transcript)
        self._write(f"   This story in text: {path}\n")

    def _say(self, text: str) -> None:
        self.settle()
        self._lines.append(text)
        self._write((text if self._lively else ESCAPES.sub("", text)) + "\n")

    def _erase(self) -> None:
        if self._picture:
            self._write(f"\033[{self._picture.count(chr(10)) + 1}A\033[J")

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()


def _indent(picture: str) -> str:
    return "\n".join(f"     {line}" for line in picture.split("\n"))
