"""What was seen of a swarm: Frame, one look; History, what a view remembers of all its looks. Values only."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field, fields
from enum import StrEnum

from swarmpy.events import Event
from swarmpy.states import Availability, NodeState, Role, TaskState, UpdateState

MOST_LIVES, MOST_SAMPLES, MOST_MARKS, MOST_EVENTS = 20_000, 20_000, 500, 200


class Look(StrEnum):
    """How a task is drawn. `lost`: its node died, and no more is known of it."""

    RUNNING = "running"
    STARTING = "starting"
    PENDING = "pending"
    FAILED = "failed"
    SHUTDOWN = "shutdown"
    LOST = "lost"

    @property
    def over(self) -> bool:
        return self in (Look.FAILED, Look.SHUTDOWN, Look.LOST)


_LOOKS = {
    TaskState.NEW: Look.PENDING,
    TaskState.PENDING: Look.PENDING,
    TaskState.RUNNING: Look.RUNNING,
    TaskState.COMPLETE: Look.SHUTDOWN,
    TaskState.SHUTDOWN: Look.SHUTDOWN,
    TaskState.REMOVE: Look.SHUTDOWN,
    TaskState.FAILED: Look.FAILED,
    TaskState.REJECTED: Look.FAILED,
    TaskState.ORPHANED: Look.LOST,
}


def look_of(state: TaskState, *, node_lives: bool) -> Look:
    if not state.over and not node_lives:
        return Look.LOST
    return _LOOKS.get(state, Look.STARTING)


@dataclass(frozen=True)
class NodeCard:
    id: str
    name: str
    role: Role
    state: NodeState
    availability: Availability
    manages: bool
    leader: bool
    alive: bool  # False: its daemon is known to be dead, whatever the leader knows

    @property
    def up(self) -> bool:
        """Right after an election the new leader has not heard of anybody: unknown is not down."""
        return self.alive and self.state in (NodeState.READY, NodeState.UNKNOWN)

    @property
    def standing(self) -> str:
        return "leader" if self.leader and self.alive else "manager" if self.manages else str(self.role)

    @property
    def trouble(self) -> str:
        """`down`, `drain`, ...; "" when all is well."""
        if not self.alive:
            return "down"
        if self.state is not NodeState.READY:
            return str(self.state)
        return "" if self.availability is Availability.ACTIVE else str(self.availability)


@dataclass(frozen=True)
class TaskCard:
    id: str
    service: str
    slot: int
    node_id: str
    node: str  # its name, "" before it is assigned
    state: TaskState
    desired: TaskState
    version: str  # `nginx:1.10`; `nginx:1.10 (2)` for a second spec with that image
    error: str
    since: float  # when it came to its state
    created: float
    look: Look

    @property
    def label(self) -> str:
        return f"{self.service}.{self.slot or self.node or '?'}"

    @property
    def words(self) -> str:
        """Its state for people."""
        if self.look is Look.RUNNING and self.desired is not TaskState.RUNNING:
            return "stopping"
        return "lost" if self.look is Look.LOST else str(self.state)

    @property
    def serves(self) -> bool:
        return self.look is Look.RUNNING and self.desired is TaskState.RUNNING


@dataclass(frozen=True)
class ServiceLine:
    id: str
    name: str
    mode: str
    image: str
    wanted: int
    running: int
    update: UpdateState
    message: str


@dataclass(frozen=True)
class Frame:
    """The swarm at `at` (seconds on its clock). `notice`: what is wrong with the look itself, else ""."""

    at: float = 0.0
    nodes: tuple[NodeCard, ...] = ()
    services: tuple[ServiceLine, ...] = ()
    tasks: tuple[TaskCard, ...] = ()
    notice: str = ""

    @property
    def leader(self) -> str:
        return next((node.name for node in self.nodes if node.leader and node.alive), "")


@dataclass(frozen=True)
class Sample:
    """Wanted and running tasks from `at` on, until the next sample."""

    at: float
    wanted: int
    running: Mapping[str, int]  # by version


@dataclass(frozen=True)
class Mark:
    """`kind`: `fault`, `repair`, `update` or `leader`."""

    at: float
    kind: str
    text: str


@dataclass
class Life:
    """One task from its making to its end, as far as it was seen."""

    id: str
    service: str
    slot: int
    node: str
    version: str
    created: float
    running: float | None = None
    ended: float | None = None
    look: Look = Look.PENDING
    error: str = ""


@dataclass(frozen=True)
class Spell:
    """A node from `at` on, until its next spell."""

    at: float
    up: bool
    leader: bool
    trouble: str


@dataclass
class History:
    """Bounded: the oldest is forgotten first."""

    began: float = 0.0
    samples: deque[Sample] = field(default_factory=lambda: deque(maxlen=MOST_SAMPLES))
    marks: deque[Mark] = field(default_factory=lambda: deque(maxlen=MOST_MARKS))
    lives: dict[str, Life] = field(default_factory=dict)
    spells: dict[str, list[Spell]] = field(default_factory=dict)
    versions: dict[str, int] = field(
        default_factory=dict
    )  # with its number in this swarm, in order of coming
    events: deque[Event] = field(default_factory=lambda: deque(maxlen=MOST_EVENTS))
    requests: list[tuple[float, int, int]] = field(default_factory=list)  # at, ok, failed since the last

    def copy(self) -> History:
        """As of now, for a reader that looks while it grows."""
        parts = {field.name: copy(getattr(self, field.name)) for field in fields(self)}
        return History(**parts)

    def last(self, frame: Frame) -> float:
        return max(frame.at, self.marks[-1].at if self.marks else 0.0)
