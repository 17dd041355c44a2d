"""Where clusters live: the home folder, and the programs."""

from __future__ import annotations

import os
import shutil
import sys
from importlib.resources import files
from pathlib import Path

from swarmpy._cluster.errors import ClusterError
from swarmpy._models.plain import NAME, NAME_RULE

SOCKET_PATH_LIMIT = 107  # sun_path of unix(7), less the terminating zero


def home() -> Path:
    """The folder of all clusters of this user: $SWARMPY_HOME, or ~/.swarmpy."""
    return Path(os.environ.get("SWARMPY_HOME") or "~/.swarmpy").expanduser().absolute()


def check_name(name: str, what: str) -> str:
    if not NAME.fullmatch(name):
        raise ClusterError(f'"{name}" is no name for a {what}', NAME_RULE)
    return name


def program(name: str = "swarmd") -> Path:
    """A program of this package: inside it, else on PATH, else beside the Python that runs."""
    packaged, beside = str(files("swarmpy") / "bin" / name), str(Path(sys.prefix, "bin", name))
    for candidate in (packaged, shutil.which(name), beside):
        if candidate and os.access(candidate, os.X_OK):
            return Path(candidate)
    raise ClusterError(f"the program {name} is not installed", "in the source tree, run: make build")
