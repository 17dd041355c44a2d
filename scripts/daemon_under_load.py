"""One daemon of another build under load, and what its sanitizer said.

    daemon_under_load.py BUILD [SECONDS]    BUILD: build/threads, say; exit 1 when the sanitizer said anything

The daemon forms a swarm of one, runs a service with a published port and answers API requests, a list and the
port at once, over some connections each. The load comes from the release build.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "python")]

from bench.swarm import begin_load, finish, spec  # noqa: E402

from swarmpy._cluster import places  # noqa: E402
from swarmpy._cluster.cluster import LocalCluster  # noqa: E402

PORT = 18080


def use_build(build: Path) -> None:
    """From now on clusters start the daemon of this build; the other programs stay the package's."""
    packaged = places.program

    def program(name: str = "swarmd") -> Path:
        return build / "cpp" / "tools" / "swarmd" / "swarmd" if name == "swarmd" else packaged(name)

    places.program = program


def put_under_load(cluster: LocalCluster, seconds: float) -> None:
    node = cluster.nodes[0]
    published = {"EndpointSpec": {"Ports": [{"PublishedPort": PORT, "TargetPort": 80}]}}
    node.door.post("/services/create", spec("web", 2, **published))
    body = json.dumps(spec("s{n}", 0))
    loads = {
        "creates": begin_load(
            node.docker_host,
            method="POST",
            path="/services/create",
            body=body,
            connections=4,
            seconds=seconds,
        ),
        "lists": begin_load(node.docker_host, path="/tasks", connections=2, seconds=seconds),
        "the port": begin_load(f"tcp://{node.address}:{PORT}", connections=8, seconds=seconds),
    }
    for what, process in loads.items():
        result = finish(process)
        print(f"{what}: {result['answered']} answered, {result['failed']} failed", flush=True)
        if not result["answered"]:
            raise SystemExit(f"{what}: nothing was answered: {result['first_failure']}")


def main(arguments: list[str]) -> int:
    build, seconds = Path(arguments[0]).resolve(), float(arguments[1]) if len(arguments) > 1 else 5.0
    home = Path(tempfile.mkdtemp(prefix="swarmpy-load-", dir="/tmp"))
    reports = home / "report"
    common = f"log_path={reports} exitcode=66"
    suppressions = ROOT / "cmake" / "tsan.txt"
    os.environ |= {
        "SWARMPY_HOME": str(home),
        "TSAN_OPTIONS": f"{common} suppressions={suppressions}",
        "ASAN_OPTIONS": common,
    }
    use_build(build)
    try:
        with LocalCluster.start(managers=1, workers=0) as cluster:
            put_under_load(cluster, seconds)
        found = sorted(home.glob("report.*"))
        for path in found:
            print(path.read_text())
        return 1 if found else 0
    finally:
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
