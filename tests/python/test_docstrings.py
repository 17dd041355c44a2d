"""Everything that a user meets says what it is: docstrings everywhere, nouns in `help()`, a readable help."""

from __future__ import annotations

import inspect
import pydoc
from collections.abc import Iterator
from typing import get_args, get_type_hints

import pytest

import swarmpy as sp
from swarmpy.options import Common, CreateOptions, Options, UpdateOptions

PUBLIC = sorted({*sp.__all__, *(name for name in dir(sp) if not name.startswith("_"))})


def members(kind: type) -> Iterator[tuple[str, object]]:
    """Public methods and properties that the class itself, or one of ours that it is made of, has."""
    for base in kind.__mro__:
        if base.__module__.startswith("swarmpy"):
            yield from ((name, value) for name, value in vars(base).items() if not name.startswith("_"))


def text_of(value: object) -> str | None:
    if isinstance(value, property):
        return value.fget.__doc__ if value.fget else None
    if isinstance(value, classmethod | staticmethod):
        return value.__func__.__doc__
    return value.__doc__ if inspect.isfunction(value) else "a field, told of in the class's text"


@pytest.mark.parametrize("kind", [*map(sp.__getattr__, sp.__all__), sp.aio.Swarm], ids=repr)
def test_every_public_member_has_a_docstring(kind: object) -> None:
    assert (kind.__doc__ or "").strip()
    if inspect.isclass(kind):
        without = [name for name, value in members(kind) if not (text_of(value) or "").strip()]
        assert not without


@pytest.mark.parametrize("name", [name for name in PUBLIC if inspect.isclass(getattr(sp, name, None))])
def test_so_has_everything_else_that_can_be_named(name: str) -> None:
    kind = getattr(sp, name)
    assert (kind.__doc__ or "").strip()
    assert not [member for member, value in members(kind) if not (text_of(value) or "").strip()]


def test_the_nouns_are_there_and_in_the_help() -> None:
    text = pydoc.render_doc(sp.Swarm, renderer=pydoc.plaintext)
    for noun in ("nodes", "services", "networks", "stacks", "http"):
        assert isinstance(vars(sp.Swarm)[noun], property)
        assert f" |  {noun}\n" in text
    for name in (
        "Services",
        "Nodes",
        "Networks",
        "Stacks",
        "Door",
        "ClusterError",
        "Outcome",
        "Event",
        "Cluster",
    ):
        assert name in sp.__all__ and getattr(sp, name).__name__ == name


def test_help_of_the_package_can_be_read() -> None:
    text = pydoc.render_doc(sp, renderer=pydoc.plaintext)
    assert len(text.splitlines()) < 2200
    assert "class Service(" in text and "capitalize" not in text


@pytest.mark.parametrize(
    ("method", "options"), [(sp.Services.create, CreateOptions), (sp.Service.update, UpdateOptions)]
)
def test_each_option_is_in_the_signature_and_in_the_help(method: object, options: type) -> None:
    named = inspect.signature(method).parameters  # type: ignore[arg-type]
    text = pydoc.render_doc(method, renderer=pydoc.plaintext)
    for name, kind in get_type_hints(options, include_extras=True).items():
        assert name in named and f"  {name}: {get_args(kind)[1]}" in text
    assert {*get_type_hints(Common)} < {*get_type_hints(Options)} < {*get_type_hints(UpdateOptions)}


def test_tab_completes_what_objects_have() -> None:
    with sp.Swarm(seed=1) as c:
        assert {"nodes", "services", "http", "events"} <= {*dir(c)}
        assert {"append", "running", "sort"} <= {*dir(c.services.create("nginx").tasks)}
    assert {"TaskState", "NoQuorum", "attach", "aio"} <= {*dir(sp)}
    assert "RUNNING" in dir(sp.TaskState) and "upper" in dir(sp.TaskState.RUNNING)
