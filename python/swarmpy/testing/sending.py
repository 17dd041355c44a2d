"""How a test gets into another process: by the name of its module where it has one, else by value.

By name, the other process imports the module (or the file, where it has no such module). By value,
cloudpickle does it: for tests of a notebook, of a script that is run, or inside another function.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import importlib.util
import pickle
import sys
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from swarmpy.errors import InvalidArgument
from swarmpy.testing.mask import Shape
from swarmpy.testing.trial import Record, function_call, run_once, sent

_loaded: dict[str, tuple[str, ModuleType]] = {}  # by file: a hash of it as it was then, and its module


@dataclass(frozen=True)
class ByName:
    """A function in a module. `file`: where it was found, for a process that has no such module; `content`:
    a hash of it, for a process that has an older one.
    """

    module: str
    qualname: str
    file: str
    content: str

    def function(self) -> Callable[..., Any]:
        """Returns the function; imports its module if need be."""
        found: Any = _module(self)
        owner = None
        for name in self.qualname.split("."):
            owner, found = found, getattr(found, name)
        if isinstance(owner, type):
            found = getattr(owner(), self.qualname.rpartition(".")[2])
        inner = getattr(found, "seed_function", None)
        return inner if inner is not None else found  # type: ignore[no-any-return]


@dataclass(frozen=True)
class ByValue:
    """A function that no module has, pickled with all that it refers to."""

    pickled: bytes

    def function(self) -> Callable[..., Any]:
        """Returns a copy of the function."""
        return pickle.loads(self.pickled)  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Parcel:
    """All that a process needs to run some seeds of a test. `number`: no other parcel has it; some executors
    (Dask's) give the answer that they have to a task that asks the same again.
    """

    test: str
    shape: Shape
    how: ByName | ByValue
    arguments: bytes
    number: str

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
    return Parcel(test, shape, _how(test, function, called), pickled, uuid.uuid4().hex)


def _how(test: str, function: Callable[..., Any], called: Callable[..., Any]) -> ByName | ByValue:
    module, qualname = function.__module__, function.__qualname__
    file = getattr(sys.modules.get(module), "__file__", "") or ""
    if module != "__main__" and "<locals>" not in qualname and file:
        return ByName(module, qualname, str(Path(file).resolve()), _content(file))
    try:
        cloudpickle = importlib.import_module("cloudpickle")
    except ModuleNotFoundError:
        where = "in a notebook or a script that is run" if module == "__main__" else "inside another function"
        raise InvalidArgument(
            f"{test} is made {where}: no other process can import it",
            hint='Put it into a module, pip install cloudpickle, or run it in this process: executor="here".',
        ) from None
    return ByValue(cloudpickle.dumps(called))


def _module(what: ByName) -> ModuleType:
    """By its name, if that means the same file, as it is now; else the file."""
    content, module = _loaded.get(what.file, ("", None))
    if module is not None and content == what.content:
        return module
    found = None if module is not None else _named(what)
    if found is None:
        found = _load(what)
    _loaded[what.file] = what.content, found
    return found


def _named(what: ByName) -> ModuleType | None:
    found = sys.modules.get(what.module)
    if found is None:
        with contextlib.suppress(ImportError):
            found = importlib.import_module(what.module)
    there = str(getattr(found, "__file__", None) or "")
    same = there and (_same(there, what.file) or _content(there) == what.content)
    return found if same else None


def _same(one: str, other: str) -> bool:
    return str(Path(one).resolve()) == other


def _content(file: str) -> str:
    """The hash of what the file says; "" when it cannot be read."""
    try:
        return hashlib.sha256(Path(file).read_bytes()).hexdigest()
    except OSError:
        return ""


def _load(what: ByName) -> ModuleType:
    spec = importlib.util.spec_from_file_location(what.module, what.file)
    content = _content(what.file)
    if spec is None or spec.loader is None or content != what.content:
        said = f"neither a module {what.module} nor the file {what.file}"
        raise InvalidArgument(
            f"this process has {said}" if not content else f"{what.file} is another one in this process",
            hint="Each worker needs the test: install it there, or share the folder.",
        )
    module = importlib.util.module_from_spec(spec)
    sys.modules[what.module] = module
    spec.loader.exec_module(module)
    return module
