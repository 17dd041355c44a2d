"""page: a chronicle, and what is known of its run, as one HTML text."""

from __future__ import annotations

import html
import json
import os
from functools import cache
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from swarmpy._timeline.source import Broken, Failure, Told, chronicle_of, failure_from

# In this order: each uses what stands before it.
SCRIPTS = (
    "data", "axis", "lanes", "paint", "draw", "draw_rows", "overview", "details", "controls", "main"
)  # fmt: skip


def chronicle_html(
    chronicle: Told,
    *,
    title: str = "",
    failure: Broken | Told | None = None,
    replay: str = "",
) -> str:
    """The page of a chronicle (`json.loads(core.chronicle())`).

    `title`: empty: made of the seed. `failure` (or a mapping with `invariant`, `what` and `at` in seconds) is
    marked where the engine has not recorded one itself. `replay`: the line that makes the run again.
    """
    told = _with_failure(chronicle, failure_from(failure))
    heading = title or _title(told)
    data = {"chronicle": told, "title": heading, "replay": replay}
    return Template(_part("page.html")).substitute(
        title=html.escape(heading),
        about=html.escape(about(told)),
        label=html.escape(_label(told)),
        legend=_part("legend.html"),
        style=_part("timeline.css"),
        data=_in_script(data),
        script=_script(),
    )


def timeline_html(
    run: Any, *, title: str = "", failure: Broken | Told | None = None, replay: str = ""
) -> str:
    """The page of a run: a simulated swarm, or what `replay(path)` gives; see `chronicle_html`."""
    chronicle, found = chronicle_of(run)
    return chronicle_html(chronicle, title=title, failure=failure or found, replay=replay)


def save_timeline(
    run: Any,
    path: str | os.PathLike[str],
    *,
    title: str = "",
    failure: Broken | Told | None = None,
    replay: str = "",
) -> Path:
    """Writes the page of a run, whole or not at all. Returns its path."""
    return write(timeline_html(run, title=title, failure=failure, replay=replay), path)


def write(text: str, path: str | os.PathLike[str]) -> Path:
    """A page into a file, whole or not at all. Returns its path."""
    where = Path(path)
    beside = where.with_name(f"{where.name}.{os.getpid()}.part")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(where)
    finally:
        beside.unlink(missing_ok=True)
    return where


# ---- what stands in the page


def _with_failure(chronicle: Told, failure: Failure | None) -> dict[str, Any]:
    told = dict(chronicle)
    if failure is None or told["broken"]["rows"]:
        return told
    row = [round(failure.at * 1e9), -1, failure.invariant, failure.what]
    told["broken"] = {**told["broken"], "rows": [row]}
    return told


def _title(told: Told) -> str:
    return f"Timeline of seed {told['seed']}"


def about(told: Told) -> str:
    """What the page tells, in a line."""
    from swarmpy import __version__

    managers = sum(node["manages"] for node in told["nodes"])
    workers = len(told["nodes"]) - managers
    events = sum(
        len(told[name]["rows"]) for name in ("messages", "moves", "calls", "fetches", "roles", "faults")
    )
    span = (told["now"] - told["since"]) / 1e9
    parts = [
        f"seed {told['seed']}",
        f"{_count(managers, 'manager')}, {_count(workers, 'worker')}",
        f"{span:.2f} s of virtual time",
        f"{events:,} events",
        f"swarmpy {__version__}",
    ]
    return " · ".join(parts)


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _label(told: Told) -> str:
    names = ", ".join(node["name"] for node in told["nodes"][:12])
    return (
        f"Lanes of the nodes {names} over time. The list beside it says what happened. "
        "Keys: plus and minus zoom, arrows move, f goes to the next failure, slash filters."
    )


def _in_script(data: object) -> str:
    """JSON that no text in it can end: not the script, nor a comment in it."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


@cache
def _part(name: str) -> str:
    return files("swarmpy._timeline").joinpath(name).read_text(encoding="utf-8")


@cache
def _script() -> str:
    parts = [_part(f"{name}.js") for name in SCRIPTS]
    return '"use strict";\n(() => {\n' + "\n".join(parts) + "})();"
