"""test: what `sp.test` has decorated in a file, for shells and CI without pytest."""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from swarmpy._models.nearest import not_found
from swarmpy.errors import InvalidArgument, NotFound

if TYPE_CHECKING:
    from swarmpy.testing.decorator import SeedTest
    from swarmpy.testing.result import Result


def add_parser(verbs: Any) -> None:
    """`swarmpy test FILE[::NAME]`."""
    parser = verbs.add_parser(
        "test",
        help="run the tests of a file that @sp.test made, with many seeds",
        description="Runs tests that @sp.test made. Exit code 0 when all passed, 1 when one failed.",
    )
    parser.add_argument(
        "what", metavar="FILE[::NAME]", help="a Python file, and one test of it (default: all)"
    )
    parser.add_argument("--seeds", type=int, metavar="N", help="so many seeds, not as many as the test says")
    parser.add_argument("--seed", type=int, metavar="SEED", help="this seed alone")
    parser.add_argument("--first-seed", type=int, metavar="SEED", help="the first of the seeds")
    parser.add_argument("--executor", metavar="here|processes|N", help="where they run")
    parser.add_argument("--shrink", metavar="yes|no|DURATION", help="whether, or for how long (10s)")
    parser.add_argument("--report", metavar="DIR", help="where failures leave their files (swarmpy-failures)")
    gone = "is it gone? the seed of this failure's record first, then fresh ones (640)"
    parser.add_argument("--gone", metavar="RECORD", help=gone)
    parser.add_argument("--json", action="store_true", help="the results as JSON, one array")
    parser.set_defaults(run=test)


def test(options: argparse.Namespace) -> int:
    results = []
    for one in _found(options.what):
        try:
            results.append(_run(one, options))
        except KeyboardInterrupt:
            if options.json and one.last is not None:
                _print_json([*results, one.last])
            raise
        if not options.json:
            print(results[-1], flush=True)
            print(f"  {results[-1].rate:,.0f} seeds/s, {results[-1].where}", file=sys.stderr)
    if options.json:
        _print_json(results)
    return 0 if all(results) else 1


def _run(one: SeedTest, options: argparse.Namespace) -> Result:
    from swarmpy.testing.decorator import listeners
    from swarmpy.testing.gone import gone
    from swarmpy.testing.settings import shrink_words

    how: dict[str, Any] = {}
    if options.executor is not None:
        how["executor"] = int(options.executor) if options.executor.isdigit() else options.executor
    if options.shrink is not None:
        how["shrink"] = shrink_words(options.shrink)
    if options.report is not None:
        how["report"] = options.report
    if options.json:
        listeners.append(lambda _result: None)  # an interrupted one is printed as JSON, too
    try:
        if options.gone is not None:
            return gone(one, options.gone, seeds=options.seeds or 640, **how)
        return one.run(**_seeds(options), **how)
    finally:
        if options.json:
            listeners.pop()


def _seeds(options: argparse.Namespace) -> dict[str, Any]:
    if options.seed is not None:
        if options.seeds is not None or options.first_seed is not None:
            hint = "swarmpy test FILE --seed 173, or --seeds 200 --first-seed 0"
            raise InvalidArgument("--seed is one alone, and --seeds are many", hint=hint)
        return {"seeds": [options.seed]}
    seeds = {} if options.seeds is None else {"seeds": options.seeds}
    return seeds if options.first_seed is None else {**seeds, "first_seed": options.first_seed}


def _found(what: str) -> list[SeedTest]:
    from swarmpy.testing.decorator import SeedTest

    file, _, name = what.partition("::")
    module = _load(Path(file))
    tests: dict[str, SeedTest] = {}
    for key, value in vars(module).items():
        if isinstance(value, SeedTest) and value.function.__module__ == module.__name__:
            tests[key] = value
        elif isinstance(value, type) and value.__module__ == module.__name__:
            inside = {k: getattr(value(), k) for k, v in vars(value).items() if isinstance(v, SeedTest)}
            tests |= {f"{key}::{inner}": one for inner, one in inside.items()}
    if not tests:
        hint = "Put @sp.test(seeds=200) over a function that takes a swarm."
        raise NotFound(f"{file} has no test of sp.test", hint=hint)
    chosen = [one for key, one in tests.items() if not name or key == name or key.startswith(f"{name}::")]
    if not chosen:
        raise not_found("test", name, tests)
    return chosen


def _load(file: Path) -> Any:
    if not file.is_file():
        raise NotFound(f"there is no file {file}", hint="swarmpy test tests/test_chaos.py::test_leader")
    sys.path.insert(0, str(file.resolve().parent))  # as pytest does: what is beside it can be imported
    spec = importlib.util.spec_from_file_location(file.stem, file.resolve())
    if spec is None or spec.loader is None:
        raise InvalidArgument(f"{file} is no Python file", hint="Its name ends with .py.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = module
    spec.loader.exec_module(module)
    return module


def _print_json(results: list[Result]) -> None:
    print(json.dumps([one.to_dict() for one in results], indent=2), flush=True)
