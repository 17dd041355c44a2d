"""A load in real time: an event loop in a thread of its own sends each request at its instant, whatever
became of those before it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

from swarmpy._hub import Hub
from swarmpy._world.base import World
from swarmpy.http import Response
from swarmpy.requests import Request

PATIENCE = 10.0  # seconds that a client waits for its answer
MOST_BYTES = 1 << 20  # of a page


class WallLoad:
    """One load. `hosts`: name and address of each node that is asked, in turn."""

    def __init__(
        self, hub: Hub, port: int, rate: float, hosts: Sequence[tuple[str, str]], span: float | None
    ) -> None:
        self._world: World = hub.world
        self._hub, self._port, self._rate, self._hosts, self._span = hub, port, rate, hosts, span
        self.done: list[Request] = []
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="swarmpy-load", daemon=True)
        self._thread.start()

    @property
    def over(self) -> bool:
        """Nothing is sent any more, and nothing is under way."""
        return not self._thread.is_alive()

    def stop(self, *, wait: bool) -> None:
        self._stopped.set()
        if wait:
            self._thread.join(PATIENCE + 1.0)

    def _run(self) -> None:
        asyncio.run(self._send_all())

    async def _send_all(self) -> None:
        begin, number, flying = self._world.now(), 0, set[asyncio.Task[None]]()
        while not self._stopped.is_set() and not self._hub.closed:
            due = number / self._rate
            if self._span is not None and due >= self._span:
                break
            ahead = begin + due - self._world.now()
            if ahead > 0:
                await asyncio.sleep(min(ahead, 0.05))
                continue
            name, host = self._hosts[number % len(self._hosts)]
            task = asyncio.create_task(self._one(name, host, begin + due))
            flying.add(task)
            task.add_done_callback(flying.discard)
            number += 1
        if flying and not self._hub.closed:
            await asyncio.wait(flying, timeout=PATIENCE)

    async def _one(self, name: str, host: str, sent: float) -> None:
        status, body, error = 0, "", ""
        try:
            status, body = await asyncio.wait_for(_get(host, self._port), PATIENCE)
        except TimeoutError:
            error = "timed out"
        except (OSError, ValueError, asyncio.IncompleteReadError) as why:
            error = (getattr(why, "strerror", None) or str(why) or type(why).__name__).lower()
        if not error and status >= 400:
            error = f"HTTP status {status}"
        page = Response(status, body)
        took = self._world.now() - sent
        request = Request(sent, name, page.task, error, took, status, self._port, page.node)
        self.done.append(request)
        self._hub.requests.append(request)


async def _get(host: str, port: int) -> tuple[int, str]:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(f"GET / HTTP/1.0\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        answer = bytearray()
        while len(answer) < MOST_BYTES and (part := await reader.read(65536)):
            answer += part
    finally:
        writer.close()
    head, _, body = bytes(answer).partition(b"\r\n\r\n")
    words = head.split(None, 2)
    if len(words) < 2 or not words[1].isdigit():
        raise ValueError("connection reset by peer" if not answer else "no HTTP answer")
    return int(words[1]), body.decode("utf-8", "replace")
