"""What can go wrong with local clusters, beside what a daemon answers (`swarmpy.errors`)."""

from __future__ import annotations

from swarmpy.errors import NotFound, SwarmError


class ClusterError(SwarmError):
    """A cluster, a node or a daemon is not as it should be."""

    default_code = "FailedPrecondition"

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint=hint)


class NoSuchNode(ClusterError, NotFound):
    """The cluster has no node of that name."""

    default_code = "NotFound"
