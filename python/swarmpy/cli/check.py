"""check: do invariants hold in what a swarm's daemons have recorded? Of a running swarm, or of a file."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from swarmpy.errors import InvalidArgument, SwarmError

if TYPE_CHECKING:
    from swarmpy._checks.checker import Checker

DESCRIPTION = (
    "Checks invariants (sp.inv) over the events that the managers of a running swarm have recorded, as far "
    "back as they keep them, or over a recording. Says what was not seen, and what events cannot tell of."
)
EPILOG = (
    "exit code: 0 all hold, 1 one is broken, 2 one that was asked for could not be judged (with --strict: or "
    "something was not seen), 130 after Ctrl-C, with the report so far"
)


def add_parser(verbs: Any, which: argparse.ArgumentParser) -> None:
    """`swarmpy check [FILE]`."""
    parser = verbs.add_parser(
        "check",
        parents=[which],
        help="check invariants over what real daemons have recorded",
        description=DESCRIPTION,
        epilog=EPILOG,
    )
    parser.add_argument(
        "file", nargs="?", metavar="FILE", help="a recording that is checked in place of a running swarm"
    )
    parser.add_argument(
        "--always",
        action="append",
        metavar="INVARIANT",
        help="what must hold: one_leader_per_term, 'at_least_running web 3', ...; may be repeated "
        "(default: all that need no argument)",
    )
    parser.add_argument("--for", dest="for_", metavar="SPAN", help="watch it so much longer: 30s, 5m")
    parser.add_argument("--record", metavar="FILE", help="write what was told into this file")
    parser.add_argument(
        "--host",
        action="append",
        metavar="URL",
        help="a manager of another swarm; may be repeated (default: DOCKER_HOST where no cluster is up)",
    )
    parser.add_argument("--strict", action="store_true", help="what was not seen is a failure, too")
    parser.add_argument("--list", action="store_true", help="say which invariants there are")
    parser.add_argument("--json", action="store_true", help="the report as JSON")
    parser.set_defaults(run=check)


def check(options: argparse.Namespace) -> int:
    """The exit code."""
    from swarmpy._checks.checker import Checker
    from swarmpy.event_check import EventCheck, Judged, invariants_of

    if options.list:
        return _list(options)

    def tell(one: Judged) -> None:
        if options.for_ and not options.json:
            print(f"BROKEN at {one.at:.3f}s: {one.name}: {one.why}", file=sys.stderr, flush=True)

    try:
        checker = Checker(invariants_of(options.always), asked_for=bool(options.always), on_broken=tell)
        code = 0
        try:
            _run(checker, options)
        except KeyboardInterrupt:
            code = 130
    except SwarmError as error:
        return _could_not(error.message, getattr(error, "shell", "") or error.hint or "", options)
    except OSError as error:
        return _could_not(str(error), "", options)
    report: EventCheck = checker.report()
    print(json.dumps(report.to_dict(), indent=2) if options.json else report, flush=True)
    if report.broken or code:
        return 1 if report.broken else code
    return 2 if options.strict and report.notes else report.exit_code


def _run(checker: Checker, options: argparse.Namespace) -> None:
    from swarmpy import duration

    span = duration.seconds(_number(options.for_)) if options.for_ else 0.0
    if options.file is not None:
        if options.for_ or options.record or options.host or getattr(options, "cluster", None):
            raise InvalidArgument(
                "a recording is checked alone",
                hint=f"swarmpy check {options.file} --always one_leader_per_term",
            )
        checker.read(Path(options.file))
        return
    record = Path(options.record) if options.record else None
    checker.watch(_hub(options), span, record, own_clock=False)


def _number(text: str) -> Any:
    """`--for 30` is thirty seconds."""
    try:
        return float(text)
    except ValueError:
        return text


def _hub(options: argparse.Namespace) -> Any:
    """Of the cluster that is meant, or of the swarm at `--host`."""
    from swarmpy._cluster import LocalCluster
    from swarmpy._hub import Hub

    hosts = list(options.host or ())
    if hosts and getattr(options, "cluster", None):
        raise InvalidArgument("--host and --cluster exclude each other", hint="swarmpy check --cluster NAME")
    if not hosts and not getattr(options, "cluster", None) and os.environ.get("DOCKER_HOST"):
        hosts = [] if LocalCluster.all() else [os.environ["DOCKER_HOST"]]
    if hosts:
        from swarmpy._world.remote import RemoteWorld

        return Hub(RemoteWorld(*hosts))
    from swarmpy._world.real import RealWorld
    from swarmpy.cli import pick

    return Hub(RealWorld.around(pick.cluster(options)))


def _list(options: argparse.Namespace) -> int:
    from swarmpy import inv
    from swarmpy._checks.panel import NOT_RECORDED

    rows = [(*_about(one), NOT_RECORDED.get(one.kind, "")) for one in inv._known()]
    if options.json:
        print(json.dumps([dict(zip(("invariant", "about", "not_judged"), row, strict=True)) for row in rows]))
        return 0
    for form, about, why in rows:
        print(f"{form}\n  {about}" + (f"\n  not judged from events: {why}" if why else ""))
    return 0


def _about(one: Any) -> tuple[str, str]:
    return one.form, " ".join(one.about.split())


def _could_not(why: str, hint: str, options: argparse.Namespace) -> int:
    if options.json:
        told = {"swarmpy": "check", "holds": False, "exit_code": 2, "error": why, "hint": hint}
        print(json.dumps(told, indent=2))
    else:
        print(f"swarmpy: {why}" + (f"\n  next: {hint}" if hint else ""), file=sys.stderr)
    return 2
