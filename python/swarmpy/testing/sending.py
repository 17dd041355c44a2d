"""How a test gets into another process: by the name of its module where it has one, else by value.

By name, the other process imports the module (or the file, where it has no such module). By value,
cloudpickle does it: for tests of a notebook, of a script that is run, or inside another function.
"""

from __future__ import annotations

import importlib
import importlib.util
import pickle
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from swarmpy.errors import InvalidArgument
from swarmpy.testing.mask import Shape
from swarmpy.testing.trial import Record, function_call, run_once, sent

_loaded: dict[str, ModuleType] = {}


@dataclass(frozen=True)
class ByName:
    """A function in a module. `file`: where it was found, for a process that has no such module."""

    module: str
    qualname: str
    file: str

    def function(self) -> Callable[..., Any]:
        found: Any = _module(self.module, self.file)
        owner = None
        for name in self.qualname.split("."):
            owner, found = found, getattr(found, name)
        if isinstance(owner, type):
            found = getattr(owner(), self.qualname.rpartition(".")[2])
        inner = getattr(found, "seed_function", None)
        return inner if inner is not None else found  # type: ignore[no-any-return]


@dataclass(frozen=True)
class ByValue:
    pickled: bytes

    def function(self) -> Callable[..., Any]:
        return pickle.loads(self.pickled)  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Parcel:
    """All that a process needs to run some seeds of a test."""

    test: str
    shape: Shape
    how: ByName | ByValue
    arguments: bytes

    def run(self, seeds: Sequence[int]) -> list[Record]:
        """In the other process."""
        call = function_call(self.how.function(), pickle.loads(self.arguments))
        return [sent(run_once(self.test, call, self.shape, seed)) for seed in seeds]


def parcel(
    test: str,
    function: Callable[..., Any],
    called: Callable[..., Any],
    shape: Shape,
    arguments: Mapping[str, Any],
) -> Parcel:
    """`function`: as it stands in its module; `called`: as a seed calls it. Raises `InvalidArgument`, with
    the reason, when it cannot be sent.
    """
    try:
        pickled = pickle.dumps(dict(arguments))
    except Exception as error:
        raise InvalidArgument(
            f"the arguments of {test} cannot be sent to another process: {error}",
            hint='Run it in this one: executor="here".',
        ) from None
    return Parcel(test, shape, _how(test, function, called), pickled)


def _how(test: str, function: Callable[..., Any], called: Callable[..., Any]) -> ByName | ByValue:
    module, qualname = function.__module__, function.__qualname__
    file = getattr(sys.modules.get(module), "__file__", "") or ""
    if module != "__main__" and "<locals>" not in qualname and file:
        return ByName(module, qualname, str(Path(file).resolve()))
    try:
        cloudpickle = importlib.import_module("cloudpickle")
    except ModuleNotFoundError:
        where = "in a notebook or a script that is run" if module == "__main__" else "inside another function"
        raise InvalidArgument(
            f"{test} is made {where}: no other process can import it",
            hint='Put it into a module, pip install cloudpickle, or run it in this process: executor="here".',
        ) from None
    return ByValue(cloudpickle.dumps(called))


def _module(name: str, file: str) -> ModuleType:
    """By its name, if that means the same file; else the file."""
    found = sys.modules.get(name) or _loaded.get(file)
    if found is None:
        try:
            found = importlib.import_module(name)
        except ImportError:
            found = None
    if found is not None and _is(found, file):
        return found
    return _load(name, file)


def _is(module: ModuleType, file: str) -> bool:
    there = getattr(module, "__file__", None)
    return bool(there) and str(Path(str(there)).resolve()) == file


def _load(name: str, file: str) -> ModuleType:
    if file in _loaded:
        return _loaded[file]
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None or not Path(file).exists():
        raise InvalidArgument(
            f"this process has neither a module {name} nor the file {file}",
            hint="Each worker needs the test: install it there, or share the folder.",
        )
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(name, module)
    spec.loader.exec_module(module)
    _loaded[file] = module
    return module
