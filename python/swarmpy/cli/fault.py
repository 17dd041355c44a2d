"""fault: break a local cluster, or a served simulated swarm, from a shell.

`swarmpy fault freeze w1 --for 3s` begins it and returns; it ends by itself, by `swarmpy fault heal`, or with
the cluster. The kinds and their words are those of `c.faults`; the text of a fault is taken as it is printed.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from swarmpy._faults.breaker import Breaker
from swarmpy._faults.text import EXAMPLES
from swarmpy._faults.words import KINDS, MOMENTARY, Parameter, Place, Type
from swarmpy.cli import fault_words, pick
from swarmpy.cli.table import table
from swarmpy.errors import NotFound, SwarmError
from swarmpy.plan import Fault, Plan

HELP = {
    "partition": "cut nodes off: leader, minority, NODE, or sides: m1 '|' m2 m3",
    "cut": "nothing gets through between two ends ('*': all others)",
    "net": "a slow or lossy network between two ends",
    "hold": "keep what two ends say to each other, and deliver it in one burst",
    "throttle": "what a node does takes so many times as long",
    "disk": "a disk that is slow, full, or fails",
    "clock": "a node's clock that is off or runs at another rate",
    "freeze": "SIGSTOP to a node's daemon; SIGCONT when it ends",
    "power_off": "a machine is gone without a word; it starts when the fault ends",
    "stop": "an orderly stop; it starts when the fault ends",
    "kill": "kill -9 a node's daemon; it starts when the fault ends",
    "kill_task": "kill -9 one task's process: TASK is its id or a name such as web.1",
    "port": "another program has a port of a node",
    "image": "how the tasks of an image behave from now on",
    "transfer": "leadership is handed over (simulated swarms)",
}


def declare(verbs: Any, which: argparse.ArgumentParser) -> None:
    """The command and all that stands under it."""
    fault = verbs.add_parser("fault", help="break something on purpose, and heal it")
    under = fault.add_subparsers(metavar="COMMAND", required=True)
    where = argparse.ArgumentParser(add_help=False, parents=[which])
    where.add_argument(
        "--host", metavar="URL", help="a served simulated swarm (default: DOCKER_HOST where no cluster is up)"
    )
    where.add_argument("--json", action="store_true", help="say it in JSON")
    one = under.add_parser("list", parents=[where], help="the faults of this moment")
    one.set_defaults(run=ls)
    one = under.add_parser("history", parents=[where], help="what has happened, as a plan")
    one.set_defaults(run=history)
    one = under.add_parser("heal", parents=[where], help="end all faults, or those of these numbers")
    one.add_argument("numbers", nargs="*", type=int, metavar="ID")
    one.set_defaults(run=heal)
    one = under.add_parser("run", parents=[where], help="run a plan; returns when it is over, Ctrl-C heals")
    one.add_argument("plan", metavar="PLAN.json", help="a file (-: stdin) with its JSON, or a fault a line")
    one.set_defaults(run=run)
    for kind, parameters in KINDS.items():
        _declare_kind(under, where, kind, parameters)


def _declare_kind(
    under: Any, where: argparse.ArgumentParser, kind: str, parameters: tuple[Parameter, ...]
) -> None:
    one = under.add_parser(kind, parents=[where], help=HELP[kind], aliases=_aliases(kind))
    one.set_defaults(run=begin, kind=kind)
    one._negative_number_matcher = fault_words.NO_OPTION
    for parameter in parameters:
        _declare_argument(one, parameter)
    if kind != "partition":  # its sides are all words already
        text = "its text form goes on here: " + EXAMPLES[kind].replace("->", "'->'")
        one.add_argument("words", nargs="*", default=[], metavar="WORD", help=text)
    if kind not in MOMENTARY:
        one.add_argument(
            "--for", dest="for_", metavar="SPAN", help="how long (3s, 500ms); default: until healed"
        )


def _aliases(kind: str) -> list[str]:
    return [kind.replace("_", "-")] if "_" in kind else []


def _declare_argument(one: argparse.ArgumentParser, parameter: Parameter) -> None:
    key, flag = parameter.key, "--" + parameter.key.replace("_", "-")
    if parameter.place is Place.WORD:
        one.add_argument(key, metavar=key.upper())
    elif key == "from":
        one.add_argument("from", metavar="NODE", help="a node, or several: m1,m2")
        one.add_argument("to", metavar="NODE", nargs="?", help="default: all others")
    elif key == "both":
        one.add_argument(
            "--one-way", dest="both", action="store_const", const=False, help="first to second only"
        )
    elif key == "groups":
        one.add_argument(
            "sides", metavar="NODE", nargs="+", help="leader, minority, nodes; '|' between sides; for 3s"
        )
    elif parameter.place is not Place.KEYED:
        return
    elif parameter.type is Type.FLAG and parameter.default:
        one.add_argument(f"--no-{key}", dest=key, action="store_const", const=False)
    elif parameter.type is Type.FLAG:
        one.add_argument(flag, dest=key, action="store_const", const=True)
    elif parameter.type is Type.ERRORS:
        one.add_argument(flag, dest=key, metavar="write=EIO,fsync=ENOSPC")
    else:
        one.add_argument(flag, dest=key, metavar="SPAN" if parameter.type is Type.SPAN else "N")


def begin(options: argparse.Namespace) -> None:
    try:
        fault = fault_words.read(options)
        with _breaker(options) as breaker:
            number = breaker.begin(_waited_for(fault, breaker))
            active = dict(breaker.active())
    except SwarmError as error:
        raise _in_a_shell(error, options.kind) from None
    shown = active[number].but(at=None) if number in active else fault
    print(json.dumps({"id": number, "fault": shown.to_dict()}) if options.json else f"{number}  {shown}")


def _waited_for(fault: Fault, breaker: Breaker) -> Fault:
    """This command waits and begins a real fault itself when it is time. A simulation does it by itself."""
    from swarmpy._faults.served import ServedBreaker

    if not fault.at or isinstance(breaker, ServedBreaker):
        return fault
    breaker.check(fault)
    time.sleep(fault.at)
    return fault.but(at=None)


def _in_a_shell(error: SwarmError, kind: str) -> SwarmError:
    """Its next step, where that is said in Python's words."""
    if "c.faults." in error.hint:
        leader = "Stop the leader: swarmpy fault stop leader --for 1s; it hands over first."
        error.shell = leader if kind == "transfer" else f"See: swarmpy fault {kind} --help"
    return error


def ls(options: argparse.Namespace) -> None:
    with _breaker(options) as breaker:
        found = breaker.active()
    if options.json:
        print(json.dumps([{"id": number, "fault": fault.to_dict()} for number, fault in found]))
    else:
        print(table(("ID", "FAULT"), [(str(number), str(fault.but(at=None))) for number, fault in found]))


def history(options: argparse.Namespace) -> None:
    with _breaker(options) as breaker:
        plan = breaker.history()
    print(plan.to_json() if options.json else str(plan))


def heal(options: argparse.Namespace) -> None:
    with _breaker(options) as breaker:
        before = dict(breaker.active())
        if options.numbers:
            for number in options.numbers:
                breaker.end(number)
        else:
            breaker.heal()
        healed = {
            number: fault
            for number, fault in before.items()
            if not options.numbers or number in options.numbers
        }
    if options.json:
        print(json.dumps({"healed": sorted(healed)}))
    else:
        for number, fault in healed.items():
            print(f"{number}  {fault.but(at=None)}")
    for number in options.numbers:
        if number not in before:
            raise NotFound(f"no fault {number} is under way", hint=_under_way(before))


def _under_way(faults: dict[int, Fault]) -> str:
    """Those that can be ended. One that had its time has ended by itself."""
    return f"There are: {', '.join(map(str, sorted(faults)))}." if faults else "All of them have ended."


def run(options: argparse.Namespace) -> None:
    plan = Plan.read(sys.stdin.read()) if options.plan == "-" else Plan.load(Path(options.plan))
    with _breaker(options) as breaker:
        numbers = breaker.run(plan)
        left = max([0.0, *((fault.at or 0.0) + (fault.for_ or 0.0) for fault in plan)])
        try:
            time.sleep(left + 0.05)
            skipped = [str(one) for number, one in breaker.skipped() if number in numbers]
        finally:
            for number in numbers:
                breaker.end(number)
    for sentence in skipped:
        print(f"swarmpy: {sentence}", file=sys.stderr)
    ran = len(numbers) - len(skipped)
    print(json.dumps({"ran": ran, "skipped": skipped}) if options.json else f"ran {ran} faults")


@contextlib.contextmanager
def _breaker(options: argparse.Namespace) -> Iterator[Breaker]:
    """Of the cluster that is meant, or of the swarm that is served at `--host`."""
    host = options.host or ("" if options.cluster or _some_cluster() else os.environ.get("DOCKER_HOST", ""))
    if host:
        from swarmpy._faults.served import ServedBreaker

        yield ServedBreaker(host)
        return
    from swarmpy._faults.real import RealBreaker

    try:
        cluster = pick.cluster(options)
    except SwarmError as error:
        if not options.cluster and not _some_cluster():
            error.shell = "start one: swarmpy up; or say where a simulated swarm is served: --host URL"
        raise
    yield RealBreaker(cluster)


def _some_cluster() -> bool:
    from swarmpy._cluster import LocalCluster

    return bool(LocalCluster.all())
