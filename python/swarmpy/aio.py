"""Waits and events for asyncio: what blocks in swarmpy is awaited here, by the same names.

    async with sp.aio.Swarm(managers=3, seed=42) as a:
        web = a.services.create("nginx:1.10", name="web", replicas=4)
        assert await a.wait(web)
        async for event in a.events("task", service="web", timeout="5s"): ...

What answers at once (services, nodes, scaling, killing) is asked as always: it is the same swarm, `.sync`. A
cancelled wait leaves the swarm usable. In the simulator waiting is what lets virtual time pass, and tasks
take turns at it; in real time it goes on in a thread, and the loop stays free.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import math
from collections.abc import AsyncGenerator, Callable, Iterable
from datetime import datetime
from typing import Any, TypeVar

from swarmpy import duration, events
from swarmpy._converge import ServiceWait, SwarmWait
from swarmpy._event_stream import News, followed
from swarmpy._hub import Hub
from swarmpy._steady import TICK
from swarmpy._world.base import FIRST_PAUSE, LONGEST_PAUSE, SHORTEST, Needs, World
from swarmpy.duration import DurationLike
from swarmpy.errors import SwarmError
from swarmpy.events import Asked, Event
from swarmpy.http import Http
from swarmpy.network import Networks
from swarmpy.node import Nodes
from swarmpy.outcome import Outcome
from swarmpy.service import Service, Services
from swarmpy.stack import Stacks
from swarmpy.states import Mode
from swarmpy.swarm import Condition
from swarmpy.swarm import Swarm as SyncSwarm

T = TypeVar("T")
TURN = 0.02  # virtual seconds that one task lets pass before others have theirs


class Swarm:
    """A swarm whose waits are awaited. Takes what `swarmpy.Swarm` takes, and begins with `async with`; or
    stands around a swarm that is there: `aio.Swarm.of(swarm)`.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        inspect.signature(SyncSwarm).bind(*arguments, **options)  # a mistyped word is an error here already
        self._make: Callable[[], SyncSwarm] = lambda: SyncSwarm(*arguments, **options)
        self._swarm: SyncSwarm | None = None

    @classmethod
    def of(cls, swarm: SyncSwarm) -> Swarm:
        """Closing is left to the owner, unless `async with` is used."""
        around = cls()
        around._swarm = swarm
        return around

    @property
    def sync(self) -> SyncSwarm:
        """The same swarm, for all that does not wait."""
        if self._swarm is None:
            raise SwarmError(
                "this swarm has not begun", code="FailedPrecondition", hint="async with aio.Swarm(...) as a:"
            )
        return self._swarm

    @property
    def nodes(self) -> Nodes:
        """As `swarm.nodes`: what is asked of it is answered at once."""
        return self.sync.nodes

    @property
    def services(self) -> Services:
        """As `swarm.services`: creating and looking are done at once, waiting is `await a.wait(service)`."""
        return self.sync.services

    @property
    def networks(self) -> Networks:
        """As `swarm.networks`."""
        return self.sync.networks

    @property
    def stacks(self) -> Stacks:
        """As `swarm.stacks`; what is deployed is awaited by `await a.wait(service)`, one by one."""
        return self.sync.stacks

    @property
    def http(self) -> Http:
        """As `swarm.http`."""
        return self.sync.http

    @property
    def now(self) -> float:
        """Seconds since the swarm's beginning, as `swarm.now`."""
        return self.sync.now

    async def wait(self, service: Service, timeout: DurationLike = "60s") -> Outcome:
        """As `service.wait()`."""
        return await wait(service, timeout)

    async def wait_converged(self, timeout: DurationLike = "60s", stable_for: DurationLike = 0) -> Outcome:
        """As `swarm.wait_converged()`."""
        waiting = SwarmWait(self._hub, duration.seconds(timeout), duration.seconds(stable_for))
        settled = await _settled(self._hub.world, waiting, duration.seconds(timeout))
        return waiting.outcome(settled)

    async def run(
        self, until: Callable[[SyncSwarm], object] | None = None, timeout: DurationLike = "60s"
    ) -> bool:
        """As `swarm.run()`: the condition is asked, not awaited."""
        if until is None:
            await self.sleep(timeout)
            return True
        self._hub.check_open()
        condition = Condition(self.sync, until)
        try:
            return await _until(
                self._hub.world, condition.holds, duration.seconds(timeout), again=condition.again
            )
        finally:
            condition.over()

    async def sleep(self, span: DurationLike) -> None:
        """As `swarm.sleep()`: on the swarm's clock."""
        await _sleep(self._hub.open_world, duration.finite_seconds(span))

    def events(
        self,
        kinds: str | Iterable[str] | None = None,
        *,
        service: str | Service | None = None,
        since: float | datetime | None = None,
        timeout: DurationLike | None = None,
    ) -> AsyncGenerator[Event, None]:
        """As `swarm.events()`, but without `timeout` it goes on for ever. The door is opened at once: nothing
        is missed. Ends well when it is left early.
        """
        wanted = events.asked(self._hub, kinds=kinds, service=service, since=since, coming=True)
        deadline = self.now + (float("inf") if timeout is None else duration.seconds(timeout))
        return self._events(wanted, wanted.opened(), deadline)

    async def _events(self, wanted: Asked, stream: News, deadline: float) -> AsyncGenerator[Event, None]:
        virtual = self._hub.world.mode is Mode.SIM
        came = (_virtual_news if virtual else _real_news)(self._hub, stream, deadline)
        async with contextlib.aclosing(came):
            async for raw in came:
                for event in wanted.shown([raw]):
                    yield event

    async def __aenter__(self) -> Swarm:
        if self._swarm is None:
            self._swarm = await asyncio.to_thread(self._make)
        return self

    async def __aexit__(self, *why: object) -> None:
        await asyncio.to_thread(self.sync.close)

    @property
    def _hub(self) -> Hub:
        return self.sync._hub

    def __repr__(self) -> str:
        return f"<aio {self._swarm!r}>" if self._swarm else "<aio Swarm (not begun)>"


async def wait(service: Service, timeout: DurationLike = "60s") -> Outcome:
    """As `service.wait()`, for a service of any swarm."""
    waiting = ServiceWait(service._hub, service.id, service.name, duration.seconds(timeout))
    settled = await _settled(service._hub.world, waiting, duration.seconds(timeout))
    return await _ask(service._hub.world, lambda: waiting.outcome(settled))


# ---- time


async def _ask(world: World, question: Callable[[], T]) -> T:
    """The simulator answers in this thread, so that runs repeat; daemons in another: the loop goes on."""
    if world.mode is Mode.SIM:
        return question()
    return await asyncio.to_thread(question)


async def _sleep(world: World, span: float) -> None:
    if world.mode is not Mode.SIM:
        await asyncio.sleep(span)
        return
    end = world.now() + span
    await asyncio.sleep(0)
    while (left := end - world.now()) > 1e-9:
        world.sleep(min(left, TURN))
        await asyncio.sleep(0)


async def _settled(world: World, waiting: ServiceWait | SwarmWait, timeout: float) -> bool:
    return await _until(world, waiting.settled, timeout, again=waiting.again, needs=waiting.needs)


async def _until(
    world: World,
    holds: Callable[[], bool],
    timeout: float,
    *,
    again: Callable[[], float] = lambda: math.inf,
    needs: Callable[[], Needs | None] = lambda: None,
) -> bool:
    """As `wait_until`."""
    deadline, pause = world.now() + timeout, FIRST_PAUSE
    while True:
        mark = world.mark()
        if await _ask(world, holds):
            return True
        left = deadline - world.now()
        if left < SHORTEST:
            return False
        if world.mode is Mode.SIM:
            await _news(world, mark, min(left, again()), left, needs)
        else:
            await asyncio.sleep(min(pause, left))
        pause = min(pause * 1.5, LONGEST_PAUSE)


async def _news(
    world: World, mark: object, span: float, left: float, needs: Callable[[], Needs | None]
) -> None:
    """Virtual time passes, in turns with other tasks, until there may be news; without `span`, any event."""
    end = world.now() + (span or left)
    while (rest := end - world.now()) >= SHORTEST:
        world.wait_for_news(mark if span else None, min(rest, TURN), 0, needs())
        await asyncio.sleep(0)
        if not span or world.mark() != mark:
            return


# ---- streams


async def _virtual_news(hub: Hub, stream: News, deadline: float) -> AsyncGenerator[dict[str, Any], None]:
    try:
        while True:
            hub.check_open()
            news = stream.news(0.0)
            if news is None or (not news and hub.world.now() >= deadline - TICK):
                return
            for raw in news:
                yield raw
            if not news:
                await _sleep(hub.world, min(TURN, deadline - hub.world.now()))
    finally:
        stream.close()


async def _real_news(hub: Hub, stream: News, deadline: float) -> AsyncGenerator[dict[str, Any], None]:
    """A thread reads; hanging up wakes it."""
    loop, came = asyncio.get_running_loop(), asyncio.Queue[dict[str, Any] | BaseException | None]()

    def tell(item: dict[str, Any] | BaseException | None) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(came.put_nowait, item)

    def read() -> None:
        try:
            for raw in followed(hub, stream, deadline):
                tell(raw)
        except SwarmError as error:
            tell(error)
        else:
            tell(None)

    reading = loop.run_in_executor(None, read)
    try:
        while (item := await came.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stream.close()
        await asyncio.wait([reading])
