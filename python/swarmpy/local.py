"""Local clusters by name: what runs on this machine, and how to take it or end it.

sp.clusters()                   # as `swarmpy ls`
c = sp.attach("lab")            # a Swarm around it; closing that ends nothing
sp.clusters()["lab"].end()
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from swarmpy import _show
from swarmpy._brief import Brief
from swarmpy._models.nearest import not_found

if TYPE_CHECKING:
    from swarmpy._cluster import LocalCluster
    from swarmpy.swarm import Swarm

HEADER = ("CLUSTER", "NODES", "RUNNING", "DEAD")


@dataclass(frozen=True)
class Cluster(metaclass=Brief):
    """A local cluster as it was when it was listed. `name`, as `swarmpy ls` shows it; `running` and `dead`:
    the names of its nodes whose daemons run, and of those that do not.
    """

    name: str
    running: tuple[str, ...]
    dead: tuple[str, ...]

    def attach(self) -> Swarm:
        """As `swarmpy.attach(name)`."""
        return attach(self.name)

    def end(self) -> None:
        """Ends its daemons and tasks and forgets it, whichever process started it: `swarmpy down`. Raises
        `ClusterError` (and `NotFound`) when it is gone already.
        """
        from swarmpy._cluster import LocalCluster
        from swarmpy._world.real import RealWorld

        RealWorld.end(LocalCluster.open(self.name))

    def row(self) -> tuple[str, ...]:
        """As a line of a table."""
        nodes = len(self.running) + len(self.dead)
        return self.name, str(nodes), " ".join(self.running), " ".join(self.dead)


class ClusterList(list[Cluster], metaclass=Brief):
    """Clusters by name; `clusters["lab"]` is the one of that name. A plain list otherwise."""

    def __getitem__(self, key: str | int) -> Cluster:  # type: ignore[override]
        """By name, or by place in the list. Raises `NotFound` with the nearest name."""
        if not isinstance(key, str):
            return super().__getitem__(key)
        for one in self:
            if one.name == key:
                return one
        raise not_found("cluster", key, [one.name for one in self])

    def __repr__(self) -> str:
        return _show.table(HEADER, [one.row() for one in self]) if self else "no clusters"

    def _repr_html_(self) -> str:
        rows = [one.row() for one in self]
        return _show.html_box([_show.html_table(f"{len(self)} clusters", HEADER, rows)])


def clusters() -> ClusterList:
    """Every local cluster of this user (in `$SWARMPY_HOME`), by name: those of this Python, of others, and of
    `swarmpy up`.
    """
    from swarmpy._cluster import LocalCluster

    return ClusterList(_listed(one) for one in LocalCluster.all())


def attach(name: str | None = None) -> Swarm:
    """A Swarm around a local cluster that is there: of `swarmpy up`, or of another Python or notebook.
    Closing it ends nothing but the faults that it has begun.

    None: the only one there is. Raises `ClusterError` when there is none of that name, or when several could
    be meant.
    """
    from swarmpy._cluster import LocalCluster
    from swarmpy._world.real import RealWorld
    from swarmpy.swarm import around

    world = RealWorld.around(LocalCluster.open(name) if name is not None else LocalCluster.only())
    swarm = around(world)
    swarm._let_go = world.close
    return swarm


def _listed(cluster: LocalCluster) -> Cluster:
    nodes: Sequence[tuple[str, bool]] = [(node.name, node.alive) for node in cluster.nodes]
    running = tuple(name for name, alive in nodes if alive)
    return Cluster(cluster.name, running, tuple(name for name, alive in nodes if not alive))
