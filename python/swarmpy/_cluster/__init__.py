"""Local clusters: real `swarmd` processes on loopback addresses of their own, one folder per cluster.

What it is: starting, finding, killing and ending daemons, and forming them into a swarm. What it is not: the
swarm's own life; that is asked of a daemon through its API (`docker_host`).

Invariants: all that is known of a cluster is in its folder, so any process can go on with it; whether a
daemon lives is asked of the kernel, never of a file; `close()` leaves no process, port, socket or folder.
"""

from swarmpy._cluster.cluster import LocalCluster
from swarmpy._cluster.door import Door
from swarmpy._cluster.errors import ClusterError
from swarmpy._cluster.node import LocalNode

__all__ = ["ClusterError", "Door", "LocalCluster", "LocalNode"]
