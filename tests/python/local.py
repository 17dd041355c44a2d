"""What tests of real daemons share: a home of their own, the docker CLI, the swarmpy command, waiting."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from swarmpy._cluster import Door, LocalCluster, LocalNode

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60.0

needs_docker = pytest.mark.skipif(shutil.which("docker") is None, reason="no docker CLI on PATH")


@contextmanager
def own_home() -> Iterator[Path]:
    """A $SWARMPY_HOME that no other test uses; whatever a failed test leaves in it is ended."""
    before = os.environ.get("SWARMPY_HOME")
    with TemporaryDirectory(prefix="swarmpy-test-") as folder:
        os.environ["SWARMPY_HOME"] = f"{folder}/home"
        try:
            yield Path(folder, "home")
        finally:
            for cluster in LocalCluster.all():
                cluster.close()
            os.environ.pop("SWARMPY_HOME")
            if before is not None:
                os.environ["SWARMPY_HOME"] = before


def eventually(door: Door, holds: Callable[[], bool], what: str, patience: float = PATIENCE) -> None:
    door.until(holds, patience, what)


def swarmpy(*words: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
    """`given`: what it reads from standard input."""
    command = [sys.executable, "-m", "swarmpy.cli", *words]
    return subprocess.run(command, input=given, capture_output=True, text=True, timeout=180, check=False)


class Docker:
    """The stock docker CLI, pointed at one node."""

    def __init__(self, node: LocalNode, config: Path) -> None:
        self.node = node
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(config),
            "DOCKER_CONFIG": str(config),
            "DOCKER_HOST": node.docker_host,
        }

    def run(self, *words: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["docker", *words],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
            check=False,
        )

    def __call__(self, *words: str) -> str:
        """What it prints; it must succeed."""
        done = self.run(*words)
        assert done.returncode == 0, f"docker {' '.join(words)}: {done.stdout}{done.stderr}"
        return done.stdout.rstrip("\n")

    def refused(self, *words: str) -> str:
        """What it complains about; it must fail."""
        done = self.run(*words)
        assert done.returncode != 0, f"docker {' '.join(words)} succeeded: {done.stdout}"
        return done.stderr.strip()

    def rows(self, *words: str) -> list[dict[str, str]]:
        """A printed table, row by row, by its heads."""
        heads, *lines = self(*words).split("\n")
        starts = [match.start() for match in re.finditer(r"(?<!\S)\S+(?: \S+)*", heads)]
        names = re.split(r"\s{2,}", heads.strip())
        ends = [*starts[1:], None]
        return [
            {name: line[a:b].strip() for name, a, b in zip(names, starts, ends, strict=True)}
            for line in lines
        ]


def listening_on(address: str, port: int) -> bool:
    wanted = "".join(f"{int(part):02X}" for part in reversed(address.split("."))) + f":{port:04X}"
    return any(
        line.split()[1] == wanted and line.split()[3] == "0A"
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]
    )


def exists(pid: int) -> bool:
    """Does the process live? A zombie does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def mentions(text: str) -> list[int]:
    """Processes, other than this one, that know of `text`: in their command line or their environment."""
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit() or int(folder.name) == os.getpid():
            continue
        try:
            known = (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
        except OSError:
            continue
        if text.encode() in known:
            found.append(int(folder.name))
    return found
