"""top: a cluster, live in this terminal, until q or Ctrl-C. Where output is no terminal: one look, in plain
text.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import select
import shutil
import sys
import time
from collections.abc import Iterator, Sequence

from swarmpy._cluster import LocalCluster
from swarmpy._hub import Hub
from swarmpy._view import terminal
from swarmpy._view.recorder import Recorder
from swarmpy._world.real import RealWorld
from swarmpy.cli import pick
from swarmpy.cli.as_json import plain
from swarmpy.events import check_service

ENTER, LEAVE = "\033[?1049h\033[?25l", "\033[?25h\033[?1049l"  # the other screen, without a cursor
EVERY = 0.1  # seconds
OLD_EVENTS = 60.0  # seconds before its beginning whose events are shown


def top(options: argparse.Namespace) -> None:
    cluster = pick.cluster(options)
    hub = Hub(RealWorld.around(cluster))
    for service in options.services:
        check_service(hub, service, may_come=False)
    if options.json:
        _print_json(cluster, options.services)
        return
    show(cluster, options.services)


def show(cluster: LocalCluster, services: Sequence[str] = ()) -> None:
    recorder = Recorder(RealWorld.around(cluster), services, events_since=-OLD_EVENTS)
    if not sys.stdout.isatty():
        recorder.look()
        print(_picture(recorder, colour=False, width=200, height=None))
        return
    with _own_screen(), contextlib.suppress(KeyboardInterrupt):
        shown = ""
        while True:
            recorder.look()
            size = shutil.get_terminal_size()
            picture = _picture(recorder, colour=True, width=size.columns, height=size.lines - 1)
            if picture != shown:
                sys.stdout.write(f"\033[H{_cleared(picture)}\033[J")
                sys.stdout.flush()
                shown = picture
            if _q_within(EVERY):
                return


def _print_json(cluster: LocalCluster, services: Sequence[str]) -> None:
    """One look, as `Peek.to_dict` has it."""
    from swarmpy import local

    with local.attach(cluster.name) as swarm:
        now = swarm.peek().to_dict()
    for what, key in (("services", "name"), ("tasks", "service")) if services else ():
        now[what] = [one for one in now[what] if one[key] in services]
    print(json.dumps(plain(now), indent=2))


def _picture(recorder: Recorder, *, colour: bool, width: int, height: int | None) -> str:
    return terminal.text(
        recorder.history, recorder.frame, colour=colour, width=width, height=height, tasks=True
    )


def _cleared(picture: str) -> str:
    """Each line erases what an older one left behind it."""
    return "".join(f"{line}\033[K\n" for line in picture.split("\n"))


@contextlib.contextmanager
def _own_screen() -> Iterator[None]:
    sys.stdout.write(ENTER)
    try:
        with _keys_at_once():
            yield
    finally:
        sys.stdout.write(LEAVE)
        sys.stdout.flush()


@contextlib.contextmanager
def _keys_at_once() -> Iterator[None]:
    """Keys come without Enter. Where input is no terminal, none do."""
    if not sys.stdin.isatty():
        yield
        return
    import termios
    import tty

    before = termios.tcgetattr(sys.stdin)
    try:
        tty.setcbreak(sys.stdin)
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def _q_within(seconds: float) -> bool:
    if not sys.stdin.isatty():
        time.sleep(seconds)
        return False
    ready, _, _ = select.select([sys.stdin], [], [], seconds)
    if not ready:
        return False
    keys = os.read(sys.stdin.fileno(), 1024)  # all that came: what Python buffers, select does not see
    return not keys or b"q" in keys.lower()
