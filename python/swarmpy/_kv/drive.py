"""Drive: lets clients work at the same time, in both worlds, and keeps what they did.

In virtual time each client's request is under way in the engine, and a beat of the world's pulse looks who
has been answered: the same seed and the same calls give the same history. For real, each client is a thread.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Protocol

from swarmpy._connection.base import Connection, Request
from swarmpy._connection.sim import SimExchange
from swarmpy._kv.work import Answer, Asking, Client, Lost, Refused
from swarmpy.errors import SwarmError, Timeout

BEAT = 0.001  # virtual seconds: how exactly the end of an operation is seen


@dataclass
class Done:
    """One operation as it was recorded. Times are seconds on the swarm's clock."""

    client: int
    key: str
    kind: str
    argument: Any
    call: float
    node: str
    result: Any = None
    returned: float | None = None
    outcome: str = "unknown"  # "ok", "failed" (it certainly changed nothing), "unknown"
    error: str = ""


@dataclass
class Plan:
    """The work to do: `ops` operations (None: until stopped), and how long a client rests after one."""

    clients: Sequence[Client]
    doors: Sequence[Connection]
    pause: Callable[[Random], float]
    random: Random
    ops: int | None
    patience: float
    done: list[Done] = field(default_factory=list)

    def begin(self) -> bool:
        """May one more be begun?"""
        return self.ops is None or len(self.done) < self.ops


class Driver(Protocol):
    def stop(self) -> None: ...

    @property
    def over(self) -> bool: ...


def settle(done: Done, now: float, outcome: str, *, result: Any = None, error: str = "") -> None:
    """Writes down what became of it. An unknown outcome has no return."""
    done.outcome, done.result, done.error = outcome, result, error
    done.returned = None if outcome == "unknown" else now


# ---- virtual time


class VirtualClient:
    """One client: at rest until `due`, or with a request under way."""

    def __init__(self, plan: Plan, number: int, now: Callable[[], float]) -> None:
        self._plan, self._client, self._now = plan, plan.clients[number], now
        self._door = number % len(plan.doors)
        self.due = now() + plan.pause(plan.random)
        self._asking: Asking | None = None
        self._exchange: SimExchange | None = None
        self._done: Done | None = None
        self._writes = False
        self._give_up = 0.0

    @property
    def busy(self) -> bool:
        return self._asking is not None

    def beat(self) -> None:
        if self.busy:
            self._look()
        elif self.due <= self._now() and self._plan.begin():
            self._begin()

    def forsake(self) -> None:
        """It is not waited for any more."""
        if self.busy:
            self._end("unknown" if self._writes else "failed", error="the recording ended first")

    def _begin(self) -> None:
        kind, key, argument, self._asking = self._client.next_job()
        door = self._plan.doors[self._door]
        self._done = Done(self._client.number, key, kind, argument, self._now(), door.name)
        self._plan.done.append(self._done)
        self._give_up = self._now() + self._plan.patience
        self._send(next(self._asking))

    def _send(self, request: Request) -> None:
        self._writes = request.method != "GET"
        try:
            exchange = self._plan.doors[self._door].open(request)
        except SwarmError as error:
            self._end("failed", error=error.message)
        else:
            assert isinstance(exchange, SimExchange)
            self._exchange = exchange

    def _look(self) -> None:
        try:
            answer = self._answer()
        except SwarmError as error:
            self._end("unknown" if self._writes else "failed", error=error.message)
        else:
            if answer is not None:
                self._exchange = None
                self._go_on(answer)

    def _answer(self) -> Answer | None:
        """None: it is waited for."""
        assert self._exchange is not None
        if self._exchange.ended(0.0):
            head = self._exchange.head(0.0)
            return Answer(head.status, self._exchange.read(0.0), dict(head.headers))
        if self._now() >= self._give_up:
            raise Timeout(f"no answer within {self._plan.patience:g} s")
        return None

    def _go_on(self, answer: Answer) -> None:
        assert self._asking is not None
        try:
            self._send(self._asking.send(answer))
        except StopIteration as end:
            self._end("ok", result=end.value)
        except Refused as error:
            self._end("failed", error=str(error))
        except Lost as error:
            self._end("unknown" if self._writes else "failed", error=str(error))

    def _end(self, outcome: str, *, result: Any = None, error: str = "") -> None:
        assert self._done is not None
        if self._exchange is not None:
            self._exchange.close()
        settle(self._done, self._now(), outcome, result=result, error=error)
        if outcome == "ok":
            self._client.learned(self._done.kind, self._done.key, self._done.argument, result)
        else:  # another node may know more
            self._door = (self._door + 1) % len(self._plan.doors)
        self._asking = self._exchange = self._done = None
        self.due = self._now() + self._plan.pause(self._plan.random)


class VirtualDriver:
    """`watch(beat)` calls `beat` as virtual time passes (`World.watch`)."""

    def __init__(
        self, plan: Plan, now: Callable[[], float], watch: Callable[[Callable[[], float]], Callable[[], None]]
    ) -> None:
        self._plan, self._now = plan, now
        self._clients = [VirtualClient(plan, number, now) for number in range(len(plan.clients))]
        self._stop = watch(self._beat)
        self._stopped = False

    def _beat(self) -> float:
        for client in self._clients:
            client.beat()
        if any(client.busy for client in self._clients):
            return BEAT
        return max(min(client.due for client in self._clients) - self._now(), BEAT)

    @property
    def over(self) -> bool:
        return self._stopped or not (self._plan.begin() or any(client.busy for client in self._clients))

    def stop(self) -> None:
        if not self._stopped:
            self._stopped = True
            self._stop()
            for client in self._clients:
                client.forsake()


# ---- real time


class ThreadDriver:
    """A thread for each client."""

    def __init__(self, plan: Plan, now: Callable[[], float]) -> None:
        self._plan, self._now = plan, now
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._open: dict[int, Done] = {}
        self._threads = [
            threading.Thread(target=self._work, args=(number,), name="swarmpy-kv", daemon=True)
            for number in range(len(plan.clients))
        ]
        for thread in self._threads:
            thread.start()

    @property
    def over(self) -> bool:
        return not any(thread.is_alive() for thread in self._threads)

    def stop(self, wait: float = 2.0) -> None:
        """What is still under way after `wait` seconds is of unknown outcome."""
        self._ended.set()
        until = time.monotonic() + wait
        for thread in self._threads:
            thread.join(max(until - time.monotonic(), 0.0))
        with self._lock:
            self._open.clear()

    def _work(self, number: int) -> None:
        client, random = self._plan.clients[number], Random(f"{self._plan.random.random()}")
        door = number % len(self._plan.doors)
        while not self._ended.wait(self._plan.pause(random)):
            done = self._begin(number, client, self._plan.doors[door])
            if done is None:
                return
            if not self._finish(number, client, *done, self._plan.doors[door]):
                door = (door + 1) % len(self._plan.doors)

    def _begin(self, number: int, client: Client, door: Connection) -> tuple[Done, Asking] | None:
        kind, key, argument, asking = client.next_job()
        with self._lock:
            if self._ended.is_set() or not self._plan.begin():
                return None
            done = Done(client.number, key, kind, argument, self._now(), door.name)
            self._plan.done.append(done)
            self._open[number] = done
        return done, asking

    def _finish(self, number: int, client: Client, done: Done, asking: Asking, door: Connection) -> bool:
        outcome, result, error = self._carry_out(asking, door)
        with self._lock:
            if self._open.pop(number, None) is not done:  # its client no longer waited for it
                return False
            settle(done, self._now(), outcome, result=result, error=error)
        if outcome == "ok":
            client.learned(done.kind, done.key, done.argument, result)
        return outcome == "ok"

    def _carry_out(self, asking: Asking, door: Connection) -> tuple[str, Any, str]:
        """Outcome, result, error."""
        writes = sent = False
        try:
            request = next(asking)
            while True:
                writes, sent = request.method != "GET", False
                exchange = door.open(request)
                sent = True
                head = exchange.head(self._plan.patience)
                answer = Answer(head.status, exchange.read(self._plan.patience), dict(head.headers))
                request = asking.send(answer)
        except StopIteration as end:
            return "ok", end.value, ""
        except Refused as error:
            return "failed", None, str(error)
        except (Lost, SwarmError) as error:
            return ("unknown" if writes and sent else "failed"), None, str(getattr(error, "message", error))
