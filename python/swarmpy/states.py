"""Docker's words as enums that are equal to their text: `node.state == "ready"`, `NodeState.READY ==
"ready"`.
"""

from __future__ import annotations

from enum import StrEnum

from swarmpy._brief import BriefEnum
from swarmpy._models.nearest import did_you_mean
from swarmpy.errors import InvalidArgument


class Word(StrEnum, metaclass=BriefEnum):
    """One of Docker's words. `Role("king")` says in a typed error which words there are."""

    @classmethod
    def _missing_(cls, value: object) -> Word:
        words = [f'"{word}"' for word in cls]
        raise InvalidArgument(
            f"{cls.__name__.lower()} is {', '.join(words[:-1])} or {words[-1]}, not {value!r}",
            hint=did_you_mean(value, list(cls)),
        )


class Mode(Word):
    """Which world: virtual time in this process, or daemons and the wall clock."""

    SIM = "sim"
    REAL = "real"


class Role(Word):
    """Managers keep the swarm's state and, unless drained, run tasks too; workers only run tasks."""

    WORKER = "worker"
    MANAGER = "manager"


class NodeState(StrEnum, metaclass=BriefEnum):
    """What the leader knows of a node. `down`: its session is over; `disconnected`: it left its leader, not
    yet down.
    """

    UNKNOWN = "unknown"
    DOWN = "down"
    READY = "ready"
    DISCONNECTED = "disconnected"


class Availability(Word):
    """What the user wants of a node: new tasks (`active`), no new ones (`pause`), none at all (`drain`)."""

    ACTIVE = "active"
    PAUSE = "pause"
    DRAIN = "drain"


class Reachability(StrEnum, metaclass=BriefEnum):
    """Can the leader reach this manager?"""

    UNKNOWN = "unknown"
    UNREACHABLE = "unreachable"
    REACHABLE = "reachable"


class TaskState(StrEnum, metaclass=BriefEnum):
    """A task's life, in order; it never goes back. From `complete` on it is over."""

    NEW = "new"
    PENDING = "pending"
    ASSIGNED = "assigned"
    ACCEPTED = "accepted"
    PREPARING = "preparing"
    READY = "ready"
    STARTING = "starting"
    RUNNING = "running"
    COMPLETE = "complete"
    SHUTDOWN = "shutdown"
    FAILED = "failed"
    REJECTED = "rejected"
    REMOVE = "remove"
    ORPHANED = "orphaned"

    @property
    def over(self) -> bool:
        """Its process has ended, or never came to be."""
        return self in _OVER

    @property
    def alive(self) -> bool:
        """Its process runs or is about to: `starting` or `running`."""
        return self in (TaskState.STARTING, TaskState.RUNNING)


_OVER = frozenset(
    {
        TaskState.COMPLETE,
        TaskState.SHUTDOWN,
        TaskState.FAILED,
        TaskState.REJECTED,
        TaskState.REMOVE,
        TaskState.ORPHANED,
    }
)


class UpdateState(StrEnum, metaclass=BriefEnum):
    """How far a rolling update, or its way back, has come. `none`: there was none."""

    NONE = "none"
    UPDATING = "updating"
    PAUSED = "paused"
    COMPLETED = "completed"
    ROLLBACK_STARTED = "rollback_started"
    ROLLBACK_PAUSED = "rollback_paused"
    ROLLBACK_COMPLETED = "rollback_completed"

    @property
    def going_on(self) -> bool:
        """It has not come to its end yet."""
        return self in (UpdateState.UPDATING, UpdateState.ROLLBACK_STARTED)

    @property
    def stopped(self) -> bool:
        """It stands still until somebody decides."""
        return self in (UpdateState.PAUSED, UpdateState.ROLLBACK_PAUSED)


class OutcomeState(StrEnum, metaclass=BriefEnum):
    """How a wait ended. Only `converged` is what was wanted."""

    CONVERGED = "converged"
    ROLLED_BACK = "rolled_back"
    PAUSED = "paused"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
