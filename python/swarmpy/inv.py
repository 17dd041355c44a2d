"""Ready-made invariants, for `swarm.check.always(sp.inv.one_leader_per_term)`.

In the simulator they are asked in the engine after every event, and cost what changed; in real time they are
asked of every change that the swarm told. Each says in a sentence what broke. `sp.check_events` and
`swarmpy check` ask the same of what real daemons have recorded.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

from swarmpy._brief import Brief
from swarmpy._models.nearest import check_word, did_you_mean, nearest
from swarmpy._models.plain import whole
from swarmpy.errors import InvalidArgument

if TYPE_CHECKING:
    from swarmpy.peek import Peek
    from swarmpy.service import Service

Judge: TypeAlias = "Callable[[Peek], str | None]"  # asked of one state after another; says what is wrong


class Invariant(metaclass=Brief):
    """Something that must hold. `.name`: what it is called in errors and tables; `.kind`: which one of
    `sp.inv`; `.service`, `.number`: its arguments ("" and 0: none); `.about`: what it says, and why.
    """

    def __init__(self, kind: str, about: str, service: str = "", number: int = 0) -> None:
        self.kind, self.about, self.service, self.number = kind, " ".join(about.split()), service, number
        self.__doc__ = self.about

    @property
    def name(self) -> str:
        """`"at_least_running(web, 3)"`."""
        said = [self.service] if self.service else []
        said += [str(self.number)] if self.kind in _NUMBERED else []
        return f"{self.kind}({', '.join(said)})" if said else self.kind

    @property
    def form(self) -> str:
        """How it is written in a shell: `"at_least_running SERVICE NUMBER"`, `"update_pace [SERVICE]"`."""
        if self.kind in _NUMBERED:
            return f"{self.kind} SERVICE NUMBER"
        return f"{self.kind} [SERVICE]" if self.kind in _OF_SERVICES else self.kind

    def to_json(self) -> dict[str, object]:
        """`{"kind": "at_least_running", "service": "web", "number": 3}`; `sp.inv.from_json` reads it."""
        found: dict[str, object] = {"kind": self.kind}
        if self.service:
            found["service"] = self.service
        if self.kind in _NUMBERED:
            found["number"] = self.number
        return found

    def judge(self) -> Judge | None:
        """A function that is given one state after another (`Peek`) and says what is wrong, or None. None:
        what it needs only the simulator knows.
        """
        from swarmpy._checks.judges import judge_of

        return judge_of(self)

    def __call__(self, service: str | Service | None = None) -> Invariant:
        """The same, of one service; without one, itself."""
        if service is None:
            return self
        if self.kind not in _OF_SERVICES:
            raise InvalidArgument(f"{self.kind} is not about one service", hint=f"Say sp.inv.{self.kind}.")
        return Invariant(self.kind, self.about, _service(service))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Invariant) and self.to_json() == other.to_json()

    def __hash__(self) -> int:
        return hash((self.kind, self.service, self.number))

    def __repr__(self) -> str:
        return f"<sp.inv.{self.name}: {self.about.split('. ')[0].rstrip('.')}>"


_NUMBERED = ("at_least_running", "at_most_running")
_OF_SERVICES = ("replicas_at_most_desired", "at_most_one_per_slot", "update_pace")

one_leader_per_term = Invariant(
    "one_leader_per_term",
    "No two managers ever lead in the same term. Raft's election safety (figure 3): with two, both could "
    "commit, and one of the two histories would be lost.",
)
no_lost_writes = Invariant(
    "no_lost_writes",
    "Every change that the API answered with 2xx is there: in the committed state when it is answered, and "
    "with every later leader, until it is written over or removed. Simulator only: no client in real time "
    "sees all answers.",
)
no_lost_commits = Invariant(
    "no_lost_commits",
    "An entry that one manager calls committed is the same one on every manager for ever. Raft's state "
    "machine safety: what was committed once may have been answered and acted upon.",
)
committed_never_lost = no_lost_commits
log_matching = Invariant(
    "log_matching",
    "Two logs that have an entry of the same index and term are the same up to there. Raft's log matching "
    "(figure 3): replication relies on it. Watched in the simulator only; sp.check_events compares what real "
    "managers keep of their logs.",
)
quorum_kept = Invariant(
    "quorum_kept",
    "More than half of the managers run and reach each other. Not a promise of the swarm but of a test: "
    "without a majority nothing can be written.",
)
at_most_one_per_slot = Invariant(
    "at_most_one_per_slot",
    "No slot of a service (no node, of a global one) has two tasks that run and are meant to, on nodes that "
    "are not down; two of a service that starts the new one first. A node that is cut off may run a "
    "task on: the swarm has given it up.",
)
replicas_at_most_desired = Invariant(
    "replicas_at_most_desired",
    "A replicated service never begins to run in more slots than it wants replicas. One that was made "
    "smaller has more until they are told to stop.",
)
update_pace = Invariant(
    "update_pace",
    "An update, or its way back, never has more slots in hand at once than its parallelism says: from the "
    "moment that a task which runs is told to stop, until its new one runs or has failed. Restarts and "
    "drains do not count, and a new leader's update begins anew.",
)
no_failed_requests = Invariant(
    "no_failed_requests",
    "No request of swarm.load and swarm.http fails: each is answered, with a status below 400.",
)


def at_least_running(service: str | Service, number: int) -> Invariant:
    """From the first moment on that the service runs `number` tasks it never runs fewer (run and meant to,
    on nodes that are not down, by what the swarm knows). A service that is removed promised nothing more.
    """
    number = whole("number", number, least=1)
    return Invariant("at_least_running", at_least_running.__doc__ or "", _service(service), number)


def at_most_running(service: str | Service, number: int) -> Invariant:
    """The service never runs more than `number` tasks (run and meant to, on nodes that are not down)."""
    number = whole("number", number)
    return Invariant("at_most_running", at_most_running.__doc__ or "", _service(service), number)


_PLAIN = (
    one_leader_per_term,
    no_lost_writes,
    no_lost_commits,
    log_matching,
    at_most_one_per_slot,
    replicas_at_most_desired,
    update_pace,
    quorum_kept,
    no_failed_requests,
)
_MAKERS: dict[str, Callable[..., Invariant]] = {
    "at_least_running": at_least_running,
    "at_most_running": at_most_running,
}


def all() -> list[Invariant]:
    """Those that need no arguments. The first seven hold whatever happens to a swarm; `quorum_kept` and
    `no_failed_requests` depend on what is done to it.
    """
    return list(_PLAIN)


def from_json(value: dict[str, Any]) -> Invariant:
    """What `Invariant.to_json` gave. Raises `InvalidArgument` for a kind that there is not."""
    kind = value.get("kind")
    plain = {one.kind: one for one in _PLAIN}
    check_word("invariant", kind, [*plain, *_MAKERS])
    if kind in _MAKERS:
        return _MAKERS[str(kind)](value.get("service", ""), value.get("number", 0))
    return plain[str(kind)](value.get("service"))


def from_text(text: str) -> Invariant:
    """`"one_leader_per_term"`, `"update_pace web"`, `"at_least_running web 3"`; an invariant's own name,
    `"at_least_running(web, 3)"`, means the same, as does how Python says it. Raises `InvalidArgument` for a
    kind that there is not, and for arguments that it does not take.
    """
    if not isinstance(text, str):
        raise InvalidArgument(
            f"an invariant's text is text, not {text!r}", hint='Write "one_leader_per_term".'
        )
    kind, *said = re.sub(r"[(),\"']", " ", text.strip().removeprefix("sp.inv.")).split() or [""]
    known = {one.kind: one for one in _known()} | {"committed_never_lost": committed_never_lost}
    check_word("invariant", kind, known)
    one, numbered = known[kind], kind in _NUMBERED
    enough = len(said) == 2 if numbered else len(said) <= (1 if kind in _OF_SERVICES else 0)
    if not enough or (numbered and not said[1].lstrip("-").isdigit()):
        raise InvalidArgument(f"{text!r} is not how {kind} is written", hint=f"Write {one.form!r}.")
    return _MAKERS[kind](said[0], int(said[1])) if numbered else one(*said)


def meant(what: object) -> str:
    """A hint for what is no invariant and was probably meant to be one; "" for what was not."""
    if what in (all, at_least_running, at_most_running):
        arguments = "" if what is all else '"web", 3'
        return f"Say {'*' * (what is all)}sp.inv.{getattr(what, '__name__', '')}({arguments})."
    if isinstance(what, list | tuple) and what and isinstance(what[0], Invariant):
        return "Say always(*those)."
    near = nearest(what, [one.kind for one in _known()]) if isinstance(what, str) else None
    return f"Say always(sp.inv.{near})." if near else ""


def _known() -> list[Invariant]:
    """All kinds, for lists of them; those that need arguments have some."""
    return [*_PLAIN, *(make("SERVICE", 1) for make in _MAKERS.values())]


def _service(service: str | Service) -> str:
    name = getattr(service, "name", service)
    if not isinstance(name, str) or not name:
        raise InvalidArgument(f"an invariant of a service needs its name, not {service!r}")
    return name


def __getattr__(name: str) -> NoReturn:
    """What is no invariant was probably meant to be one."""
    if name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    known = [*(one.kind for one in _PLAIN), *_MAKERS, "all"]
    raise AttributeError(f"there is no invariant {name!r}. {did_you_mean(name, known, most=len(known))}")


def __dir__() -> list[str]:
    """What a Tab after `sp.inv.` offers: the invariants, and how one is read from text."""
    ours = {name for name, value in globals().items() if getattr(value, "__module__", None) == __name__}
    ours |= {name for name, value in globals().items() if isinstance(value, Invariant)}
    return sorted(name for name in ours if not name.startswith("_"))
