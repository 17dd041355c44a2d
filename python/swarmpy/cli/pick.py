"""Which cluster is meant: the one that was named, or the only one."""

from __future__ import annotations

import argparse

from swarmpy._cluster import LocalCluster, LocalNode


def cluster(options: argparse.Namespace) -> LocalCluster:
    if options.cluster:
        return LocalCluster.open(options.cluster)
    return LocalCluster.only()


def node(options: argparse.Namespace) -> LocalNode:
    return cluster(options).node(options.node)
