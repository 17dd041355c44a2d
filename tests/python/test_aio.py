"""swarmpy.aio: the same waits and events, awaited, in both worlds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

import swarmpy as sp

WORLDS = [pytest.param("sim", id="sim"), pytest.param("real", id="real", marks=pytest.mark.real)]


@asynccontextmanager
async def three(mode: str) -> AsyncIterator[sp.aio.Swarm]:
    seed = {"seed": 7} if mode == "sim" else {}
    async with sp.aio.Swarm(managers=1, workers=2, mode=mode, **seed) as a:
        yield a


@pytest.mark.parametrize("mode", WORLDS)
def test_waits_and_events_side_by_side(mode: str) -> None:
    async def story() -> list[str]:
        async with three(mode) as a:
            coming = a.events("task", service="web")
            web = a.services.create("nginx:1.10", name="web", replicas=3, restart_delay=0)

            async def until_replaced() -> list[str]:
                seen: list[str] = []
                async for event in coming:
                    seen.append(event.action)
                    if "failed" in seen and seen[-1] == "running":
                        break
                await coming.aclose()
                return seen

            watching = asyncio.create_task(until_replaced())
            assert await a.wait(web)
            web.tasks.running[0].kill()
            assert await a.run(lambda c: c.services["web"].running == 3, timeout="20s")
            return await asyncio.wait_for(watching, 30)

    seen = asyncio.run(story())
    assert seen.count("running") >= 4
    assert "failed" in seen


@pytest.mark.parametrize("mode", WORLDS)
def test_a_cancelled_wait_leaves_the_swarm_usable(mode: str) -> None:
    async def story() -> None:
        async with three(mode) as a:
            never = a.services.create("nginx:1.10", name="never", constraints=["node.labels.x==y"])
            waiting = asyncio.create_task(a.wait(never, timeout=10_000 if mode == "real" else 1e7))
            await asyncio.sleep(0.3)
            began = time.monotonic()
            waiting.cancel()
            with suppress(asyncio.CancelledError):
                await waiting
            assert time.monotonic() - began < 0.5
            web = a.services.create("nginx:1.10", name="web", replicas=2)
            assert await a.wait(web)

    asyncio.run(story())


@pytest.mark.parametrize("mode", WORLDS)
def test_a_stream_ends_with_its_time(mode: str) -> None:
    async def story() -> None:
        async with three(mode) as a:
            began = a.now
            assert [event async for event in a.events("task", timeout="300ms")] == []
            assert 0.25 < a.now - began < 2
            assert await a.wait_converged(timeout="10s")

    asyncio.run(story())


def test_the_same_awaits_give_the_same_history() -> None:
    async def story() -> str | None:
        async with three("sim") as a:
            web = a.services.create("nginx:1.10", name="web", replicas=3)
            outcome, _ = await asyncio.gather(a.wait(web), a.sleep("2s"))
            assert outcome
            return a.sync.trace_hash

    assert asyncio.run(story()) == asyncio.run(story())


def test_a_swarm_that_did_not_begin_says_so() -> None:
    with pytest.raises(sp.SwarmError, match="not begun"):
        _ = sp.aio.Swarm(managers=1).nodes


def test_around_a_swarm_that_is_there() -> None:
    with sp.Swarm(managers=1, seed=1) as c:
        web = c.services.create("nginx:1.10", name="web")
        assert asyncio.run(sp.aio.Swarm.of(c).wait(web))
        assert web.running == 1
