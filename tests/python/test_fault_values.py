"""Faults and plans as values: one vocabulary, the same in Python and in the engine."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest

import swarmpy as sp
from swarmpy._faults import words

_core = pytest.importorskip("swarmpy._core")

LINES = [
    "partition leader",
    "partition minority for 3s",
    "partition m1 m2 for 1m30s",
    "partition m1 | m2 m3 w1 w2 one-way at 1.5s for 3s",
    'partition "at" | "one-way"',
    "cut m1 -> m2 m3",
    "cut m1 <-> *",
    "hold * -> w1 at 0s",
    "net m1 -> * latency 80ms loss 0.05",
    "net m1 m2 <-> w1 latency 1us jitter 1ns loss 1 duplicate 0.000001 reorder 0.5 for 2562h0m0s",
    "throttle w1 factor 10.5",
    "disk m2 fsync_delay 500ms",
    "disk m2 full for 10s",
    "disk m2 errors fsync=ENOSPC,write=EIO after 3",
    "disk m2 lost_tail 2 flip 1 torn old_copy",
    "disk m2 altered",
    "clock m3 skew -5s drift 1.01",
    "clock m3 jump 1h0m0.5s",
    "freeze w1 for 2s",
    "power_off m1",
    "stop leader for 1s",
    "kill leader at 2s for 1s",
    "kill_task web.1 at 5s",
    "port w1 8080",
    "image web:2 exists false",
    "image registry:5000/a/b:2 exit_code 3 after 1s ignores_term start 200ms",
    "transfer",
    "partition m1 | m2 m3 w1 one-way at 1.5s for 3s",
    "partition leader for 2s",
    "partition m2 m3",
    "cut m1 <-> m2 m3",
    "cut m1 -> *",
    "net m1 -> * latency 80ms jitter 5ms loss 0.05 duplicate 1 reorder 0.000001",
    "hold m1 <-> m2 for 5s",
    "throttle w1 factor 2.5",
    "disk m2 fsync_delay 500ms full errors fsync=ENOSPC,write=EIO after 3 lost_tail 4 flip 2 torn old_copy",
    "clock m3 skew -2s drift 1.01 jump 1m0s",
    "stop m1",
    "kill_task web.1 at 1s",
    "image web:2 exists false exit_code 1 after 1s ignores_term start 10ms",
]


@pytest.mark.parametrize("line", LINES)
def test_text_json_and_the_engine_say_the_same(line: str) -> None:
    fault = sp.Fault.parse(line)
    assert str(fault) == line
    assert sp.Fault.from_json(fault.to_json()) == fault == sp.Fault.from_dict(fault.to_dict())
    assert _core.fault_text(fault.to_json()) == line
    assert json.loads(_core.fault_json(line)) == json.loads(fault.to_json())
    assert pickle.loads(pickle.dumps(fault)) == fault
    assert hash(fault) == hash(sp.Fault.parse(line))


def test_every_kind_and_argument_is_in_the_lines() -> None:
    said = " ".join(LINES)
    for kind, parameters in words.KINDS.items():
        assert any(line.split()[0] == kind for line in LINES), kind
        for one in parameters:
            key = "one-way" if one.key == "one_way" else one.key
            assert one.place is not words.Place.KEYED or f" {key}" in said, one.key


def test_the_engine_knows_the_same_kinds() -> None:
    with pytest.raises(ValueError) as error:
        _core.fault_json("nothing")
    assert str(error.value).partition("There are: ")[2] == ", ".join(words.KINDS) + "."


WRONG = [
    ("freze w1", "freeze"),
    ("freeze", "it wants node"),
    ("freeze w1 w2", "there is no argument"),
    ("net m1 <-> m2", "at least one of latency"),
    ("net m1 m2 latency 1s", "it wants a link"),
    ("net m1 <-> m2 latncy 3s", "latency"),
    ("net m1 <-> m2 loss 2", "0 to 1"),
    ("net m1 <-> m2 loss 0.0000001", "six places"),
    ("net m1 <-> m2 latency -1s", "may be 0s"),
    ("cut m1 <-> m1", "both ends"),
    ("cut m1 * <-> m2", "stands alone"),
    ("partition m1 | m1", "two sides"),
    ("partition m1 | m2 | m3 one-way", "between two groups"),
    ("partition m1 | minority", "stands alone"),
    ("disk m1", "at least one of fsync_delay"),
    ("disk m1 errors write=EFOO", "EIO, ENOSPC"),
    ("disk m1 errors writ=EIO", "write"),
    ("disk m1 full after 3", "it wants errors"),
    ("clock m1", "skew, drift, jump"),
    ("throttle w1", "it wants factor"),
    ("throttle w1 factor 0.5", "may be 1"),
    ("port w1 70000", "65535"),
    ("port w1 http", "a whole number"),
    ("image web:2 exit_code 256", "255"),
    ("kill_task web.1 for 3s", "it happens at once"),
    ("kill m1 for 0s", "more than 0s"),
    ("kill m1 at soon", "a duration"),
    ("kill m1 at -1s", "0s or more"),
    ("kill m1 at 9000h", "year"),
    ("kill m1 for 9000h", "year"),
    ("kill m1 for -1s", "more than 0s"),
    ("clock m1 skew 9000h", "skew"),
    ("clock m1 drift 1001", "1000"),
    ("disk m1 lost_tail 0", "1"),
    ("disk m1 errors write=EIO after 0", "1"),
    ("port w1 0", "1"),
    ("throttle w1 factor 1000001", "1000000"),
    ("net m1 <-> m2 duplicate 1.000001", "0 to 1"),
    ("image web:2 exit_code -1", "0 to 255"),
    ('kill "m1', "not closed"),
    ("", "an empty line"),
]


@pytest.mark.parametrize(("line", "part"), WRONG)
def test_wrong_text_is_refused_in_a_sentence_as_the_engine_refuses_it(line: str, part: str) -> None:
    with pytest.raises(sp.InvalidArgument) as error:
        sp.Fault.parse(line)
    assert part in str(error.value)
    with pytest.raises(ValueError):
        _core.fault_json(line)


def test_wrong_json_is_refused_in_a_sentence() -> None:
    for text, part in (
        ("{", "cannot be read"),
        ("[]", "is an object"),
        ("{}", "wants its kind"),
        ('{"kind": "kil", "node": "m1"}', "kill"),
        ('{"kind": "kill", "nod": "m1"}', "node"),
        ('{"kind": "kill", "node": 3}', "a name"),
        ('{"kind": "kill", "node": "m1", "for": true}', "a duration"),
        ('{"kind": "cut", "from_": ["m1"], "to": ["m2"]}', "underscore"),
    ):
        with pytest.raises(sp.InvalidArgument) as error:
            sp.Fault.from_json(text)
        assert part in str(error.value), text
        with pytest.raises(ValueError):
            _core.fault_checked(text)


def test_a_fault_is_a_value() -> None:
    fault = sp.Fault("net", from_="m1", to=["m2"], loss=0.05, latency=0.08, at=1, for_="3s")
    assert (fault.kind, fault.at, fault.for_) == ("net", 1.0, 3.0)
    assert dict(fault.args) == {"from": ["m1"], "to": ["m2"], "latency": "80ms", "loss": 0.05}
    assert fault.but(at=None, for_=None, loss=None) == sp.Fault.parse("net m1 <-> m2 latency 80ms")
    assert fault.but(from_="m3").args["from"] == ["m3"]
    with pytest.raises(AttributeError, match="but"):
        fault.kind = "cut"
    assert "net m1 <-> m2" in repr(fault) and "<table>" in fault._repr_html_()
    assert sp.Fault("partition", groups=[["m1"]]) == sp.Fault("partition", of="m1")


def test_a_plan_is_a_sequence_that_stays_as_it_is() -> None:
    plan = sp.Plan(["kill leader at 2s for 1s", sp.Fault("freeze", node="w1"), {"kind": "transfer"}])
    assert len(plan) == 3 and plan[1] == sp.Fault.parse("freeze w1") and plan[-1].kind == "transfer"
    assert plan.without(0) == plan[1:] and plan.without(0, -1) == sp.Plan(["freeze w1"])
    assert sp.Plan.from_json(plan.to_json()) == plan == sp.Plan.parse(str(plan))
    assert plan + ["port w1 80"] == sp.Plan([*plan, "port w1 80"])  # noqa: RUF005
    assert json.loads(_core.plan_json(str(plan))) == json.loads(plan.to_json())
    assert _core.plan_text(plan.to_json()).splitlines() == str(plan).splitlines()
    assert repr(plan).splitlines()[0].split() == ["#", "AT", "FOR", "FAULT"]
    assert repr(sp.Plan()) == "<Plan: no faults>" and "<table>" in plan._repr_html_()
    assert {plan, sp.Plan(plan)} == {plan}
    for wrong in (3, "x", -4):
        with pytest.raises(sp.InvalidArgument, match="no fault number"):
            plan.without(wrong)  # type: ignore[arg-type]


def test_a_plan_is_kept_in_a_file(tmp_path: object) -> None:
    path = f"{tmp_path}/plan.json"
    plan = sp.Plan(["kill leader at 2s"], since="0s")
    plan.save(path)
    assert sp.Plan.load(path) == plan and sp.Plan.load(path).since == 0
    Path(path).write_text("# by hand\n\nkill leader at 2s\nfreeze w1\n")
    assert len(sp.Plan.load(path)) == 2
    with pytest.raises(sp.InvalidArgument, match="cannot be read"):
        sp.Plan.load(path + "x")


def test_wrong_plans_say_which_fault() -> None:
    for text, part in (
        ('{"plan": 2, "faults": []}', "another format"),
        ('{"plan": 1}', "wants its faults"),
        ('{"plan": 1, "fault": []}', "faults"),
        ('{"plan": 1, "faults": [{"kind": "transfer"}, {"kind": "kil"}]}', "fault 1 of the plan"),
        ('{"plan": 1, "since": "x", "faults": []}', "since is a duration"),
    ):
        with pytest.raises(sp.InvalidArgument) as error:
            sp.Plan.from_json(text)
        assert part in str(error.value), text
    with pytest.raises(sp.InvalidArgument, match="line 2"):
        sp.Plan.parse("kill m1\nkil m2")
    with pytest.raises(sp.InvalidArgument, match="a list of faults"):
        sp.Plan("kill m1")
