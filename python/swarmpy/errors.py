"""What can go wrong, typed. Every error has `.code` (gRPC's word, as Docker's own texts have it) and `.hint`
(the next step).

The message is Docker's text where Docker has one. `error_of` turns an answer of the API into the right class;
nothing here talks to anybody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from swarmpy._brief import Brief

# What Docker says, and then the reasons.
INCOMPLETE = "warning: incomplete log stream. some logs could not be retrieved for the following reasons: "


class SwarmError(Exception, metaclass=Brief):
    """Anything that went wrong. `.code`: gRPC's word; `.hint`: what to do next, "" when the message says it;
    `.status`: HTTP's number where the API answered, else 0. `.shell`: the next step in a shell's words, ""
    where it is the same.

    Where several managers were asked in turn, `.asked` has what each said, by name. `.nothing_done`: the
    request certainly changed nothing, so it may be sent again.
    """

    default_code = "Unknown"
    default_hint = ""
    nothing_done = False
    shell = ""

    def __init__(self, message: str, *, code: str = "", hint: str = "", status: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.hint = hint or self.default_hint
        self.status = status
        self.asked: Mapping[str, str] = {}

    def __str__(self) -> str:
        return f"{self.message}\nHint: {self.hint}" if self.hint else self.message


class NotFound(SwarmError, LookupError):
    """There is no such node, service or task."""

    default_code = "NotFound"


class InvalidArgument(SwarmError, ValueError):
    """A value that the swarm does not take."""

    default_code = "InvalidArgument"


class Conflict(SwarmError):
    """The name is taken, the object is in use, or somebody else changed it first."""

    default_code = "Aborted"


class NotManager(SwarmError):
    """Only managers answer this, and the node that was asked is not one (or is in no swarm at all)."""

    nothing_done = True

    default_code = "Unavailable"
    default_hint = "Ask a manager, or make this node one: node.swarm.init(), or promote it on a manager."


class Locked(NotManager):
    """The manager that was asked is locked (autolock): it started again, and waits for the unlock key."""

    default_code = "FailedPrecondition"
    shell = "Unlock it: swarmpy unlock NODE, or docker swarm unlock on it."
    default_hint = (
        "Unlock it: node.unlock(key), docker swarm unlock on it, or swarmpy unlock NODE. A manager that is "
        "not locked tells the key: swarm.unlock_key()."
    )


class WrongUnlockKey(SwarmError):
    """The locked manager does not open with this key: it is another swarm's, or that of another rotation."""

    default_code = "Unauthenticated"
    shell = (
        "Give the key that docker swarm unlock-key shows on a manager that is not locked. One that was down "
        "during a rotation still opens with the former key."
    )
    default_hint = (
        "Give the key that swarm.unlock_key() shows on a manager that is not locked. One that was down "
        "during a rotation still opens with the former key."
    )


class TooManyTries(SwarmError):
    """So many wrong keys were tried that the next one must wait a second."""

    default_code = "ResourceExhausted"


class NoQuorum(SwarmError):
    """No manager that can be reached has a leader: not more than half of the managers are up and reach each
    other. (Of three managers two must, of four three.)

    A change that was refused so may still be carried out later, unless `.nothing_done`: the hint says so.
    """

    default_code = "Unavailable"
    default_hint = "Start managers again until more than half of them are up; tasks go on running meanwhile."


class Unreachable(SwarmError):
    """Nothing answers at that address: the node is dead, or the door is not there.

    `.sent`: the request had gone out when the node fell silent, so it may have been carried out.
    """

    default_code = "Unavailable"
    default_hint = "Start the node again (node.restart()), or ask another one."

    def __init__(self, message: str, *, sent: bool = False, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.sent = sent
        self.nothing_done = not sent


class Timeout(SwarmError, TimeoutError):
    """An answer did not come in time. The request may have been carried out."""

    default_code = "DeadlineExceeded"


class ConvergenceTimeout(Timeout):
    """The swarm is still not as its specs want it. `.blockers`: what is missing, a sentence each."""

    default_hint = "See .blockers; a longer timeout= helps only if they shrink."

    def __init__(self, message: str, *, blockers: Sequence[str] = ()) -> None:
        super().__init__("; ".join([message, *blockers]))
        self.blockers = tuple(blockers)


class IncompleteLogs(SwarmError):
    """Some lines cannot be had: a node is down, or was lost in the middle. `.lines`: those that could be had
    (of a followed stream they were given already). `.missing`: what is missing, a phrase each.
    """

    default_code = "Unavailable"
    default_hint = "Start the node again and ask again; .lines has what could be had."

    def __init__(self, missing: Sequence[str], *, lines: Sequence[object] = ()) -> None:
        super().__init__(INCOMPLETE + ", ".join(missing))
        self.missing = tuple(missing)
        self.lines: Sequence[Any] = lines


class NotSupportedInMode(SwarmError):
    """This makes sense in the other world only; the hint names what to use instead."""

    default_code = "Unimplemented"


class InvariantError(SwarmError):
    """The engine found itself wrong: a bug in swarmpy. This swarm is dead from now on; others, and Python, go
    on.
    """

    default_code = "Internal"
    default_hint = "Please report it with the seed and the sentence; the same seed and calls show it again."


class InvariantBroken(InvariantError):
    """Something that was to hold (`swarm.check`) did not. `.invariant`: its name; `.at`: when, seconds on the
    swarm's clock; `.what`: a sentence. The swarm stands at that event: it can be looked at (`peek`, `events`,
    `trace_hash`, `save`), and refuses to run on with this error again.
    """

    default_code = "FailedPrecondition"
    default_hint = "The swarm stands there: look with swarm.peek(), swarm.events(), swarm.check."

    def __init__(self, message: str, *, invariant: str = "", at: float = 0.0, what: str = "") -> None:
        super().__init__(message)
        self.invariant, self.at, self.what = invariant, at, what or message

    def __reduce__(self) -> Any:  # runs in other processes send it home
        return _broken_again, (self.message, self.invariant, self.at, self.what)


def _broken_again(message: str, invariant: str, at: float, what: str) -> InvariantBroken:
    return InvariantBroken(message, invariant=invariant, at=at, what=what)


def check_broken(invariant: str, at: float, what: str, again: bool = False) -> InvariantBroken:
    """The error of a broken check. `again`: it was raised before, and somebody wants to run on."""
    told = what if what.startswith(invariant) else f"{invariant}: {what}"
    if again:
        told += f" (the run ended there, at {at:.3f}s, and does not go on)"
    return InvariantBroken(told, invariant=invariant, at=at, what=what)


class NotConverged(ConvergenceTimeout, AssertionError):
    """`swarm.assert_converged()` failed. `.blockers`: what is missing, a sentence each."""


_BY_CODE: dict[str, type[SwarmError]] = {
    "NotFound": NotFound,
    "InvalidArgument": InvalidArgument,
    "AlreadyExists": Conflict,
    "Aborted": Conflict,
    "DeadlineExceeded": Timeout,
}
_TOO_MANY = 429  # the status of nothing else
_BY_STATUS: dict[int, tuple[type[SwarmError], str]] = {
    400: (InvalidArgument, "InvalidArgument"),
    404: (NotFound, "NotFound"),
    409: (Conflict, "AlreadyExists"),
    501: (SwarmError, "Unimplemented"),
    503: (SwarmError, "Unavailable"),
}


def error_of(status: int, message: str, headers: Mapping[str, str]) -> SwarmError:
    """The error that an answer of the API means. `headers` have lower-case names."""
    by_status, status_code = _BY_STATUS.get(status, (SwarmError, "Unknown"))
    code = headers.get("swarmpy-code") or status_code
    kind = _BY_CODE.get(code, by_status)
    if "does not have a leader" in message or "too few managers are online" in message:
        kind = NoQuorum
    elif "Swarm is encrypted and" in message:
        kind = Locked
    elif "could not be unlocked: invalid key" in message:
        kind = WrongUnlockKey
    elif status == _TOO_MANY:
        kind = TooManyTries
    elif "not a swarm manager" in message or "not part of a swarm" in message:
        kind = NotManager
    elif "out of sequence" in message:
        kind = Conflict
    error = kind(message, code=code, hint=headers.get("swarmpy-hint", ""), status=status)
    error.nothing_done = error.nothing_done or "swarmpy-nothing-done" in headers
    return error
