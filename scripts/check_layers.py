"""The arrows of the house, as a check (docs/ARCHITECTURE.md, "Modules and one-way dependencies").

    check_layers.py [ROOT]     exit 1 and one line per offence

Three kinds of offence: an #include that goes against the table, a library that links one it may not, and a clock,
entropy, thread, lock, socket, file, process or unspecified order in the deterministic core (all of cpp/ but real,
bindings and tools). Tests live beside the code; they may include more, but they obey the third rule too.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

CORE = {
    "base": set(),
    "model": {"base"},
    "raft": {"base"},
    "codec": {"model", "base"},
    "store": {"model", "base"},
    "control": {"store", "model", "base"},
    "orchestrator": {"store", "model", "base"},
    "allocator": {"store", "model", "base"},
    "scheduler": {"store", "model", "base"},
    "dispatcher": {"store", "model", "base"},
    "ca": {"store", "model", "base"},
    "agent": {"model", "base"},
    "ports": {"model", "raft", "base"},
    "docker": {"control", "store", "model", "agent", "ports", "base"},
}
EVERYTHING_BELOW_NODE = set(CORE)
ALLOWED: dict[str, set[str]] = {
    **CORE,
    "node": EVERYTHING_BELOW_NODE,
    "sim": EVERYTHING_BELOW_NODE | {"node"},
    "real": EVERYTHING_BELOW_NODE | {"node"},
    "bindings": EVERYTHING_BELOW_NODE | {"node", "sim", "real"},
    "tools": EVERYTHING_BELOW_NODE | {"node", "sim", "real"},
}
# Single headers that cross an arrow, each with its decision record.
EXCEPTIONS = {("codec", "raft/message.hpp")}  # docs/adr/0002
LINK_EXCEPTIONS = {("codec", "raft")}
# Libraries that are named differently from their directory.
LIBRARY_DIRECTORY = {"http": "real"}

IMPURE_DIRECTORIES = {"real", "bindings", "tools"}
IMPURE = {
    "clock": r"(steady|system|high_resolution)_clock|\bgettimeofday\s*\(|\bclock_gettime\s*\(|\bstd::time\s*\(",
    "entropy": r"random_device|\bgetrandom\s*\(|\barc4random|/dev/u?random|\bs?rand\s*\(",
    "thread": r"std::(jthread|thread|async|mutex|shared_mutex|atomic|condition_variable)\b|\bpthread_|thread_local",
    "socket": r"\b(socket|bind|accept|connect)\s*\(AF_|::socket\s*\(|<sys/socket\.h>|<boost/asio",
    "file": r"std::(i|o)?fstream\b|\bfopen\s*\(|std::filesystem|<fcntl\.h>|<fstream>|<filesystem>",
    "process": r"\b(fork|execve?|posix_spawnp?|system|popen)\s*\(",
    "unspecified order": r"std::unordered_|std::\w*_distribution\b|std::hash\b|std::shuffle\b",
}
# The one place where the core may speak to the process it runs in: a failed check.
IMPURE_EXCEPTIONS: set[tuple[str, str]] = set()

INCLUDE = re.compile(r'^\s*#\s*include\s+"([a-z_]+)/([^"]+)"', re.MULTILINE)
LIBRARY = re.compile(r"swarm_library\(\s*(\w+)([^)]*)\)", re.DOTALL)
COMMENT = re.compile(r"//[^\n]*")
STRING = re.compile(r'"(?:[^"\\\n]|\\.)*"')


def sources(root: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted((root / "cpp").rglob("*")):
        if path.suffix in {".cpp", ".hpp", ".h"}:
            yield path.relative_to(root / "cpp").parts[0], path


def include_offences(root: Path) -> Iterator[str]:
    for directory, path in sources(root):
        if path.stem.endswith("_test") or directory not in ALLOWED:
            continue
        for target, rest in INCLUDE.findall(path.read_text()):
            if target == directory or target in ALLOWED[directory]:
                continue
            if (directory, f"{target}/{rest}") not in EXCEPTIONS:
                yield f"{path.relative_to(root)}: {directory} may not include {target}/{rest}"


def link_offences(root: Path) -> Iterator[str]:
    for path in sorted((root / "cpp").glob("*/**/CMakeLists.txt")):
        directory = path.relative_to(root / "cpp").parts[0]
        for _name, body in LIBRARY.findall(path.read_text()):
            words = body.split()
            if "DEPS" not in words:
                continue
            for word in words[words.index("DEPS") + 1 :]:
                if word.isupper():
                    break
                target = LIBRARY_DIRECTORY.get(word, word)
                allowed = target in ALLOWED.get(directory, set()) or target == directory
                if not allowed and (directory, target) not in LINK_EXCEPTIONS:
                    yield f"{path.relative_to(root)}: {directory} may not link {word}"


def purity_offences(root: Path) -> Iterator[str]:
    for directory, path in sources(root):
        if directory in IMPURE_DIRECTORIES:
            continue
        text = path.read_text()
        for number, line in enumerate(text.splitlines(), 1):
            code = COMMENT.sub("", line)
            if "#include" not in code:
                code = STRING.sub('""', code)
            for kind, pattern in IMPURE.items():
                if re.search(pattern, code) and (path.name, kind) not in IMPURE_EXCEPTIONS:
                    yield f"{path.relative_to(root)}:{number}: {kind} in the deterministic core: {line.strip()}"


def offences(root: Path) -> list[str]:
    return [*include_offences(root), *link_offences(root), *purity_offences(root)]


def main(arguments: list[str]) -> int:
    root = Path(arguments[0]) if arguments else Path(__file__).resolve().parent.parent
    found = offences(root)
    for line in found:
        print(line)
    checked = sum(1 for _ in sources(root))
    print(f"layers: {checked} files checked, {len(found)} offences")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
