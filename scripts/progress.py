"""Runs a build by ninja and shows how far it is: a line for each tenth, with the time that is left.

    progress.py COMMAND...

What compilers say is shown as it comes. The exit code is the command's.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time

STEP = re.compile(r"\[(\d+)/(\d+)\] ")
FEW = 10  # steps that are over before a line is read
CHATTER = ("-- ", "ninja: no work to do", "ninja: Entering directory")


def left(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 1:
        return "less than a minute left"
    return f"about {minutes} minute{'s' if minutes > 1 else ''} left"


class Progress:
    def __init__(self) -> None:
        self.began = time.monotonic()
        self.tenth = 0

    def line_of(self, done: int, steps: int) -> str | None:
        """What to say after a step; None for most of them."""
        tenth = 10 * done // steps
        if done <= 1:
            self.began, self.tenth = time.monotonic(), 0
        if steps <= FEW or tenth == self.tenth:
            return None
        self.tenth = tenth
        if done == steps:
            return f"built: {steps} steps"
        took = time.monotonic() - self.began
        return f"building: {10 * tenth:3} % of {steps} steps, {left(took / done * (steps - done))}"


def main(command: list[str]) -> int:
    progress = Progress()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, errors="replace") as build:
        assert build.stdout is not None
        for line in build.stdout:
            step = STEP.match(line)
            said = progress.line_of(int(step[1]), int(step[2])) if step else line.rstrip("\n")
            if said is not None and not said.startswith(CHATTER):
                print(said, flush=True)
    return build.returncode


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
