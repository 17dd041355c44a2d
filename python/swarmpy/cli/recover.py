"""recover: out of a lost majority, with the manager whose log is the newest."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from typing import Any

from swarmpy.cli import pick

DESCRIPTION = (
    "Shows what each manager of a swarm without a leader has, and with --yes makes a new Raft group of the "
    "one whose log is the newest, with all services and tasks. Refuses what could lose an acknowledged write."
)
EPILOG = "exit code: 0 it may be done, or was done; 1 it is refused, and nothing was changed"


def add_parser(verbs: Any, which: argparse.ArgumentParser, told: argparse.ArgumentParser) -> None:
    """`swarmpy recover`."""
    about = "make a new Raft group when the majority of the managers is lost"
    parser = verbs.add_parser(
        "recover", parents=[which, told], help=about, description=DESCRIPTION, epilog=EPILOG
    )
    parser.add_argument("--from", dest="from_", metavar="MANAGER", help="it must be this one")
    parser.add_argument(
        "--lost", action="append", default=[], metavar="MANAGER", help="it never comes back; may be repeated"
    )
    parser.add_argument("--yes", action="store_true", help="do it (default: only show)")
    parser.set_defaults(run=recover)


def recover(options: argparse.Namespace) -> int:
    """The exit code."""
    from swarmpy.local import attach

    swarm = attach(pick.cluster(options).name)
    try:
        found = swarm.recover(options.from_, lost=options.lost, dry_run=not options.yes)
    finally:
        swarm.close()
    if options.json:
        print(json.dumps(asdict(found), indent=2))
        return 1 if found.refused else 0
    print(found.table())
    if found.refused:
        print(f"refused: {found.refused}\n{found.shell}", file=sys.stderr)
        return 1
    print(found.verdict("swarmpy recover --yes" if not options.lost else _again(options.lost)))
    return 0


def _again(lost: list[str]) -> str:
    return " ".join(["swarmpy recover", *(f"--lost {name}" for name in lost), "--yes"])
