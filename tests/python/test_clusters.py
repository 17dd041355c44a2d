"""Real swarms by name: `if_exists`, `attach`, `clusters`; two homes; starts side by side."""

from __future__ import annotations

import gc
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import swarmpy as sp
from local import own_home, swarmpy
from swarmpy._cluster import LocalCluster, networks

pytestmark = pytest.mark.real


@pytest.fixture
def home() -> Iterator[Path]:
    with own_home() as folder:
        yield folder


def test_an_unnamed_swarm_has_the_name_that_ls_shows(home: Path) -> None:
    with sp.Swarm(mode="real", seed=7) as c:
        assert [one.name for one in sp.clusters()] == [c.name]
        assert json.loads(swarmpy("ls", "--format", "json").stdout)[0]["cluster"] == c.name
        assert c.seed == 7 and c.name in repr(c) and sp.clusters()[0].running == ("m1",)
        first = c.services.create("nginx").name
        drawn = c.random.random()
    with sp.Swarm(mode="real", seed=7) as c:
        assert c.services.create("nginx").name == first and c.random.random() == drawn


def test_a_name_that_is_there_is_refused_replaced_or_reused(home: Path) -> None:
    c = sp.Swarm(mode="real", name="lab")
    web = c.services.create("nginx", name="web")
    with pytest.raises(sp.ClusterError, match='a cluster "lab" is there already') as caught:
        sp.Swarm(mode="real", name="lab")
    assert 'if_exists="replace"' in caught.value.hint and 'attach("lab")' in caught.value.hint

    again = sp.Swarm(mode="real", name="lab", if_exists="reuse")
    del c
    gc.collect()
    assert "web" in again.services, "it belongs to the new one now"

    web, nodes = again.services["web"], again.nodes
    new = sp.Swarm(mode="real", name="lab", if_exists="replace")
    assert "web" not in new.services
    for ask in (lambda: web.running, web.wait, lambda: list(nodes)):
        with pytest.raises(sp.SwarmError, match="closed"):
            ask()
    del again
    gc.collect()
    assert len(new.nodes) == 1, "who was replaced ends nothing"
    new.close()
    assert sp.clusters() == []


def test_a_cluster_of_the_shell_is_attached_and_stays(home: Path) -> None:
    assert swarmpy("up", "--name", "lab", "--managers", "1", "--workers", "0").returncode == 0
    with sp.attach("lab") as c:
        assert c.name == "lab" and len(c.nodes) == 1
    with sp.attach() as c:
        web = c.services.create("nginx", name="web")
    with sp.Swarm(mode="real", name="lab", if_exists="reuse") as c:
        assert "web" in c.services
        web = c.services["web"]
    assert [one.name for one in sp.clusters()] == ["lab"]
    with pytest.raises(sp.ClusterError) as caught:
        sp.attach("lba")
    assert 'Did you mean "lab"?' in caught.value.hint
    c = sp.attach("lab")
    web = c.services["web"]
    assert swarmpy("down", "lab").returncode == 0
    with pytest.raises(sp.SwarmError, match=r"was ended"):
        web.wait()
    with pytest.raises(sp.NotFound):
        sp.clusters()["lab"]


# ---- two homes

UP = ["up", "--name", "lab", "--managers", "1", "--workers", "1"]


def in_home(folder: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "swarmpy.cli", *words],
        env={**os.environ, "SWARMPY_HOME": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def network_of(folder: Path) -> int:
    return int(json.loads((folder / "lab" / "state.json").read_text())["network"])


@pytest.mark.parametrize("more", [[], ["--no-init"]], ids=["init", "no-init"])
def test_homes_started_at_once_get_addresses_of_their_own(tmp_path: Path, more: list[str]) -> None:
    homes = [tmp_path / f"{number}" for number in range(8 if not more else 4)]
    starts = [in_home(folder, *UP, *more) for folder in homes]
    try:
        for start in starts:
            _, said = start.communicate(timeout=120)
            assert start.returncode == 0, said
        assert len({network_of(folder) for folder in homes}) == len(homes)
    finally:
        for end in [in_home(folder, "down", "--all") for folder in homes]:
            end.communicate(timeout=60)


def test_a_daemon_outside_any_swarm_holds_its_network_unseen(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where the processes of others cannot be seen: in another container with the same network."""
    with LocalCluster.start("one", 1, 0, init=False, lease=False) as one:
        monkeypatch.setattr(networks, "_daemons", list)
        network, claim = networks.choose([])
        claim.close()
        assert network != int(one.nodes[0].address.split(".")[2])
        one.nodes[0].kill()
        one.nodes[0].start()
        assert networks._claim(int(one.nodes[0].address.split(".")[2])) is None, "held again"


def test_who_takes_names_or_addresses_away_stops_no_start(home: Path) -> None:
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as name,
        socket.socket() as address,
        socket.socket() as listener,
    ):
        name.bind("\0swarmpy-networks")
        first, claim = networks.choose([])
        claim.close()
        address.bind((f"127.0.{first}.{networks.CLAIM_HOST}", networks.MANAGEMENT_PORT))
        second, claim = networks.choose([])
        claim.close()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # earlier connections may linger
        listener.bind((f"127.0.{second}.3", networks.MANAGEMENT_PORT))
        listener.listen()
        began = time.monotonic()
        with LocalCluster.start("one", 1, 0, init=False) as one:
            assert int(one.nodes[0].address.split(".")[2]) not in (first, second)
            assert time.monotonic() - began < 10


def test_who_listens_on_every_address_is_named_as_the_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a Docker daemon that is in a swarm does: ending clusters of ours would not help."""
    with socket.socket() as everywhere:
        everywhere.bind(("0.0.0.0", 0))
        everywhere.listen()
        monkeypatch.setattr(networks, "MANAGEMENT_PORT", everywhere.getsockname()[1])
        with pytest.raises(sp.ClusterError, match=r"another program has port \d+ on every address"):
            networks.choose([])
    with pytest.raises(sp.ClusterError, match="no loopback network is free"):
        networks.choose(networks.NETWORKS)


def test_addresses_that_were_taken_meanwhile_are_an_error(home: Path) -> None:
    with LocalCluster.start("one", 1, 0, init=False, lease=False) as one:
        node = one.nodes[0]
        node.kill()
        with socket.socket() as other:
            other.bind((f"127.0.{node.address.split('.')[2]}.{networks.CLAIM_HOST}", 2377))
            with pytest.raises(sp.ClusterError, match="has taken the addresses of one"):
                node.start()
        node.start()


def test_a_long_wait_says_what_it_waits_for(home: Path, tmp_path: Path) -> None:
    """The daemon is stopped as soon as it is there."""
    script = (
        "import os, signal, threading, swarmpy._cluster.node as n\n"
        "wait = n.LocalNode._wait_ready\n"
        "def stopped(self, ready):\n"
        "    import subprocess\n"
        "    child = n.processes._children[-1]\n"
        "    child.send_signal(signal.SIGSTOP)\n"
        "    threading.Timer(2.5, child.send_signal, (signal.SIGCONT,)).start()\n"
        "    wait(self, ready)\n"
        "n.LocalNode._wait_ready = stopped\n"
        "from swarmpy.cli import main\n"
        "raise SystemExit(main(['up', '--name', 'slow', '--managers', '1', '--workers', '0']))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], check=False, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert "swarmpy: still waiting for m1 to start" in done.stderr


def test_very_many_daemons_are_asked_for_twice(home: Path) -> None:
    done = swarmpy("up", "--managers", "200")
    assert done.returncode == 1 and "--yes" in done.stderr and "202 daemons" in done.stderr
    done = swarmpy("up", "--managers", "300", "--yes")
    assert done.returncode == 1 and "at most 240 nodes" in done.stderr
    assert LocalCluster.all() == []
