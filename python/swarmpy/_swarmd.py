"""The command `swarmd` of an installed wheel: this process becomes the program inside the package.

Python is in the way for a few milliseconds only; what starts many daemons runs the program itself.
"""

from __future__ import annotations

import os
import sys
from importlib.resources import files
from typing import NoReturn


def main() -> NoReturn:
    program = str(files("swarmpy") / "bin" / "swarmd")
    os.execv(program, [program, *sys.argv[1:]])
