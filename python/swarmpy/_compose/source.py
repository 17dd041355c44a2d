"""Where a compose file comes from: YAML on the disk, or a mapping in Python."""

from __future__ import annotations

import copy
import importlib
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

from swarmpy.errors import InvalidArgument, SwarmError

Source: TypeAlias = str | Path | Mapping[str, Any]

# What plain words mean, as in Docker's YAML (yaml.v3, whose core is YAML 1.2): `22:22` is a text, and so is
# `yes`.
_MEANINGS = (
    ("bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), "tTfF"),
    ("int", re.compile(r"^[-+]?(?:0b[01_]+|0x[0-9a-fA-F_]+|0o?[0-7_]+|[1-9][0-9_]*|0)$"), "-+0123456789"),
    ("float", re.compile(r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$"), "-+0123456789."),
)


def read(source: Source) -> tuple[dict[str, Any], Path]:
    """The document, and the folder that its paths are relative to: the file's own, or the present one.

    Raises `InvalidArgument` for what is no file, no YAML or no mapping, `SwarmError` without PyYAML.
    """
    if isinstance(source, Mapping):
        return _named(copy.deepcopy(dict(source)), ""), Path.cwd()
    if not isinstance(source, str | Path):
        raise InvalidArgument(f"a stack is a path or a mapping, not {source!r}")
    path = Path(source)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise InvalidArgument(f"open {str(path)[:200]}: {why}", hint=_FILE_HINT) from None
    return _parsed(text, str(path)), path.resolve().parent


_FILE_HINT = 'Give the path of a compose file ("compose.yml"), or a mapping: {"services": {...}}.'


def _parsed(text: str, name: str) -> dict[str, Any]:
    yaml = _yaml()
    try:
        _refuse_bombs(yaml.compose(text, Loader=_loader()), name)
        document = yaml.load(text, Loader=_loader())
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1})" if mark else ""
        raise InvalidArgument(f"{name}: {getattr(error, 'problem', None) or error}{where}") from None
    if not isinstance(document, dict):
        raise InvalidArgument(f"{name}: top-level object must be a mapping")
    named: dict[str, Any] = _named(document, "")
    return named


_MOST_NODES = 100_000


def _refuse_bombs(root: Any, name: str) -> None:
    """Raises for a document whose aliases make it larger than any compose file is, or endless."""
    sizes: dict[int, int] = {}
    open_nodes: set[int] = set()

    def size(node: Any) -> int:
        if id(node) in open_nodes:
            raise InvalidArgument(f"{name}: an alias stands within what it names")
        if id(node) not in sizes:
            open_nodes.add(id(node))
            sizes[id(node)] = 1 + sum(map(size, _parts(node)))
            open_nodes.discard(id(node))
        return sizes[id(node)]

    if root is not None and size(root) > _MOST_NODES:
        raise InvalidArgument(f"{name}: document contains excessive aliasing")


def _parts(node: Any) -> list[Any]:
    if not isinstance(node.value, list):
        return []
    return [part for one in node.value for part in (one if isinstance(one, tuple) else (one,))]


def _named(value: Any, where: str) -> Any:
    """The same, once it is sure that every key is a text."""
    if isinstance(value, list):
        return [_named(one, f"{where}[{number}]") for number, one in enumerate(value)]
    if not isinstance(value, dict):
        return value
    for key in value:
        if not isinstance(key, str):
            raise InvalidArgument(f"non-string key {f'in {where}' if where else 'at top level'}: {key!r}")
    return {key: _named(one, f"{where}.{key}" if where else key) for key, one in value.items()}


def _yaml() -> Any:
    try:
        return importlib.import_module("yaml")
    except ImportError:
        raise SwarmError(
            "to read a compose file needs PyYAML, which is not installed",
            code="FailedPrecondition",
            hint="pip install 'swarmpy[stacks]', or give the stack as a mapping.",
        ) from None


@cache
def _loader() -> Any:
    """PyYAML's safe loader with Docker's meanings; a key that is there twice is an error."""
    yaml: Any = _yaml()
    base: Any = yaml.SafeLoader

    class Loader(base):  # type: ignore[misc]
        yaml_implicit_resolvers = _without_old_meanings(base.yaml_implicit_resolvers)

        def compose_mapping_node(self, anchor: Any) -> Any:
            node = super().compose_mapping_node(anchor)
            seen: set[str] = set()
            for key, _ in node.value:
                if key.value in seen and key.value != "<<":
                    raise yaml.MarkedYAMLError(
                        problem=f'mapping key "{key.value}" already defined', problem_mark=key.start_mark
                    )
                seen.update([key.value] if isinstance(key.value, str) else [])
            return node

    for word, pattern, first in _MEANINGS:
        Loader.add_implicit_resolver(f"tag:yaml.org,2002:{word}", pattern, list(first))
    Loader.add_constructor("tag:yaml.org,2002:int", _whole_number)
    return Loader


def _without_old_meanings(resolvers: Mapping[str, Any]) -> dict[str, Any]:
    old = {f"tag:yaml.org,2002:{word}" for word in ("bool", "int", "float", "timestamp")}
    return {first: [one for one in known if one[0] not in old] for first, known in resolvers.items()}


def _whole_number(loader: Any, node: Any) -> int:
    digits = loader.construct_scalar(node).replace("_", "")
    octal = re.fullmatch(r"([-+]?)0([0-7]+)", digits)
    return int(f"{octal[1]}0o{octal[2]}", 8) if octal else int(digits, 0)
