"""demo, version."""

from __future__ import annotations

import argparse

import swarmpy


def demo(_: argparse.Namespace) -> int:
    from swarmpy.demo import play  # here: no other command needs it

    return play()


def version(_: argparse.Namespace) -> None:
    print(version_line())


def version_line() -> str:
    return f"swarmpy {swarmpy.__version__}"
