"""demo, version."""

from __future__ import annotations

import argparse


def demo(_: argparse.Namespace) -> int:
    from swarmpy.demo import play  # here: no other command needs it

    return play()


def version(_: argparse.Namespace) -> None:
    import swarmpy

    print(f"swarmpy {swarmpy.__version__}")
