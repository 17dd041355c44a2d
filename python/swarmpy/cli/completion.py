"""completion: a script for bash, zsh or fish. The shell asks `swarmpy complete -- WORDS...` at each Tab, so
what is offered is what there is now: clusters and nodes from their folders, services from the API.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from swarmpy._cluster import LocalCluster
from swarmpy.errors import SwarmError

ASK_SECONDS = 1.0

SCRIPTS = {
    "bash": """\
_swarmpy() {
  local IFS=$'\\n'
  COMPREPLY=($(swarmpy complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _swarmpy swarmpy
""",
    "zsh": """\
#compdef swarmpy
_swarmpy() {
  local -a found
  found=("${(@f)$(swarmpy complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  compadd -- $found
}
compdef _swarmpy swarmpy
""",
    "fish": """\
complete -c swarmpy -f -a '(swarmpy complete -- (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)'
""",
}


def script(options: argparse.Namespace) -> None:
    print(SCRIPTS[options.shell], end="")


def complete(options: argparse.Namespace) -> None:
    """Prints what may stand where the last word is being written, one a line."""
    words = options.command or [""]
    for one in sorted(candidates(options.parser, words)):
        print(one)


def candidates(parser: argparse.ArgumentParser, words: list[str]) -> set[str]:
    """Walks the parser along the words that are complete; offers what fits the last."""
    *done, begun = words
    cluster, awaited, positional = "", None, 0
    for before, word in zip(["", *done], done, strict=False):
        if before == "--cluster":
            cluster = word
        if awaited is not None:
            awaited = None
            continue
        if word.startswith("-"):
            option = parser._option_string_actions.get(word)
            awaited = option if option is not None and option.nargs != 0 else None
            continue
        verbs = _verbs(parser)
        if word in verbs:
            parser, positional = verbs[word], 0
        elif verbs:
            return set()  # no such command
        else:
            positional += 1
    offered = _values(awaited, cluster) if awaited else _next(parser, positional, begun, cluster)
    return {one for one in offered if one.startswith(begun)}


def _next(parser: argparse.ArgumentParser, positional: int, begun: str, cluster: str) -> Iterable[str]:
    if begun.startswith("-"):
        return parser._option_string_actions
    verbs = _verbs(parser)
    if verbs:
        return [verb for verb in verbs if verb != "complete"]
    actions = parser._get_positional_actions()
    return _values(actions[positional], cluster) if positional < len(actions) else ()


def _verbs(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def _values(action: argparse.Action, cluster: str) -> Iterable[str]:
    if action.choices is not None:
        return [str(choice) for choice in action.choices]
    kind = action.metavar if isinstance(action.metavar, str) else ""
    if kind == "NODE":
        return [node.name for one in _clusters(cluster) for node in one.nodes]
    if kind == "SERVICE":
        return [name for one in _clusters(cluster) for name in _services(one)]
    if kind == "INVARIANT":
        from swarmpy import inv

        return [one.kind for one in inv._known()]
    if kind == "NAME":
        return [one.name for one in LocalCluster.all()]
    return ()


def _clusters(name: str) -> list[LocalCluster]:
    try:
        return [LocalCluster.open(name)] if name else LocalCluster.all()
    except SwarmError:
        return []


def _services(cluster: LocalCluster) -> list[str]:
    local = {"swarmpy-consistency": "local"}
    for node in cluster.nodes:
        if node.alive:
            try:
                listed = node.door.get("/services", timeout=ASK_SECONDS, headers=local)
            except SwarmError:
                continue
            return [service["Spec"]["Name"] for service in listed]
    return []
