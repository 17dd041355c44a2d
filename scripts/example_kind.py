"""Proves that a kind of object costs one file, its lines in the lists, and its routes (docs/adr/0023).

    example_kind.py   adds tests/example_kind to a copy of the tree, says what that touches, builds, tests

The copy is build/example_kind/tree. The tests: the example survives a restart, reaches a late follower by
a snapshot, outlives its leader and is an event (tests/example_kind/example_test.cpp); it comes back from its
bytes (codec_test).
"""

from __future__ import annotations

import os
import subprocess
import sys
from difflib import unified_diff
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLACE = ROOT / "build" / "example_kind"
TREE = PLACE / "tree"

NEW = {"example.hpp": "cpp/model", "examples.cpp": "cpp/docker", "example_test.cpp": "cpp/sim"}
# File: what stands there, and what is there instead.
LINES = {
    "cpp/model/kinds.hpp": [
        ('#include "model/cluster.hpp"\n', '#include "model/cluster.hpp"\n#include "model/example.hpp"\n'),
        ("Task, KeyValue>;", "Task, KeyValue, Example>;"),
    ],
    "cpp/proto/objects.proto": [
        (
            "// ---- transactions\n",
            "message Example {\n"
            "  bytes id = 1; Meta meta = 2; bytes name = 3; optional int64 delay = 4;\n"
            "  repeated bytes words = 5;\n"
            "}\n\n// ---- transactions\n",
        ),
        ("Network network = 5;", "Network network = 5; Example example = 200;"),
    ],
    "cpp/docker/handlers.hpp": [
        (
            "// raft_routes.cpp\n",
            "// examples.cpp\nvoid list_examples(Call& call);\nvoid create_example(Call& call);\n"
            "void show_example(Call& call);\nvoid remove_example(Call& call);\n\n// raft_routes.cpp\n",
        )
    ],
    "cpp/docker/routes.cpp": [
        (
            "    // ---- what only swarmpy has\n",
            '    {"GET", "examples", kRead, kManager, list_examples},\n'
            '    {"POST", "examples/create", kWrite, kManager, create_example},\n'
            '    {"GET", "examples/*", kRead, kManager, show_example},\n'
            '    {"DELETE", "examples/*", kWrite, kManager, remove_example},\n\n'
            "    // ---- what only swarmpy has\n",
        )
    ],
}


def run(*command: str, cwd: Path = ROOT) -> None:
    """Ends the script where the command fails, with what it has said."""
    env = os.environ | {"CCACHE_BASEDIR": str(TREE), "CCACHE_NOHASHDIR": "1"}
    if (code := subprocess.run(command, cwd=cwd, env=env, check=False).returncode) != 0:
        sys.exit(f"example_kind: {' '.join(command)} failed ({code})")


def tree_now() -> dict[str, bytes]:
    """Returns what Git knows of, as it is in the folder."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True).stdout
    paths = [name for name in names.decode().split("\0") if name and (ROOT / name).is_file()]
    return {name: (ROOT / name).read_bytes() for name in paths}


def with_kind(files: dict[str, bytes]) -> dict[str, bytes]:
    """Returns the tree with the new files and lines, and without the simulator's other tests."""
    out = {
        name: content
        for name, content in files.items()
        if not (name.startswith("cpp/sim/") and name.endswith("_test.cpp"))
    }
    for name, folder in NEW.items():
        out[f"{folder}/{name}"] = files[f"tests/example_kind/{name}"]
    for name, edits in LINES.items():
        text = out[name].decode()
        for old, new in edits:
            if text.count(old) != 1:
                sys.exit(f"example_kind: {name} does not say {old.strip()!r} once; mend LINES in this script")
            text = text.replace(old, new)
        out[name] = text.encode()
    return out


def write(path: Path, content: bytes) -> None:
    """Leaves a file alone that has this content already."""
    if path.is_file() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def say_what_it_costs(files: dict[str, bytes], wanted: dict[str, bytes]) -> None:
    """Prints how many lines of each file are new, and how many are gone."""
    for name in [*(f"{folder}/{name}" for name, folder in NEW.items()), *LINES]:
        before = files.get(name, b"").decode().splitlines()
        lines = list(unified_diff(before, wanted[name].decode().splitlines(), n=0))[2:]
        added, removed = (sum(line.startswith(sign) for line in lines) for sign in "+-")
        print(f"{name:32} {added:4} lines added, {removed} removed" + ("" if before else ", a new file"))


def main() -> None:
    """Copies, adds, says what was touched, builds, tests."""
    files = tree_now()
    wanted = with_kind(files)
    for path in [path for path in TREE.rglob("*") if path.is_file()]:
        if str(path.relative_to(TREE)) not in wanted:
            path.unlink()
    for name, content in wanted.items():
        write(TREE / name, content)
    say_what_it_costs(files, wanted)
    build = PLACE / "build"
    flags = ["-DCMAKE_BUILD_TYPE=Release", "-DCMAKE_CXX_FLAGS_RELEASE=-O1", "-DSWARM_BUILD_PYTHON=OFF"]
    run("cmake", "-G", "Ninja", "-S", str(TREE), "-B", str(build), *flags)
    run("cmake", "--build", str(build), "--target", "sim_test", "codec_test")
    run(str(build / "cpp/sim/sim_test"), "--gtest_brief=1", cwd=TREE)
    run(str(build / "cpp/codec/codec_test"), "--gtest_filter=Codec.*", "--gtest_brief=1", cwd=TREE)


if __name__ == "__main__":
    main()
