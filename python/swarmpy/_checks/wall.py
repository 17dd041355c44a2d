"""Checks in real time: asked in a thread, of the state after each entry that the swarm's log told.

What falls between two looks is not lost: the manager that knows most tells every change since the last one
(`/swarmpy/v1/changes`), and each gives a state. Raft and requests are as of the look.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from swarmpy._checks.source import WallStory, story_of
from swarmpy._hub import Hub
from swarmpy._models.node_info import NodeInfo
from swarmpy._view.model import NodeCard, ServiceLine, TaskCard
from swarmpy._view.recorder import Recorder
from swarmpy.errors import InvariantBroken, SwarmError, check_broken
from swarmpy.peek import Peek, PeekNode, PeekService, PeekTask, raft_seen, raft_views

EVERY = 0.05  # seconds between two looks
NEVER_HELD = "never held: this run did not test it"  # cpp/bindings/checks.cpp says the same
Function = Callable[[Peek], object]


@dataclass
class Line:
    """One check."""

    name: str
    kind: str
    function: Function
    judges: bool = False  # the function says what is wrong, or None
    within: float = 0.0
    after: Function | None = None
    after_kind: str = ""
    asked: int = 0
    held: bool = False
    broken: bool = False
    after_held: bool = False
    raised: bool = False  # its function, when it was asked last
    due: list[float] = field(default_factory=list)

    @property
    def state(self) -> str:
        if self.broken:
            return "broken"
        if self.raised:
            return "raised"
        if self.kind == "sometimes":
            return "held" if self.held else "never seen"
        return "awaited" if self.due else "holds"


class Replay(Recorder):
    """Tells of the state after each entry."""

    def __init__(self, hub: Hub, tell: Callable[[Peek, list[str]], None]) -> None:
        super().__init__(hub.world)
        self._hub, self._tell = hub, tell
        self._raft: Any = ()

    def look_once(self) -> None:
        views = raft_views(self._hub)
        self._raft = raft_seen(views)
        story = story_of(self._hub)
        if isinstance(story, WallStory):
            story.see(self._raft)
        self.look(whole=True)
        self._tell(self.state(self._hub.world.now()), [])

    def settled(self, at: float, kinds: list[str]) -> None:
        self._tell(self.state(at), kinds)

    def state(self, at: float) -> Peek:
        """What the picture has, as a value."""
        frame = self._memory.frame(at, "")
        infos = self._memory.nodes
        down = {one.id for one in infos.values() if str(one.state) == "down"}
        nodes = tuple(_peek_node(one, infos[one.id]) for one in frame.nodes)
        tasks = tuple(_peek_task(one, on_lost_node=one.node_id in down) for one in frame.tasks)
        services = tuple(_peek_service(one, tasks) for one in frame.services)
        leader = next((one.name for one in nodes if one.leader and one.alive), None)
        more = story_of(self._hub).so_far()
        return Peek(at, leader, nodes, services, tasks, self._raft, **more)


def _peek_node(one: NodeCard, info: NodeInfo) -> PeekNode:
    return PeekNode(
        one.id, one.name, one.role, one.state, one.availability, info.reachability, one.leader, one.alive
    )


def _peek_task(one: TaskCard, *, on_lost_node: bool) -> PeekTask:
    runs = str(one.state) == str(one.desired) == "running" and not on_lost_node
    return PeekTask(
        one.id, one.service, one.slot, one.node, one.state, one.desired, runs, one.version, one.error, 0
    )


def _peek_service(one: ServiceLine, tasks: tuple[PeekTask, ...]) -> PeekService:
    running = sum(task.runs for task in tasks if task.service == one.name)
    return PeekService(one.id, one.name, one.mode, one.image, one.wanted, running, one.update, one.message, 0)


class WallChecks:
    """All checks of one real swarm."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self.lines: list[Line] = []
        self._error: BaseException | None = None
        self._raised_before = False  # a user's error was told
        self.broken: InvariantBroken | None = None
        self._lock = threading.RLock()
        self._replay: Replay | None = None
        self._ended = threading.Event()

    def add(self, line: Line) -> None:
        with self._lock:
            if line.kind == "eventually" and line.after is None and not line.after_kind:
                line.due.append(self._hub.world.now() + line.within)
            self.lines.append(line)
            if self._replay is None:
                self._replay = Replay(self._hub, self._ask)
                self._look()
                threading.Thread(target=self._run, name="swarmpy-checks", daemon=True).start()
            else:
                self._look()
            if line.raised:  # a mistake in it: it is not made
                self.lines.remove(line)
        self.tell()

    def tell(self) -> None:
        """Raises what was found; asked by whatever lets time pass."""
        error, self._error = self._error, None
        if error is not None:
            self._raised_before = not isinstance(error, InvariantBroken)
            raise error
        if self.broken is not None:
            raise check_broken(self.broken.invariant, self.broken.at, self.broken.what, again=True)

    def finish(self) -> None:
        """A last look, and what was never seen is broken. An error that was told is not told again."""
        with self._lock:
            if self._raised_before and any(line.raised for line in self.lines):
                self._error = None
                return
            if self.broken is None and self._error is None:
                self._look()
                for line in self.lines:
                    if line.kind == "sometimes" and not line.held and self.broken is None:
                        why = f"{line.name} {NEVER_HELD}"
                        self._break(line, self._hub.world.now(), why)
        self.tell()

    def close(self) -> None:
        self._ended.set()

    def _run(self) -> None:
        while not self._ended.wait(EVERY):
            if self._hub.closed or self.broken is not None:
                return
            with self._lock:
                self._look()

    def _look(self) -> None:
        assert self._replay is not None
        if self.broken is not None:
            return
        try:
            self._replay.look_once()
        except SwarmError:  # no manager answers just now; what happens meanwhile is read later
            return

    def _ask(self, state: Peek, kinds: list[str]) -> None:
        """Every check of every state, also after one of them raised: the first error is told, by `tell`."""
        for line in self.lines:
            if self.broken is None:
                try:
                    line.raised = True
                    self._ask_one(line, state, kinds)
                    line.raised = False
                except Exception as error:  # the user's own: it is theirs to see
                    error.add_note(f'in the check "{line.name}", asked at {state.at:.3f}s')
                    self._error = self._error or error

    def _ask_one(self, line: Line, state: Peek, kinds: list[str]) -> None:
        if line.after_kind in kinds:
            line.due.append(state.at + line.within)
        if line.after is not None:
            holds = bool(line.after(state))
            if holds and not line.after_held:
                line.due.append(state.at + line.within)
            line.after_held = holds
        if (line.kind == "eventually" and not line.due) or (line.kind == "sometimes" and line.held):
            return
        said = line.function(state)
        line.asked += 1
        holds = said is None if line.judges else bool(said)
        line.held = line.held or holds
        if holds:
            line.due.clear()
        elif line.kind == "always":
            wrong = str(said) if line.judges else f"{line.name} did not hold at {state.at:.3f}s"
            self._break(line, state.at, wrong)
        elif line.kind == "eventually" and line.due[0] < state.at:
            late = f"within {line.within:g}s, by {line.due[0]:.3f}s"
            self._break(line, state.at, f"{line.name} did not come to hold {late}")

    def _break(self, line: Line, at: float, what: str) -> None:
        line.broken = True
        line.raised = False
        self.broken = check_broken(line.name, at, what)
        if self._error is not None:  # it is not told any more: what broke is
            where = " ".join(getattr(self._error, "__notes__", ()))
            self.broken.add_note(f"besides, {type(self._error).__name__}: {self._error} {where}")
        self._error = self.broken
