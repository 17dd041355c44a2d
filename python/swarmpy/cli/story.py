"""demo, version."""

from __future__ import annotations

import argparse
import json

import swarmpy


def demo(_: argparse.Namespace) -> int:
    from swarmpy.demo import play  # here: no other command needs it

    return play()


def version(options: argparse.Namespace) -> None:
    print(json.dumps({"version": swarmpy.__version__}) if options.json else version_line())


def version_line() -> str:
    return f"swarmpy {swarmpy.__version__}"
