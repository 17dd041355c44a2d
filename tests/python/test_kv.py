"""The replicated register from Python: `c.kv`, its histories, and what judges them."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Iterator

import pytest

import swarmpy as sp
from ctrl_c import pressed_ctrl_c


@pytest.fixture
def c() -> Iterator[sp.Swarm]:
    with sp.Swarm(managers=3, workers=1, seed=7) as swarm:
        yield swarm


# ---- one key


def test_a_value_is_put_read_and_taken_away(c: sp.Swarm) -> None:
    assert c.kv.get("x") is None and c.kv.get("x", 5) == 5 and "x" not in c.kv
    first = c.kv.put("x", {"b": [1, 2.5, True], "a": "ä€🐳"})
    assert c.kv.get("x") == {"a": "ä€🐳", "b": [1, 2.5, True]}
    assert c.kv.version("x") == first > 0
    assert c.kv.put("x", 1) > first
    assert c.kv.delete("x") and not c.kv.delete("x") and c.kv.version("x") == 0


def test_it_is_used_as_a_dict_is(c: sp.Swarm) -> None:
    c.kv["b"] = 2
    c.kv["a"] = 1
    assert list(c.kv) == c.kv.keys() == ["a", "b"] and len(c.kv) == 2
    assert c.kv["a"] == 1 and "a" in c.kv and c.kv.items() == [("a", 1), ("b", 2)]
    del c.kv["a"]
    with pytest.raises(sp.NotFound, match="no such key: a"):
        c.kv["a"]
    with pytest.raises(sp.NotFound):
        del c.kv["a"]


def test_compare_and_swap_takes_place_once(c: sp.Swarm) -> None:
    assert c.kv.cas("x", None, 1) and not c.kv.cas("x", None, 2)
    assert c.kv.cas("x", 1, 2) and not c.kv.cas("x", 1, 3)
    assert c.kv.get("x") == 2
    c.kv["x"] = {"b": 1, "a": 2}
    assert c.kv.cas("x", {"a": 2, "b": 1}, "z"), "equal values are equal, however they are written"
    assert c.kv.cas("x", "z", None) and c.kv.cas("x", None, None) and not c.kv.cas("x", "z", None)
    assert c.kv.cas("x", None, "v" * 60_000) and c.kv.cas("x", "v" * 60_000, 1), "long values, too"


@pytest.mark.parametrize(
    ("key", "value", "why"),
    [
        ("x", None, "None is no value"),
        ("x", {1, 2}, "is no value for a key"),
        ("x", float("nan"), "is no value for a key"),
        ("x", "v" * 70_000, "65536 are allowed"),
        ("a/b", 1, "characters that keys do not have"),
        ("k" * 129, 1, "129 characters"),
        ("", 1, "not empty"),
        (5, 1, "a key is a text"),
    ],
)
def test_what_is_no_key_and_no_value_is_refused(c: sp.Swarm, key: str, value: object, why: str) -> None:
    with pytest.raises(sp.InvalidArgument, match=why) as caught:
        c.kv.put(key, value)
    assert caught.value.hint or "text" in caught.value.message


def test_it_survives_restarts_a_lost_leader_and_reaches_who_comes_late(c: sp.Swarm) -> None:
    c.kv["x"] = "kept"
    leader = c.nodes.leader
    assert leader is not None
    leader.kill()
    assert c.kv["x"] == "kept"
    c.kv["x"] = "newer"
    leader.restart()
    for name in ("m1", "m2", "m3"):
        c.nodes[name].kill()
    for name in ("m1", "m2", "m3"):
        c.nodes[name].restart()
    assert c.run(until=lambda c: c.nodes.leader is not None)
    assert c.kv["x"] == "newer"
    c.nodes.add(1, role="manager")
    assert c.run(until=lambda c: c.kv.get("x", node="m4") == "newer", timeout="20s")


def test_without_a_quorum_the_error_says_so_and_an_old_value_can_still_be_seen(c: sp.Swarm) -> None:
    c.kv["x"] = 1
    c.sleep("1s")
    c.nodes["m1"].kill()
    c.nodes["m2"].kill()
    with pytest.raises((sp.NoQuorum, sp.Timeout)):
        c.kv.get("x")
    with pytest.raises((sp.NoQuorum, sp.Timeout)):
        c.kv.put("x", 2)
    with pytest.raises((sp.NoQuorum, sp.Timeout)):
        c.kv.cas("x", 1, 2)
    assert c.kv.get("x", node="m3") == 1


def test_there_are_only_so_many_keys(c: sp.Swarm) -> None:
    for number in range(1024):
        c.kv.put(f"k{number}", number)
    with pytest.raises(sp.InvalidArgument, match="1024 keys already"):
        c.kv.put("one-more", 1)


# ---- histories


@pytest.mark.parametrize("model", ["register", "cas", "list-append", "set"])
def test_a_recorded_history_is_linearizable(c: sp.Swarm, model: str) -> None:
    history = c.kv.record(clients=4, ops=120, keys=2, model=model)
    assert len(history) == 120 and history.model == model
    assert {one.outcome for one in history} == {"ok"}
    assert len({one.node for one in history}) == 3, "different nodes are asked"
    overlapping = sum(a.returned > b.call for a, b in itertools.pairwise(history))  # type: ignore[operator]
    assert overlapping > 30, "they work at the same time"
    assert sp.check_linearizable(history)


def test_the_same_seed_gives_the_same_history_and_another_another() -> None:
    def recorded(seed: int) -> tuple[str, str | None]:
        with sp.Swarm(managers=3, seed=3) as c:
            history = c.kv.record(clients=3, ops=60, seed=seed)
            return history.to_json(), c.trace_hash

    assert recorded(1) == recorded(1) != recorded(2)


def test_things_are_broken_while_it_records(c: sp.Swarm) -> None:
    with c.kv.recording(clients=5, rate=200, model="cas") as rec:
        c.sleep("2s")
        leader = c.nodes.leader
        assert leader is not None
        leader.kill()
        c.sleep("8s")
        leader.restart()
        c.sleep("5s")
    history = rec.history
    assert rec.over and len(history) > 1000
    assert {one.outcome for one in history} > {"ok"}, "a lost leader leaves somebody without an answer"
    assert all((one.returned is None) == (one.outcome == "unknown") for one in history)
    assert sp.check_linearizable(history)
    before = len(rec.history)
    c.sleep("5s")
    assert len(rec.history) == before, "nobody works after the end"


def test_a_partition_leaves_outcomes_unknown_and_the_history_linearizable(c: sp.Swarm) -> None:
    with c.kv.recording(clients=6, rate=150, timeout="2s") as rec:
        with c.faults.partition("leader", for_="6s"):
            c.sleep("10s")
        c.sleep("4s")
    unknown = [one for one in rec.history if one.outcome == "unknown"]
    assert unknown and all(one.returned is None and one.kind == "write" for one in unknown)
    assert sp.check_linearizable(rec.history)


def test_an_error_ends_a_recording(c: sp.Swarm) -> None:
    with pytest.raises(KeyError), c.kv.recording() as rec:
        c.sleep("1s")
        raise KeyError
    assert rec.over


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"clients": 0}, "clients is at least 1"),
        ({"ops": 0}, "ops is at least 1"),
        ({"model": "registr"}, "no model"),
        ({"rate": 0}, "rate is operations per second"),
        ({"keys": 0}, "keys is at least 1"),
        ({"keys": ["a b"]}, "is no key"),
        ({"keys": []}, "keys names no key"),
        ({"at": []}, "at names no node"),
    ],
)
def test_what_makes_no_recording_is_refused(c: sp.Swarm, options: dict[str, object], why: str) -> None:
    with pytest.raises(sp.InvalidArgument, match=why):
        c.kv.record(**options)  # type: ignore[arg-type]


def test_a_node_that_is_not_there_is_named(c: sp.Swarm) -> None:
    with pytest.raises(sp.NotFound, match="no machine named m9"):
        c.kv.record(at="m9")
    with pytest.raises(sp.NotFound, match="no machine named m9"):
        c.kv.get("x", node="m9")
    assert {one.key for one in c.kv.record(clients=1, ops=9, keys={"b", "a"})} == {"a", "b"}
    assert {one.node for one in c.kv.record(ops=10, at=[c.nodes["m2"], "m3"])} <= {"m2", "m3"}


def test_what_a_read_saw_is_shown_as_it_is() -> None:
    assert sp.Operation(1, "x", "read", result=True, returned=1.0).answer() == "true"
    assert sp.Operation(1, "x", "cas", (1, 2), True, returned=1.0).answer() == "ok"
    assert sp.Operation(1, "x", "cas", (1, 2), False, returned=1.0).answer() == "false"
    assert sp.Operation(1, "x", "write", 3, returned=1.0).answer() == "ok"


def test_a_history_is_a_list_with_json_and_a_table(c: sp.Swarm) -> None:
    history = c.kv.record(clients=2, ops=20, model="cas")
    again = sp.History.from_json(history.to_json())
    assert again == history and again.model == "cas"
    assert sp.check_linearizable(again)
    assert json.loads(history.to_json())["operations"][0].keys() >= {
        "client",
        "key",
        "kind",
        "call",
        "returned",
    }
    assert repr(history).startswith("<history of a cas: 20 operations (20 ok)>\nCALL")
    assert "<table>" in history._repr_html_() and isinstance(history[:5], sp.History)
    pytest.importorskip("pandas")
    frame = history.to_pandas()
    assert len(frame) == 20 and frame["kind"].isin(["read", "write", "cas"]).all()
    with pytest.raises(sp.InvalidArgument, match="this is no history"):
        sp.History.from_json("{}")


# ---- the judge


def op(
    client: object, kind: str, argument: object, result: object, call: float, returned: float | None
) -> dict:  # type: ignore[type-arg]
    return {
        "client": client,
        "key": "x",
        "kind": kind,
        "argument": argument,
        "result": result,
        "call": call,
        "return": returned,
    }


STALE = [
    op("a", "write", 1, None, 0, 1),
    op("b", "read", None, 1, 1.5, 1.8),
    op("a", "write", 2, None, 2, 3),
    op("b", "read", None, 1, 4, 5),
]


def test_a_stale_read_is_shown_with_the_window_that_contradicts_itself() -> None:
    result = sp.check_linearizable(STALE)
    assert not result and result.verdict == "contradiction" and result.key == "x"
    assert [one.what() for one in result.window] == ["write 1", "write 2", "read"]
    assert result.why.startswith("not linearizable: no order of these 3 operations on key 'x' explains")
    assert "write 2" in repr(result) and "5.000 s" in repr(result)
    with pytest.raises(AssertionError, match="no order of these 3 operations"):
        assert result


def test_the_window_is_a_picture(tmp_path: object) -> None:
    from xml.etree import ElementTree

    result = sp.check_linearizable([*STALE, op("c", "write", 9, None, 2.5, None)])
    svg = result.svg()
    root = ElementTree.fromstring(svg)
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert "client a" in texts and "client b" in texts and "write 2 → ok" in texts and "read → 1" in texts
    assert "✗" in texts, "the contradiction is marked"
    assert "prefers-color-scheme:dark" in svg
    assert "<svg" in result._repr_html_() and "<table>" in result._repr_html_()
    path = result.save(f"{tmp_path}/why.svg")
    assert path.read_text(encoding="utf-8") == svg
    with pytest.raises(sp.InvalidArgument, match="no name for this picture"):
        result.save(f"{tmp_path}/why.png")


def test_a_key_that_was_removed_has_version_0() -> None:
    with sp.Swarm(managers=1, workers=0, seed=1) as c:
        c.kv["k"] = 1
        ask = c._hub.client.json
        assert ask("GET", "/swarmpy/v1/kv/k")["Version"]["Index"] > 0
        assert ask("DELETE", "/swarmpy/v1/kv/k")["Version"] == {"Index": 0}


def one_key(*rows: tuple[str, str, object, object, float, float | None]) -> list[dict[str, object]]:
    names = ("client", "kind", "argument", "result", "call", "returned")
    return [{"key": "k", **dict(zip(names, row, strict=True))} for row in rows]


def test_an_outcome_that_is_said_to_be_unknown_is_open_though_it_has_a_return() -> None:
    history = one_key(
        ("a", "write", 1, None, 0.0, 1.0),
        ("b", "read", None, None, 2.0, 3.0),
        ("b", "read", None, 1, 4.0, 5.0),
    )
    assert not sp.check_linearizable(history)
    assert sp.check_linearizable([{**history[0], "outcome": "unknown"}, *history[1:]])


def test_times_count_to_the_nanosecond() -> None:
    def read_after(gap: float) -> bool:
        history = one_key(("a", "write", 1, None, 0.0, 1.0), ("b", "read", None, None, 1.0 + gap, 2.0))
        return bool(sp.check_linearizable(history))

    assert read_after(-3e-8) and not read_after(3e-8), "they met, or they did not"


def test_a_delete_says_whether_there_was_something() -> None:
    for result, good in ((True, False), (False, True), (None, True)):
        assert bool(sp.check_linearizable(one_key(("a", "delete", None, result, 0.0, 1.0)))) == good
    wrote = ("a", "write", 1, None, 0.0, 1.0)
    for result, good in ((True, True), (False, False), (None, True)):
        history = one_key(wrote, ("a", "delete", None, result, 2.0, 3.0))
        assert bool(sp.check_linearizable(history)) == good


def test_good_ones_and_tuples_and_unknown_outcomes() -> None:
    good = sp.check_linearizable([op("a", "write", 1, None, 0, 3), op("b", "read", None, None, 1, 2)])
    assert good and good.window == () and "linearizable: one register" in repr(good) and good._repr_html_()
    assert sp.check_linearizable([])
    late = [
        ("a", "x", "write", 1, None, 0, None),
        ("b", "x", "read", None, None, 1, 2),
        ("b", "x", "read", None, 1, 8, 9),
    ]
    assert sp.check_linearizable(late)
    assert not sp.check_linearizable([*late, ("b", "x", "read", None, None, 10, 11)])
    failed = {**op("a", "write", 1, None, 0, 1), "outcome": "failed"}
    assert sp.check_linearizable([failed, op("b", "read", None, None, 2, 3)]), "it changed nothing"
    lost_update = [
        op("a", "write", 1, None, 0, 1),
        op("b", "cas", (1, 2), True, 2, 4),
        op("c", "cas", [1, 3], True, 3, 5),
    ]
    assert not sp.check_linearizable(lost_update)
    twice = [op("a", "append", 1, None, 0, 1), op("b", "read", None, [1, 1], 2, 3)]
    assert not sp.check_linearizable(twice) and not sp.check_linearizable(twice, model="list-append")
    gone = [op("a", "add", 1, None, 0, 1), op("b", "read", None, set(), 2, 3)]
    assert not sp.check_linearizable(gone, "set")


@pytest.mark.parametrize(
    ("history", "model", "why"),
    [
        ([op("a", "read", None, 1, 5, 4)], None, "the read of client a on key x returns before it is called"),
        ([op("a", "read", None, 1, 0, 4), op("a", "write", 1, None, 3, 5)], None, "one thing at a time"),
        ([op("a", "raed", None, 1, 0, 4)], None, "is a 'raed'"),
        ([op("a", "cas", (1, 2), True, 0, 4)], "register", "is a 'cas'"),
        ([op("a", "cas", 1, True, 0, 4)], None, "the argument \\(old, new\\)"),
        ([op("a", "cas", (1, 2), None, 0, 4)], None, "whether it took place"),
        ([op("a", "read", None, 1, "0", 4)], None, "call is a time"),
        ([{"client": "a", "kind": "read", "call": 1}], None, "when it returned"),
        ([{"kind": "read", "call": 1, "return": 2}], None, "its client"),
        ([{**op("a", "read", None, 1, 0, 4), "reslt": 1}], None, "has a field 'reslt'"),
        (["read"], None, "operation 0"),
        ([("a", "x", "read")], None, "operation 0"),
        ("abc", None, "a history is a list"),
        (5, None, "a history is a list"),
        ([op("a", "read", None, 5, 0, 1)], "list-append", "has all of it as its result"),
        ([], "registr", "no model"),
    ],
)
def test_what_is_no_history_is_named(history: object, model: str | None, why: str) -> None:
    with pytest.raises(sp.InvalidArgument, match=why) as caught:
        sp.check_linearizable(history, model)  # type: ignore[arg-type]
    assert caught.value.hint


def hard() -> list[dict]:  # type: ignore[type-arg]
    many = [op(f"c{n}", "append", n, None, 0, 100) for n in range(40)]
    return [*many, op("z", "read", None, ["nobody's"], 200, 201)]


def test_a_search_that_takes_too_long_is_given_up_and_says_so() -> None:
    result = sp.check_linearizable(hard(), max_steps=50_000)
    assert result.verdict == "unknown" and not result and "max_steps" in repr(result)


def test_ctrl_c_ends_a_search() -> None:
    for _ in range(2):
        with pressed_ctrl_c(after=0.3, ends_within=2.0):
            sp.check_linearizable(hard(), max_steps=2_000_000_000)


def test_others_go_on_while_it_searches() -> None:
    seen: list[int] = []

    def count() -> None:
        for number in range(50):
            seen.append(number)

    thread = threading.Thread(target=count)
    thread.start()
    sp.check_linearizable(hard(), max_steps=300_000)
    thread.join()
    assert len(seen) == 50


# ---- for real


@pytest.mark.real
def test_real_daemons_keep_it_and_record_it_while_the_leader_dies() -> None:
    with sp.Swarm(managers=3, mode="real", seed=4) as c:
        c.kv["x"] = {"a": 1}
        assert c.kv.cas("x", {"a": 1}, 2) and not c.kv.cas("x", {"a": 1}, 3)
        assert c.kv["x"] == 2 and list(c.kv) == ["x"]
        history = c.kv.record(clients=4, ops=200, model="cas")
        assert len(history) == 200 and sp.check_linearizable(history)
        with c.kv.recording(clients=4, rate=100) as rec:
            leader = c.nodes.leader
            assert leader is not None
            leader.kill()
            assert c.run(until=lambda c: c.nodes.leader is not None, timeout="20s")
            c.sleep("1s")
        assert rec.over and sp.check_linearizable(rec.history)
        assert {one.outcome for one in rec.history} > {"ok"}
        leader.restart()
        assert c.kv["x"] == 2
