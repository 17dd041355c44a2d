"""What a recorded client does, answer by answer: without a swarm. Here it is decided what is unknown."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest

import swarmpy as sp
from swarmpy._kv import work
from swarmpy._kv.drive import Plan, ThreadDriver
from swarmpy._kv.work import Answer, Client, Lost, Refused
from swarmpy.errors import Timeout, Unreachable


def entry(value: str, version: int) -> Answer:
    body = {"Key": "k", "Value": value, "Version": {"Index": version}}
    return Answer(200, json.dumps(body).encode(), {})


def refusal(status: int, headers: dict[str, str] | None = None) -> Answer:
    return Answer(status, json.dumps({"message": "no"}).encode(), headers or {})


def told(asking: work.Asking, *answers: Answer) -> Any:
    next(asking)
    try:
        for answer in answers:
            asking.send(answer)
    except StopIteration as end:
        return end.value
    raise AssertionError("it asks on")


def test_a_refusal_of_a_server_that_may_have_written_leaves_the_outcome_unknown() -> None:
    for status in (500, 502, 503, 504):
        with pytest.raises(Lost, match="no"):
            told(work.write("k", 1), refusal(status))
        with pytest.raises(Refused, match="no"):
            told(work.write("k", 1), refusal(status, {"swarmpy-nothing-done": "1"}))
    for status in (400, 404, 409, 499):
        with pytest.raises(Refused, match="no"):
            told(work.write("k", 1), refusal(status))
    with pytest.raises(Lost, match="HTTP status 500"):
        told(work.write("k", 1), Answer(500, b"<html>", {}))


def test_a_swap_says_whether_it_took_place() -> None:
    assert told(work.swap("k", 1, 2), entry("2", 5)) is True
    assert told(work.swap("k", 1, 2), refusal(409)) is False
    with pytest.raises(Lost):
        told(work.swap("k", 1, 2), refusal(503))
    body = json.loads(next(work.swap("k", None, "x")).body or b"")
    assert body == {"Old": None, "New": '"x"'}


def test_a_change_is_made_of_what_is_there_and_only_if_nobody_was_faster() -> None:
    asking = work.change("k", lambda there: [*there, 7])
    assert next(asking).method == "GET"
    put = asking.send(entry("[1]", 4))
    assert (put.method, put.target.endswith("?version=4"), put.body) == ("PUT", True, b"[1,7]")
    assert asking.send(refusal(409)).method == "GET", "again"
    again = asking.send(refusal(404))
    assert again.target.endswith("?version=0") and again.body == b"[7]"
    with pytest.raises(StopIteration):
        asking.send(entry("[7]", 9))


def test_a_client_believes_only_what_took_place() -> None:
    client = Client(1, ("k",), "cas", Random(1))
    client.learned("write", "k", "a", None)
    client.learned("cas", "k", ("a", "b"), False)
    assert client._seen == {"k": "a"}
    client.learned("cas", "k", ("a", "b"), True)
    assert client._seen == {"k": "b"}
    client.learned("read", "k", None, "c")
    assert client._seen == {"k": "c"}


# ---- real time


class _Door:
    """A daemon that does this to each request."""

    name = "m1"

    def __init__(self, *, refuses: bool = False) -> None:
        self._refuses = refuses

    def open(self, request: Any) -> Any:
        if self._refuses:
            raise Unreachable("connection refused")
        return self

    def head(self, patience: float) -> Any:
        raise Timeout(f"no answer within {patience:g} s")

    def close(self) -> None: ...


def carried_out(asking: work.Asking, door: Any) -> tuple[str, Any, str]:
    driver = ThreadDriver.__new__(ThreadDriver)
    driver._plan = Plan([], [], lambda random: 0.0, Random(1), None, 2.0)
    return driver._carry_out(asking, door)


def test_a_write_that_was_sent_and_not_answered_may_have_taken_place() -> None:
    assert carried_out(work.write("k", 1), _Door()) == ("unknown", None, "no answer within 2 s")
    assert carried_out(work.read("k"), _Door())[0] == "failed", "a read changes nothing"
    assert carried_out(work.write("k", 1), _Door(refuses=True)) == ("failed", None, "connection refused")
    # A change reads first: a read without an answer is no write.
    assert carried_out(work.change("k", list), _Door())[0] == "failed"


# ---- virtual time


def test_a_client_gives_up_when_its_patience_is_over() -> None:
    with sp.Swarm(managers=3, workers=0, seed=4) as c:
        leader = c.wait_leader().name
        with c.kv.recording(clients=2, keys=1, rate=None, at=leader, timeout="700ms") as rec:
            c.sleep("200ms")
            with c.faults.freeze(leader):
                c.sleep("3s")
        late = [one for one in rec.history if "no answer within 0.7 s" in one.error]
        assert late and {one.outcome for one in late} <= {"unknown", "failed"}
        assert all(one.outcome == ("failed" if one.kind == "read" else "unknown") for one in late)
        for one in late:
            assert (one.returned is None) == (one.outcome == "unknown")
            assert one.returned is None or 0.7 <= one.returned - one.call < 0.71
        assert sp.check_linearizable(rec.history)
