"""What can go wrong with local clusters, beside what a daemon answers (`swarmpy.errors`)."""

from __future__ import annotations

from swarmpy.errors import NotFound, SwarmError


class ClusterError(SwarmError):
    """A local cluster, one of its nodes or a daemon is not as it should be.

    `.hint` says the next step in Python's words; `.shell` in the shell's, "" where it is the same.
    """

    default_code = "FailedPrecondition"

    def __init__(self, message: str, hint: str = "", *, python: str = "") -> None:
        """`hint`: the next step; in the shell's words where Python has its own."""
        super().__init__(
            message, hint=f"{python} (in a shell: {hint})" if python and hint else python or hint
        )
        self.shell = hint if python else ""


class NoSuchNode(ClusterError, NotFound):
    """The cluster has no node of that name."""

    default_code = "NotFound"


class NoSuchCluster(ClusterError, NotFound):
    """There is no cluster of that name."""

    default_code = "NotFound"
