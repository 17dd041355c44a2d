"""From words to calls: the parser, and the one place where errors become a sentence and an exit code."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from swarmpy._models.nearest import did_you_mean
from swarmpy._models.plain import NETS
from swarmpy.cli import (
    check,
    clusters,
    completion,
    fault,
    fault_words,
    images,
    notebooks,
    recover,
    story,
    test,
    top,
)
from swarmpy.errors import SwarmError

DESCRIPTION = (
    "Swarms of real daemons on this machine. For all else point docker at one: eval $(swarmpy env m1)"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 when all is well, 1 after an error, 2 for a wrong command line, 130 after Ctrl-C."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    words, command = _split_command(fault_words.unquoted(words))
    try:
        parser = _parser()
        options = parser.parse_args(words)
        if command and options.run not in (images.add, completion.complete):
            parser.error(f"unrecognized arguments: -- {' '.join(command)}")
        options.command = command
        return int(options.run(options) or 0)
    except SwarmError as error:
        hint = getattr(error, "shell", "") or error.hint
        print(f"swarmpy: {error.message}" + (f"\n  next: {hint}" if hint else ""), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("swarmpy: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        print(f"swarmpy: {error}", file=sys.stderr)
        return 1


def _split_command(words: list[str]) -> tuple[list[str], list[str]]:
    """What stands behind `--` is a command for an image and not ours to read."""
    if "--" not in words:
        return words, []
    at = words.index("--")
    return words[:at], words[at + 1 :]


def _replay(options: argparse.Namespace) -> int:
    from swarmpy.cli import replay  # it needs the simulator, which need not be built for the others

    return replay.run(options)


class _Parser(argparse.ArgumentParser):
    """Says which command is near to one that there is not."""

    def error(self, message: str) -> NoReturn:
        found = re.match(r"argument COMMAND: invalid choice: '(.*)' \(choose from (.*)\)$", message)
        if found is not None:
            known = re.findall(r"[\w-]+", found[2])
            message = f"there is no command {found[1]}; {did_you_mean(found[1], known, most=len(known))}"
        super().error(message)


def _parser() -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = _Parser(prog="swarmpy", description=DESCRIPTION)
    parser.add_argument(
        "--cluster", metavar="NAME", help="the cluster that is meant, where there are several"
    )
    parser.add_argument("--version", action="version", version=story.version_line())
    verbs = parser.add_subparsers(metavar="COMMAND", required=True)
    which = argparse.ArgumentParser(add_help=False)
    which.add_argument(
        "--cluster", metavar="NAME", default=argparse.SUPPRESS, help="the cluster that is meant"
    )
    told = argparse.ArgumentParser(add_help=False)
    told.add_argument("--json", action="store_true", help="print JSON")

    _add_clusters(verbs, which, told)
    _add_nodes(verbs, which, told)
    _add_unlock(verbs, which, told)
    _add_down(verbs, which, told)
    _add_images(verbs, which, told)
    fault.declare(verbs, which)
    _add_top(verbs, which, told)
    check.add_parser(verbs, which)
    recover.add_parser(verbs, which, told)
    test.add_parser(verbs)
    _add_replay(verbs, told)
    _add_completion(verbs, parser)
    _add_story(verbs, told)
    return parser


def _add_clusters(verbs: Any, which: argparse.ArgumentParser, told: argparse.ArgumentParser) -> None:
    up = verbs.add_parser("up", parents=[told], help="start daemons m1.. and w1.. and form them into a swarm")
    up.add_argument("--name", help='the name of the cluster (default: "default")')
    up.add_argument("--managers", type=int, default=3, metavar="N")
    up.add_argument("--workers", type=int, default=2, metavar="N")
    up.add_argument(
        "--net",
        choices=NETS,
        default=NETS[0],
        help="where nodes have their addresses: on the loopback (default), or in a network namespace each; "
        "auto: namespaces where this machine grants them",
    )
    up.add_argument("--no-init", action="store_true", help="leave the daemons outside any swarm")
    up.add_argument("--yes", action="store_true", help="do not ask before starting very many daemons")
    up.add_argument("--watch", action="store_true", help="then show it live, as `swarmpy top` does")
    up.set_defaults(run=clusters.up)

    ls = verbs.add_parser("ls", parents=[which, told], help="list clusters and their nodes")
    ls.add_argument("--format", choices=("table", "json"), default="table")
    ls.set_defaults(run=clusters.ls)

    env = verbs.add_parser("env", parents=[which, told], help="print how to point docker at a node")
    env.add_argument("node", metavar="NODE")
    env.set_defaults(run=clusters.env)


def _add_nodes(verbs: Any, which: argparse.ArgumentParser, told: argparse.ArgumentParser) -> None:
    node = verbs.add_parser("node", help="kill or start a node's daemon")
    on_node = node.add_subparsers(metavar="COMMAND", required=True)
    for verb, run, text in (
        ("kill", clusters.kill, "kill -9 a node's daemon; returns when it is dead"),
        ("start", clusters.start, "start a dead node's daemon; returns when its API answers"),
    ):
        one = on_node.add_parser(verb, parents=[which, told], help=text)
        one.add_argument("node", metavar="NODE")
        one.set_defaults(run=run)


def _add_unlock(verbs: Any, which: argparse.ArgumentParser, told: argparse.ArgumentParser) -> None:
    one = verbs.add_parser(
        "unlock",
        parents=[which, told],
        help="unlock a manager that is locked (autolock); asks for the key, or reads it from standard input",
    )
    one.add_argument("node", metavar="NODE")
    one.set_defaults(run=clusters.unlock)


def _add_down(verbs: Any, which: argparse.ArgumentParser, told: argparse.ArgumentParser) -> None:
    down = verbs.add_parser("down", parents=[which, told], help="end a cluster and forget it")
    down.add_argument("name", nargs="?", metavar="NAME")
    down.add_argument("--all", action="store_true", help="end every cluster")
    down.set_defaults(run=clusters.down)


def _add_images(verbs: Any, which: argparse.ArgumentParser, told: argparse.ArgumentParser) -> None:
    image = verbs.add_parser("image", help="what images mean on the process runner")
    on_image = image.add_subparsers(metavar="COMMAND", required=True)
    add = on_image.add_parser(
        "add",
        parents=[which, told],
        help="say which command an image is",
        usage="swarmpy image add NAME[:TAG] -- COMMAND...",
    )
    add.add_argument("reference", metavar="NAME:TAG")
    add.set_defaults(run=images.add)
    on_image.add_parser("ls", parents=[which, told], help="list images").set_defaults(run=images.ls)


def _add_top(verbs: Any, which: argparse.ArgumentParser, told: argparse.ArgumentParser) -> None:
    about = "nodes, services, tasks, events, live; q ends it; with --json one look"
    watch = verbs.add_parser("top", parents=[which, told], help=about)
    watch.add_argument("services", nargs="*", metavar="SERVICE", help="only these (default: all)")
    watch.set_defaults(run=top.top)


def _add_replay(verbs: Any, told: argparse.ArgumentParser) -> None:
    about = "make a saved run of a simulated swarm again, up to a moment"
    again = verbs.add_parser("replay", parents=[told], help=about)
    again.add_argument("file", metavar="FILE", help="what swarm.save() or a failed test wrote")
    again.add_argument("--until", metavar="T", help='a moment of the run: "1.40s" (default: its end)')
    again.add_argument("--events", type=int, default=5, metavar="N", help="show the last N steps (default 5)")
    again.add_argument("--html", metavar="OUT", help="write the timeline of the run into this file, too")
    again.add_argument("--force", action="store_true", help="also what another engine wrote")
    again.set_defaults(run=_replay)


def _add_completion(verbs: Any, parser: argparse.ArgumentParser) -> None:
    shell = verbs.add_parser("completion", help="print a script that completes words in your shell")
    shell.add_argument("shell", choices=tuple(completion.SCRIPTS))
    shell.set_defaults(run=completion.script)
    verbs.add_parser("complete").set_defaults(run=completion.complete, parser=parser)


def _add_story(verbs: Any, told: argparse.ArgumentParser) -> None:
    demo = verbs.add_parser("demo", help="play the story of a swarm, for real, in this terminal")
    demo.set_defaults(run=story.demo)
    about = "copy the notebooks and the page of first steps into a folder"
    copy = verbs.add_parser("notebooks", parents=[told], help=about)
    copy.add_argument("folder", metavar="DIR")
    copy.add_argument("--force", action="store_true", help="overwrite what is there")
    copy.set_defaults(run=notebooks.notebooks)
    verbs.add_parser("version", parents=[told], help="print the version").set_defaults(run=story.version)
