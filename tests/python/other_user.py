"""Another user of this machine, who tries the doors of a local cluster, and what its doors are.

The doors are not a list: they are found in the file system and in /proc, so that a new one is tried too.
"""

from __future__ import annotations

import json
import os
import socket
import ssl
import stat
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

NOBODY = 65534


def as_nobody(what: Callable[[], Any], groups: tuple[int, ...] = ()) -> Any:
    """What `what` returns (as JSON) when another user runs it; its exceptions are raised here in words."""
    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups(groups)
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
            said = {"value": what()}
        except BaseException:
            said = {"error": traceback.format_exc()}
        try:
            with os.fdopen(writes, "w") as out:
                json.dump(said, out)
        finally:
            os._exit(0)
    os.close(writes)
    with os.fdopen(reads) as heard:
        said = json.load(heard)
    os.waitpid(child, 0)
    if "error" in said:
        raise AssertionError(f"as uid {NOBODY}: {said['error']}")
    return said["value"]


def refused(act: Callable[[], Any]) -> bool:
    try:
        act()
    except PermissionError:
        return True
    except FileNotFoundError:  # it has ended meanwhile
        return True
    except ProcessLookupError:
        return True
    return False


# ---- files


def tree(root: Path) -> Iterator[Path]:
    """All there is from `root` on, but what tasks have made for themselves."""
    yield root
    for folder, folders, files in os.walk(root):
        place = Path(folder)
        if place.parent.name == "tasks" and "work" in folders:
            folders.remove("work")
        yield from (place / name for name in [*folders, *files])


def open_ways(path: Path, kind: int) -> list[str]:
    """How the user that runs this can get at `path`, which is of `kind` (stat.S_IFMT of its mode)."""
    folder: dict[str, Callable[[], Any]] = {
        "list": lambda: list(path.iterdir()),
        "plant": lambda: os.close(os.open(path / "planted", os.O_WRONLY | os.O_CREAT)),
    }
    file: dict[str, Callable[[], Any]] = {
        "read": lambda: os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK)),
        "write": lambda: os.close(os.open(path, os.O_RDWR | os.O_NONBLOCK)),
        "remove": path.unlink,
    }
    connect: dict[str, Callable[[], Any]] = {"connect": lambda: connect_to(path), "remove": path.unlink}
    ways = {stat.S_IFDIR: folder, stat.S_IFSOCK: connect}.get(kind, file)
    return [name for name, way in ways.items() if not refused(way)]


def look_at(path: Path) -> None:
    """Whatever it is: a folder, a link or a file of /proc."""
    if path.name in ("cwd", "root", "exe"):
        path.readlink()
    elif path.name in ("fd", "fdinfo"):
        list(path.iterdir())
    else:
        with path.open("rb") as file:
            file.read(1)


def connect_to(path: Path | str) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(5)
        client.connect(str(path))


def speak_to(name: str) -> None:
    """To a socket as the kernel's table names it."""
    if not name.startswith("@"):
        connect_to(name)
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
        client.sendto(b"x", "\0" + name[1:])


def loose(path: Path) -> str | None:
    """What is wrong with the modes of `path`; they alone must keep others out, whatever is above it."""
    found = path.lstat()
    mode = stat.S_IMODE(found.st_mode)
    if stat.S_ISLNK(found.st_mode):
        return None
    if stat.S_ISSOCK(found.st_mode):
        return None if mode == 0o660 else f"{path} is {mode:o}"
    wanted = 0o700 if stat.S_ISDIR(found.st_mode) else mode & 0o700
    return None if mode == wanted and found.st_uid == os.getuid() else f"{path} is {mode:o}"


# ---- processes


class Socket(NamedTuple):
    pid: int
    kind: str  # unix, abstract, tcp
    name: str


def descriptors(pid: int) -> dict[int, str]:
    out = {}
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            out[int(entry.name)] = str(entry.readlink())
        except FileNotFoundError:
            continue
    return out


def keeps_on_exec(pid: int, fd: int) -> bool:
    """Would a program that this process becomes have the descriptor?"""
    flags = next(
        line.split()[1]
        for line in Path(f"/proc/{pid}/fdinfo/{fd}").read_text().splitlines()
        if line.startswith("flags:")
    )
    return not int(flags, 8) & os.O_CLOEXEC


class Table(NamedTuple):
    """A table of the kernel's: in which columns of it are the name and the number of a socket."""

    file: str
    name: int
    inode: int


TABLES = [
    Table("unix", 7, 6),
    *(Table(file, 1, 9) for file in ("tcp", "tcp6", "udp", "udp6", "raw", "raw6")),
    Table("packet", 3, 8),
    Table("netlink", 2, 9),
]


def doors(pids: list[int]) -> list[Socket]:
    """The sockets of these processes that somebody else can speak to."""
    of = {
        name[len("socket:[") : -1]: pid
        for pid in pids
        for name in descriptors(pid).values()
        if name.startswith("socket:[")
    }
    return sorted({door for table in TABLES for door in doors_in(table, of)})


def doors_in(table: Table, of: dict[str, int]) -> Iterator[Socket]:
    for line in Path(f"/proc/net/{table.file}").read_text().splitlines()[1:]:
        words = line.split()
        if len(words) <= max(table.name, table.inode) or words[table.inode] not in of:
            continue  # another process's; or one without a name
        kind, name = table.file, words[table.name]
        if kind in ("tcp", "tcp6") and words[3] != "0A":
            continue  # it does not listen
        if kind == "unix" and name.startswith("@"):
            kind = "abstract"
        yield Socket(of[words[table.inode]], kind, tcp_name(name) if kind == "tcp" else name)


def tcp_name(text: str) -> str:
    host, port = text.split(":")
    return f"{socket.inet_ntoa(bytes.fromhex(host)[::-1])}:{int(port, 16)}"


def ask_http(where: str) -> list[str]:
    """What a client without credentials hears at a TCP door that should not answer: in plain, and by TLS."""
    return [heard for tls in (False, True) if (heard := _ask(where, tls))]


def _ask(where: str, tls: bool) -> str:
    host, port = where.rsplit(":", 1)
    anyone = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anyone.check_hostname, anyone.verify_mode = False, ssl.CERT_NONE
    try:
        with socket.create_connection((host, int(port)), timeout=3) as raw:
            client = anyone.wrap_socket(raw) if tls else raw
            client.sendall(b"GET /info HTTP/1.1\r\nHost: x\r\n\r\n")
            heard = client.recv(64).decode(errors="replace").split("\r\n")[0]
    except OSError:
        return ""
    return heard if heard.startswith("HTTP") else ""
