"""The wheel stands alone: in an empty environment, on a machine without RocksDB, Protocol Buffers, Boost and
this source tree, it plays a short story. One more is made for each version of Python that is found.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest

from local import ROOT, own_home

pytestmark = [pytest.mark.real, pytest.mark.timeout(1800)]  # it compiles the engine, up to three times

# What every Debian 12 has. The C++ library: for the extension only; auditwheel checks that it is old enough.
C_LIBRARY = {"libc.so.6", "libm.so.6", "ld-linux-x86-64.so.2"}
CPP_LIBRARY = {"libstdc++.so.6", "libgcc_s.so.1"}
BUNDLED = re.compile(r"libprotobuf-lite-[0-9a-f]+\.so[0-9.]*")

LIBRARIES = ("rocksdb", "protobuf", "boost", "snappy", "zstd", "lz4", "gflags")
HEADERS = ("google", "rocksdb", "boost")
# In a mount namespace: an empty file over each library, an empty folder over the headers and the source tree.
HIDE = """
set -eu
while [ "$1" != -- ]; do
  if [ -d "$1" ]; then mount -t tmpfs none "$1"; else mount --bind /dev/null "$1"; fi
  shift
done
shift
exec "$@"
"""
STORY = """
import sys
from pathlib import Path

import swarmpy as sp

tree, *libraries = map(Path, sys.argv[1:])
assert not list(tree.iterdir()) and not any(one.stat().st_size for one in libraries), "nothing is hidden"
for world in {"mode": "real"}, {"seed": 1}:
    with sp.Swarm(managers=1, workers=1, **world) as c:
        web = c.services.create("nginx:1.10", name="web", replicas=2, restart_delay=0)
        assert web.wait()
        killed = web.tasks[0]
        killed.kill()
        assert web.wait() and web.running == 2 and killed not in web.tasks.running
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    subprocess.run([ROOT / "scripts/wheel.sh", out], check=True, stdout=subprocess.DEVNULL)
    (made,) = out.glob("swarmpy-*-manylinux_*.whl")
    return made


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with this one package."""
    venv = tmp_path_factory.mktemp("empty") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    pip = [
        sys.executable,
        "-m",
        "pip",
        "--disable-pip-version-check",
        "--quiet",
        "--python",
        venv / "bin/python",
    ]
    subprocess.run([*pip, "install", "--no-index", "--no-deps", wheel], check=True)
    return venv


@pytest.fixture
def home() -> Iterator[Path]:
    with own_home() as folder:
        yield folder


def needed(file: Path) -> set[str]:
    dynamic = subprocess.run(["readelf", "-d", file], capture_output=True, text=True, check=True).stdout
    return set(re.findall(r"\(NEEDED\).*\[(.+)\]", dynamic))


def system_libraries() -> list[Path]:
    folder = Path("/usr/lib/x86_64-linux-gnu")
    return sorted({file.resolve() for name in LIBRARIES for file in folder.glob(f"lib{name}*.so*")})


def namespace() -> list[str]:
    """How to run something in a mount namespace of its own, where this machine lets us."""
    unshare = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-Urm"]
    if (
        subprocess.run(
            [*unshare, "mount", "-t", "tmpfs", "none", "/mnt"], check=False, capture_output=True
        ).returncode
        != 0
    ):
        pytest.skip("no mount namespaces here: nothing can be hidden")
    return unshare


def test_it_carries_notebooks_and_a_page_of_first_steps(wheel: Path, installed: Path, tmp_path: Path) -> None:
    with ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {f"swarmpy/notebooks/{one.name}" for one in ROOT.glob("notebooks/*.ipynb")} <= names
    assert "swarmpy/docs/first_steps.md" in names
    parts = [one for one in (ROOT / "python/swarmpy/_timeline").iterdir() if one.is_file()]
    assert len(parts) > 10 and {f"swarmpy/_timeline/{one.name}" for one in parts} <= names
    copied = subprocess.run(
        [installed / "bin/swarmpy", "notebooks", "lab"],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "lab/first_steps.md" in copied.stdout.split()
    for original in ROOT.glob("notebooks/*.ipynb"):
        assert (tmp_path / "lab" / original.name).read_bytes() == original.read_bytes()


def test_its_size_is_told_with_its_largest_parts(wheel: Path) -> None:
    script = ROOT / "scripts/wheel_parts.py"
    said = subprocess.run([sys.executable, script, wheel], capture_output=True, text=True, check=True).stdout
    first, *parts = said.splitlines()
    assert first.split() == [f"{wheel.stat().st_size / 1e6:.1f}", "MB", str(wheel)]
    assert "swarmpy/bin/swarmd" in parts[0] and any("swarmpy/_core." in part for part in parts)


def test_a_wheel_for_each_python_that_is_found(tmp_path: Path) -> None:
    """The script lets each play a story in its own interpreter; here is what they say of themselves."""
    made = subprocess.run(
        [ROOT / "scripts/wheels.sh", tmp_path],
        env={**os.environ, "PYTHONS": "3.11 3.12 3.13 3.99"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    missing = re.findall(r"^no wheel for Python 3\.(\d+): .+$", made.stdout, re.MULTILINE)
    assert missing[-1] == "99"
    wheels = {re.sub(r".*-cp3(\d+)-cp3\1-.*", r"\1", one.name): one for one in tmp_path.glob("*.whl")}
    assert sorted([*wheels, *missing]) == ["11", "12", "13", "99"]
    for minor, one in wheels.items():
        platforms = one.stem.split("-")[-1].split(".")
        with ZipFile(one) as archive:
            (about,) = (archive.read(name).decode() for name in archive.namelist() if name.endswith("/WHEEL"))
            (module,) = (name for name in archive.namelist() if re.match(r"swarmpy/_core\..*\.so$", name))
        assert module == f"swarmpy/_core.cpython-3{minor}-x86_64-linux-gnu.so"
        tags = re.findall(r"^Tag: (.+)$", about, re.MULTILINE)
        assert sorted(tags) == sorted(f"cp3{minor}-cp3{minor}-{platform}" for platform in platforms)
        assert all(platform.startswith("manylinux_2_") for platform in platforms)


def test_it_needs_the_c_library_only(
    wheel: Path, installed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (package,) = installed.glob("lib/python3*/site-packages/swarmpy")
    assert needed(package / "bin/swarmd") <= C_LIBRARY
    assert needed(package / "bin/swarm-web") == set()
    assert needed(package / "bin/swarm-hub") == set()
    for library in [*package.glob("_core*.so"), *package.with_name("swarmpy.libs").iterdir()]:
        others = needed(library) - C_LIBRARY - CPP_LIBRARY
        assert all(BUNDLED.fullmatch(other) for other in others), others
    with capsys.disabled():
        print(f"\n{wheel.name}: {wheel.stat().st_size / 1e6:.1f} MB")


def test_a_story_on_a_machine_without_its_libraries(installed: Path, home: Path, tmp_path: Path) -> None:
    libraries = system_libraries()
    headers = [folder for name in HEADERS if (folder := Path("/usr/include", name)).is_dir()]
    hidden = [ROOT, *headers, *libraries]
    prefix = [*namespace(), "sh", "-c", HIDE, "hide", *map(str, hidden), "--"]
    environment = {
        "PATH": f"{installed}/bin:/usr/bin:/bin",
        "HOME": str(tmp_path),
        "SWARMPY_HOME": str(home),
    }

    def run(*words: str | Path) -> str:
        done = subprocess.run(
            [*prefix, *words],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout

    assert run("swarmd", "--version").strip()
    run("swarmpy", "up", "--managers", "1", "--workers", "1")
    assert run("swarmpy", "ls").count("running") == 2
    run("swarmpy", "down")
    run("python", "-c", STORY, ROOT, *libraries)
    assert not home.exists()
