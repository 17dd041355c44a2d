"""The arrows of the house, as a check (docs/ARCHITECTURE.md, "Modules and one-way dependencies").

    check_layers.py [ROOT]     exit 1 and one line per offence

Four kinds of offence: an #include that goes against the table, a library that links one it may not, a clock,
entropy, thread, lock, socket, file, process or unspecified order in the deterministic core (all of cpp/ but
real, bindings and tools), and two draws of its chance in one expression. Tests (*_test.cpp, test_*.hpp) live
beside the code; they may include more, but they obey the last two rules too.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from itertools import groupby, takewhile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from draws import double_draws

CORE = {
    "base": set(),
    "linearizability": {"base"},
    "model": {"base"},
    "raft": {"base"},
    "codec": {"model", "base"},
    "store": {"model", "base"},
    "go_template": {"model", "base"},
    "control": {"go_template", "store", "model", "base"},
    "orchestrator": {"store", "model", "base"},
    "allocator": {"store", "model", "base"},
    "scheduler": {"store", "model", "base"},
    "dispatcher": {"store", "model", "base"},
    "ca": {"store", "model", "base"},
    "agent": {"model", "base"},
    "net": {"model", "base"},
    "ports": {"model", "raft", "base"},
    "docker": {"go_template", "control", "store", "model", "agent", "ports", "base"},
    "faults": {"docker", "base"},  # its JSON
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
LIBRARY_DIRECTORY = {
    **dict.fromkeys(("http", "stream", "tls", "seal", "netlink", "overlay_kernel", "hub"), "real"),
    **dict.fromkeys(("dns", "mesh", "overlay"), "net"),
}

IMPURE_DIRECTORIES = {"real", "bindings", "tools"}
IMPURE = {
    "clock": r"(steady|system|high_resolution|utc|tai|file)_clock\b|\bgettimeofday\b|\bclock_gettime\b"
    r"|\btime\s*\(\s*(nullptr|NULL|0|&)|\b(local|gm)time(_r)?\s*\(|\b(u|nano)?sleep(_for|_until)?\s*\("
    r"|<chrono>|<ctime>|<time\.h>",
    "entropy": r"random_device|\bgetrandom\b|\bgetentropy\b|\barc4random|/dev/u?random|\bs?rand\s*\("
    r"|default_random_engine|RAND_bytes|<random>",
    "thread": r"std::(jthread|thread|async|future|promise|barrier|latch|this_thread)\b|\bpthread_"
    r"|\bthread_local\b|<thread>|<future>",
    "lock": r"std::\w*(mutex|atomic|semaphore|_lock|lock_guard|condition_variable)\w*\b"
    r"|<(shared_)?mutex>|<atomic>|<condition_variable>|<semaphore>",
    "socket": r"\b(socket|bind|accept|connect|listen)\s*\(\s*(AF_|fd\b)|::socket\s*\(|<sys/socket\.h>"
    r"|<netinet/|<arpa/|<boost/asio|<poll\.h>|<sys/epoll\.h>",
    "file": r"std::(i|o)?fstream\b|\bfopen\s*\(|std::filesystem|<fcntl\.h>|<fstream>|<filesystem>|<unistd\.h>"
    r"|<sys/stat\.h>",
    # fork and kill are also names of ours: as members they are harmless.
    "process": r"(?<!\w)::(v?fork|kill)\s*\(|=\s*v?fork\s*\(|\bkill\s*\(\s*-?\w*pid|\bexec[lv]p?e?\s*\("
    r"|\b(posix_spawnp?|popen|waitpid|getpid|getenv)\s*\(|std::system\s*\("
    r"|<csignal>|<signal\.h>|<spawn\.h>|<sys/wait\.h>",
    "unspecified order": r"std::unordered_|<unordered_|std::\w*_distribution\b|std::hash\b"
    r"|std::(random_)?shuffle\b",
}

INCLUDE = re.compile(r'^\s*#\s*include\s+["<](?:\.\./)*([a-z_]+)/([^">]+)[">]', re.MULTILINE)
LIBRARY = re.compile(r"swarm_library\(\s*(\w+)([^)]*)\)", re.DOTALL)
LINK = re.compile(r"target_link_libraries\(\s*swarm_\w+([^)]*)\)", re.DOTALL)
COMMENT = re.compile(r"//[^\n]*")
CHARACTER = re.compile(r"'(?:[^'\\\n]|\\.)'")
STRING = re.compile(r'"(?:[^"\\\n]|\\.)*"')


def sources(root: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted((root / "cpp").rglob("*")):
        if path.suffix in {".cpp", ".hpp", ".h"}:
            yield path.relative_to(root / "cpp").parts[0], path


def is_test(path: Path) -> bool:
    return path.stem.endswith("_test") or path.stem.startswith("test_") or path.parent.name == "swarm_fuzz"


def include_offences(root: Path) -> Iterator[str]:
    for directory, path in sources(root):
        if directory not in ALLOWED:
            yield f"{path.relative_to(root)}: {directory} has no place in the table of the house"
            continue
        if is_test(path):
            continue
        for target, rest in INCLUDE.findall(path.read_text()):
            if target in ALLOWED and Path(rest).name.startswith("test_"):
                yield f"{path.relative_to(root)}: {target}/{rest} is for tests only"
            if target not in ALLOWED or target == directory or target in ALLOWED[directory]:
                continue
            if (directory, f"{target}/{rest}") not in EXCEPTIONS:
                yield f"{path.relative_to(root)}: {directory} may not include {target}/{rest}"


def linked_libraries(cmake: str) -> Iterator[str]:
    """Names of our libraries that a CMakeLists.txt links, those of tests left out."""
    for _name, body in LIBRARY.findall(cmake):
        words = body.split()
        if "DEPS" in words:
            rest = words[words.index("DEPS") + 1 :]
            yield from takewhile(lambda word: not word.isupper(), rest)
    for body in LINK.findall(cmake):
        yield from (word.removeprefix("swarm_") for word in body.split() if word.startswith("swarm_"))


def link_offences(root: Path) -> Iterator[str]:
    for path in sorted((root / "cpp").glob("*/**/CMakeLists.txt")):
        directory = path.relative_to(root / "cpp").parts[0]
        for library in linked_libraries(path.read_text()):
            target = LIBRARY_DIRECTORY.get(library, library)
            if target not in ALLOWED or target == directory or target in ALLOWED.get(directory, set()):
                continue
            if (directory, target) not in LINK_EXCEPTIONS:
                yield f"{path.relative_to(root)}: {directory} may not link {library}"


def code_of(line: str) -> str:
    """The line without characters, texts (but not the name of an include) and comments."""
    code = CHARACTER.sub("' '", line)
    if "#include" not in code:
        code = STRING.sub('""', code)
    return COMMENT.sub("", code)


def purity_offences(root: Path) -> Iterator[str]:
    for directory, path in sources(root):
        if directory in IMPURE_DIRECTORIES:
            continue
        name = path.relative_to(root)
        for number, line in enumerate(path.read_text().splitlines(), 1):
            code = code_of(line)
            for kind, pattern in IMPURE.items():
                if re.search(pattern, code):
                    yield f"{name}:{number}: {kind} in the deterministic core: {line.strip()}"


def draw_offences(root: Path) -> Iterator[str]:
    core = [path for directory, path in sources(root) if directory not in IMPURE_DIRECTORIES]
    for _stem, pair in groupby(sorted(core), key=lambda path: path.with_suffix("")):
        paths = list(pair)
        lines = [path.read_text().splitlines() for path in paths]
        found = double_draws("\n".join(map(code_of, text)) for text in lines)
        for path, text, numbers in zip(paths, lines, found, strict=True):
            for number in sorted(numbers):
                yield (
                    f"{path.relative_to(root)}:{number}: two draws in one expression, whose order the "
                    f"compiler chooses; name the first one: {text[number - 1].strip()}"
                )


def offences(root: Path) -> list[str]:
    return [
        *include_offences(root),
        *link_offences(root),
        *purity_offences(root),
        *draw_offences(root),
    ]


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
