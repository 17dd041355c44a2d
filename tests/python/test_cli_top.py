"""swarmpy top, up --watch, completion."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import own_home, swarmpy
from swarmpy._cluster import Door, LocalCluster

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    with own_home(), LocalCluster.start("lab", managers=1, workers=1, init=True) as made:
        spec = {
            "Name": "web",
            "TaskTemplate": {"ContainerSpec": {"Image": "nginx:1.10"}},
            "Mode": {"Replicated": {"Replicas": 2}},
        }
        door = made.node("m1").door
        door.post("/services/create", spec)
        door.until(
            lambda: [task["Status"]["State"] for task in door.get("/tasks")] == ["running"] * 2,
            30,
            "both run",
        )
        yield made


def running(door: Door) -> list[str]:
    return [task["ID"] for task in door.get("/tasks") if task["Status"]["State"] == "running"]


def take_terminal() -> None:
    """Opening it makes it the controlling terminal of this session."""
    os.close(os.open(os.ttyname(0), os.O_RDWR))


class Terminal:
    """A command on a terminal of its own."""

    def __init__(self, *words: str) -> None:
        self._keys, theirs = pty.openpty()
        environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", "LINES": "40"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "swarmpy.cli", *words],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=environment,
            start_new_session=True,
            preexec_fn=take_terminal,  # noqa: PLW1509 (this process has no threads)
        )
        os.close(theirs)
        self.seen = ""

    def until(self, text: str, patience: float = 20) -> None:
        end = time.monotonic() + patience
        while text not in self.seen:
            assert time.monotonic() < end, f"{text!r} not seen in {self.seen!r}"
            if select.select([self._keys], [], [], 0.2)[0]:
                self.seen += os.read(self._keys, 1 << 16).decode(errors="replace")

    def press(self, key: bytes) -> None:
        os.write(self._keys, key)

    def ended(self) -> int:
        while True:  # what it says at its end must be read, or it waits
            try:
                if not (part := os.read(self._keys, 1 << 16)):
                    break
                self.seen += part.decode(errors="replace")
            except OSError:
                break
        os.close(self._keys)
        return self.process.wait(10)


def test_plain_output_where_nobody_looks(cluster: LocalCluster) -> None:
    done = swarmpy("top")
    assert done.returncode == 0, done.stderr
    assert "\033" not in done.stdout
    for word in ("★ leader", "● web.1", "2/2", "task web.1 running", "NODE", "SERVICE", "TASK"):
        assert word in done.stdout, word
    assert "web" not in swarmpy("top", "other").stdout


@pytest.mark.parametrize("key", [b"q", b"\x1b[Aq", b"\x03"], ids=["q", "up-and-q", "ctrl-c"])
def test_it_is_live_until_a_key_ends_it(cluster: LocalCluster, key: bytes) -> None:
    top = Terminal("top")
    try:
        top.until("web.1")
        began = time.monotonic()
        top.press(key)
        assert top.ended() == 0
        assert time.monotonic() - began < 2
        assert top.seen.startswith("\033[?1049h")
        assert top.seen.rstrip().endswith("\033[?1049l"), "the screen is as it was"
    finally:
        top.process.kill()
        top.process.wait()


def test_changes_are_seen(cluster: LocalCluster) -> None:
    top = Terminal("top")
    try:
        top.until("2/2")
        door = cluster.node("m1").door
        service = door.get("/services/web")
        service["Spec"]["Mode"]["Replicated"]["Replicas"] = 4
        door.post(f"/services/web/update?version={service['Version']['Index']}", service["Spec"])
        top.until("4/4")
        top.press(b"q")
        assert top.ended() == 0
    finally:
        top.process.kill()
        top.process.wait()


def test_words_are_completed_from_what_there_is(cluster: LocalCluster) -> None:
    def offered(*words: str) -> list[str]:
        return swarmpy("complete", "--", *words).stdout.split()

    assert {"up", "top", "demo", "completion"} <= set(offered(""))
    assert "complete" not in offered("")
    assert offered("to") == ["top"]
    assert offered("node", "") == ["kill", "start"]
    assert offered("node", "kill", "") == ["m1", "w1"]
    assert offered("env", "w") == ["w1"]
    assert offered("top", "") == ["web"]
    assert offered("top", "--cluster", "") == ["lab"]
    assert offered("down", "") == ["lab"]
    assert offered("completion", "") == ["bash", "fish", "zsh"]
    assert "--managers" in offered("up", "--m")
    assert offered("ls", "--format", "j") == ["json"]
    assert offered("nonsense", "x", "") == []


def test_bash_asks_when_tab_is_pressed(cluster: LocalCluster, tmp_path: Path) -> None:
    program = tmp_path / "swarmpy"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m swarmpy.cli "$@"\n')
    program.chmod(0o755)
    script = (
        f'PATH={tmp_path}:$PATH; eval "$(swarmpy completion bash)"; COMP_WORDS=(swarmpy node kill ""); '
        'COMP_CWORD=3; _swarmpy; echo "${COMPREPLY[@]}"'
    )
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "m1 w1\n"
    for shell in ("zsh", "fish"):
        assert "swarmpy complete" in swarmpy("completion", shell).stdout


def test_up_and_watch() -> None:
    with own_home():
        done = swarmpy("up", "--managers", "1", "--workers", "0", "--watch")
        assert done.returncode == 0, done.stderr
        assert done.stdout.index("export DOCKER_HOST") < done.stdout.index("★ leader")
        assert swarmpy("down", "default").returncode == 0
