"""Processes: an executor of fresh Python processes, for seeds.

Not `ProcessPoolExecutor`: that one imports the script that is run once more in each process (which would
run its tests there), and its processes hear Ctrl-C too. These are killed with their executor, and end by
themselves when this Python is gone: each reads its work from a pipe.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import select
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, BinaryIO, ParamSpec, TypeVar

from swarmpy._brief import Brief
from swarmpy._models.plain import whole
from swarmpy.errors import SwarmError

P = ParamSpec("P")
T = TypeVar("T")
_BEGIN = (
    "import sys; sys.path[:] = {path!r}; from swarmpy.testing.processes import work; work({read}, {write})"
)
_SIZE = struct.Struct("<Q")
_Work = tuple["Future[Any]", bytes]


class Processes(Executor, metaclass=Brief):
    """So many Python processes (None: one for each processor that this one may use). As any executor of
    `concurrent.futures`: `submit`, `map`, `shutdown`, `with`.
    """

    def __init__(self, count: int | None = None) -> None:
        self.count = processors() if count is None else whole("count", count, least=1, most=1024)
        self._work: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._hands: list[_Hand] = []
        self._closed = False

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Has one of them call it. What it takes and gives must bear pickling."""
        if self._closed:
            raise RuntimeError("cannot schedule new futures after shutdown")
        future: Future[T] = Future()
        self._work.put((future, pickle.dumps((fn, args, kwargs))))
        if len(self._hands) < self.count:
            self._hands.append(_Hand(self._work))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Ends them: when their work is done, or with `cancel_futures` at once, whatever they do."""
        self._closed = True
        while cancel_futures:
            try:
                left = self._work.get_nowait()
            except queue.Empty:
                break
            if left is not None:
                left[0].cancel()
        for hand in self._hands:
            if cancel_futures:
                hand.kill()
            self._work.put(None)
        for hand in self._hands if wait else ():
            hand.join()

    def __repr__(self) -> str:
        return f"<Processes {self.count}{' (closed)' if self._closed else ''}>"


class _Hand:
    """A process, and the thread that gives it work."""

    def __init__(self, work: queue.SimpleQueue[_Work | None]) -> None:
        self._work = work
        ours_in, theirs_out = os.pipe()
        theirs_in, ours_out = os.pipe()
        code = _BEGIN.format(path=sys.path, read=theirs_in, write=theirs_out)
        self._process = subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.DEVNULL,
            pass_fds=(theirs_in, theirs_out),
            start_new_session=True,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._in, self._out = os.fdopen(ours_in, "rb"), os.fdopen(ours_out, "wb")
        self._thread = threading.Thread(target=self._go, name="swarmpy-processes", daemon=True)
        self._thread.start()

    def kill(self) -> None:
        self._process.kill()

    def join(self) -> None:
        self._thread.join()

    def _go(self) -> None:
        try:
            while (one := self._work.get()) is not None:
                self._do(*one)
        finally:
            self._in.close()
            with contextlib.suppress(BrokenPipeError):
                self._out.close()
            self._process.wait()

    def _do(self, future: Future[Any], work: bytes) -> None:
        if not future.set_running_or_notify_cancel():
            return
        try:
            _write(self._out, work)
            good, value = pickle.loads(_read(self._in))
        except (OSError, EOFError):
            future.set_exception(
                SwarmError(
                    "a process that ran seeds died",
                    code="Aborted",
                    hint='Run them in this one to see why: executor="here".',
                )
            )
        except Exception as error:  # what came back cannot be read here
            future.set_exception(error)
        else:
            future.set_result(value) if good else future.set_exception(value)


def processors() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def work(read: int, write: int) -> None:
    """The other process: work comes, answers go, until the pipe ends."""
    threading.Thread(target=_end_with_parent, args=(read,), daemon=True).start()
    with os.fdopen(read, "rb") as source, os.fdopen(write, "wb") as answers:
        while True:
            try:
                asked = _read(source)
            except EOFError:
                return
            _write(answers, _answer(asked))


def _end_with_parent(pipe: int) -> None:
    """Also in the middle of a long run: the parent no longer waits for its answer."""
    ended = select.poll()
    ended.register(pipe, 0)  # only of its end
    ended.poll()
    os._exit(0)


def _answer(asked: bytes) -> bytes:
    try:
        fn, args, kwargs = pickle.loads(asked)
        return pickle.dumps((True, fn(*args, **kwargs)))
    except BaseException as error:
        try:
            return pickle.dumps((False, error))
        except Exception:
            return pickle.dumps((False, SwarmError(f"{type(error).__name__}: {error}")))


def _write(to: BinaryIO, data: bytes) -> None:
    to.write(_SIZE.pack(len(data)) + data)
    to.flush()


def _read(source: BinaryIO) -> bytes:
    (size,) = _SIZE.unpack(_whole(source, _SIZE.size))
    return _whole(source, size)


def _whole(source: BinaryIO, size: int) -> bytes:
    data = source.read(size)
    if len(data) < size:
        raise EOFError
    return data
