"""Which cluster is meant: the one that was named, or the only one."""

from __future__ import annotations

import argparse

from swarmpy._cluster import ClusterError, LocalCluster, LocalNode


def cluster(options: argparse.Namespace) -> LocalCluster:
    if options.cluster:
        return LocalCluster.open(options.cluster)
    clusters = LocalCluster.all()
    if not clusters:
        raise ClusterError("no cluster is up", "start one: swarmpy up")
    if len(clusters) > 1:
        names = ", ".join(one.name for one in clusters)
        raise ClusterError(f"several clusters could be meant: {names}", "say which: --cluster NAME")
    return clusters[0]


def node(options: argparse.Namespace) -> LocalNode:
    return cluster(options).node(options.node)
