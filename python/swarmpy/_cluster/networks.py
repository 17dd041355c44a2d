"""Which loopback network 127.0.X.0/24 a cluster has, and that no other cluster on this machine gets it.

A cluster's claim is a bound socket, 127.0.X.254:2377, in the very network that it is about. Each daemon holds
it for as long as it lives (initialised or not), and so does the Python that a leased cluster belongs to. The
kernel gives it to one cluster only, of whatever user and home, and takes it back from the dead. So no start
waits for another, and who takes a network away from us costs us that network, not the start.

A cluster whose nodes have network namespaces has 10.214.X.0/24 there, and claims the same X here.
"""

from __future__ import annotations

import re
import socket
import sys
from collections.abc import Iterable
from contextlib import closing
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from swarmpy._cluster.errors import ClusterError
from swarmpy._cluster.processes import Process, arguments

MANAGEMENT_PORT = 2377
CLAIM_HOST = 254  # no node has this number
NETWORKS = range(1, 255)
NO_NETWORK = 255  # no cluster's: who is in our way here is in our way everywhere
PROBED_HOSTS = range(1, 17)


def choose(known: Iterable[int], *, spaces: bool = False) -> tuple[int, socket.socket]:
    """The lowest X that no cluster of this home has (`known`) and no process uses, and the claim to it.
    `spaces`: and for which this machine has no way to 10.214.X.0/24.
    """
    taken = {*known, *(network for network, _ in _daemons())}
    if spaces:
        taken |= _routed()
    for network in NETWORKS:
        if network in taken or (claim := _claim(network)) is None:
            continue
        if _nobody_listens(network):
            return network, claim
        claim.close()
    raise _none_is_free()


def _none_is_free() -> ClusterError:
    if (claim := _claim(NO_NETWORK)) is None:
        return ClusterError(
            f"another program has port {MANAGEMENT_PORT} on every address of this machine, as a Docker "
            "daemon in swarm mode has",
            f"find it (ss -ltnp sport = :{MANAGEMENT_PORT}), and end it or have it leave its swarm",
        )
    claim.close()
    return ClusterError(
        "no loopback network is free", "swarmpy down --all", python="for one in swarmpy.clusters(): one.end()"
    )


def claimed_for(folder: Path, address: str) -> socket.socket:
    """The claim that the cluster in `folder` has on its network; closed by the caller once passed on."""
    network = int(address.split(".")[2])
    claim = _claim(network)
    if claim is None and not _has_strangers(network, folder):
        claim = _claim(network, join=True)
    if claim is None:
        raise ClusterError(
            f"another cluster has taken the addresses of {folder.name}, {_addresses_beside(address)}, "
            "while none of its nodes ran",
            f"swarmpy down {folder.name}, and start it anew",
            python=f'swarmpy.Swarm(..., mode="real", name="{folder.name}", if_exists="replace")',
        )
    return claim


def _addresses_beside(address: str) -> str:
    return f"{address.rpartition('.')[0]}.*"


def _claim(network: int, *, join: bool = False) -> socket.socket | None:
    """`join`: beside others of this user who hold it. None when it is refused."""
    claim = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if join:
            claim.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        claim.bind((f"127.0.{network}.{CLAIM_HOST}", MANAGEMENT_PORT))
        claim.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)  # only now: it was ours alone
    except OSError:
        claim.close()
        return None
    return claim


def _has_strangers(network: int, folder: Path) -> bool:
    inside = f"{folder}/"
    return any(
        other == network and not any(word.startswith(inside) for word in words) for other, words in _daemons()
    )


def _daemons() -> list[tuple[int, list[str]]]:
    """Network and command line of every daemon that can be seen."""
    found = []
    for process in Process.find_all(lambda words: "--address" in words):
        with process:
            words = arguments(process.pid)
            if match := re.search(r"\0--address\0(?:127\.0|10\.214)\.(\d+)\.", "\0".join(words)):
                found.append((int(match[1]), words))
    return found


def _routed() -> set[int]:
    """Those X whose 10.214.X.0/24 is somebody else's: a link or a route of this machine leads there."""
    try:
        lines = Path("/proc/net/route").read_text().split("\n")[1:]
    except OSError:
        return set()
    found = [line.split() for line in lines if line.strip()]
    ways = [IPv4Network((_address(words[1]), str(_address(words[7])))) for words in found]
    ours = {x: IPv4Network(f"10.214.{x}.0/24") for x in NETWORKS}
    return {x for x, net in ours.items() if any(way.prefixlen and way.overlaps(net) for way in ways)}


def _address(digits: str) -> IPv4Address:
    """As /proc/net/route writes it: hexadecimal, in this machine's order of bytes."""
    return IPv4Address(int(digits, 16).to_bytes(4, sys.byteorder))


def _nobody_listens(network: int) -> bool:
    for host in PROBED_HOSTS:
        with closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((f"127.0.{network}.{host}", MANAGEMENT_PORT))
            except OSError:
                return False
    return True
