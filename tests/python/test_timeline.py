"""The timeline's data: all that happened is in the page, and nothing in it can break out of it."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import swarmpy as sp
from swarmpy._timeline import Failure, chronicle_html, timeline_html


def recorded(seed: int = 3, managers: int = 3, workers: int = 2) -> sp.Swarm:
    swarm = sp.Swarm(managers=managers, workers=workers, seed=seed)
    swarm._world.core.record_chronicle(True)  # type: ignore[attr-defined]
    return swarm


def rows(told: dict[str, Any], table: str) -> list[dict[str, Any]]:
    columns = told[table]["columns"]
    return [dict(zip(columns, row, strict=True)) for row in told[table]["rows"]]


class Scripts(HTMLParser):
    """The scripts of a page by their kinds, and what there is besides."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.scripts: list[tuple[str, str]] = []
        self.tags: list[str] = []
        self.links: list[str] = []
        self.title = ""
        self._in = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        self.tags.append(tag)
        self._in = tag
        self.links += [value or "" for key, value in attrs if key in ("src", "href")]
        if tag == "script":
            self.scripts.append((said.get("type") or "", ""))

    def handle_endtag(self, tag: str) -> None:
        self._in = ""

    def handle_data(self, data: str) -> None:
        if self._in == "script":
            kind, text = self.scripts[-1]
            self.scripts[-1] = (kind, text + data)
        if self._in == "title":
            self.title += data


def data_of(page: str) -> dict[str, Any]:
    (data,) = (text for kind, text in Scripts(page).scripts if kind == "application/json")
    told: dict[str, Any] = json.loads(data)
    return told


def story(c: sp.Swarm) -> None:
    web = c.services.create("nginx:1.10", name="web", replicas=4, ports=["8080:80"])
    web.wait()
    assert c.http.get("w1:8080").status == 200
    leader = c.nodes.leader
    assert leader is not None
    leader.kill()
    c.sleep("3s")
    c.nodes["w1"].kill()
    c.sleep("8s")


def test_a_recorded_run_is_the_same_run() -> None:
    with recorded() as c, sp.Swarm(managers=3, workers=2, seed=3) as other:
        story(c)
        story(other)
        assert c.trace_hash == other.trace_hash
        before = c.trace_hash
        timeline_html(c)
        assert c.trace_hash == before, "drawing is looking"


def test_every_role_that_the_trace_tells_of_is_in_the_page() -> None:
    with recorded() as c:
        c._world.core.take_trace()  # type: ignore[attr-defined]
        story(c)
        trace = c._world.core.take_trace()  # type: ignore[attr-defined]
        told = data_of(timeline_html(c))["chronicle"]
    said = re.compile(r"role=State(\w+) term=(\d+)")
    names = [node["name"] for node in told["nodes"]]
    words = {
        "Leader": "leader",
        "Follower": "follower",
        "Candidate": "candidate",
        "PreCandidate": "pre-candidate",
    }
    roles = {(names[row["node"]], row["role"], row["term"]) for row in rows(told, "roles")}
    leaders = {role for role in roles if role[1] == "leader"}
    assert len(leaders) >= 2, "a second leader was elected"
    for _, machine, kind, text in trace:
        if kind == "raft.role" and (found := said.search(text)) and found[1] == "Leader":
            assert (machine, words[found[1]], int(found[2])) in roles


def test_votes_are_told_with_their_answers_and_what_became_of_them() -> None:
    with recorded() as c:
        story(c)
        told = data_of(timeline_html(c))["chronicle"]
    words = [kind["word"] for kind in told["kinds"]]
    messages = rows(told, "messages")
    for row in messages:
        assert row["ended"] >= row["sent"] and row["from"] != row["to"]
    votes = [row for row in messages if words[row["kind"]] == "vote" and row["fate"] == "arrived"]
    replies = [row for row in messages if words[row["kind"]] == "vote reply"]
    assert votes
    for vote in votes:
        assert any(
            (reply["from"], reply["to"], reply["term"]) == (vote["to"], vote["from"], vote["term"])
            and reply["sent"] >= vote["ended"]
            for reply in replies
        ), vote


def test_nodes_tasks_and_requests_are_told() -> None:
    with recorded() as c:
        story(c)
        told = data_of(timeline_html(c))["chronicle"]
    names = [node["name"] for node in told["nodes"]]
    downs = [(names[row["node"]], row["why"]) for row in rows(told, "states") if row["state"] == "down"]
    assert ("w1", "killed (SIGKILL)") in downs and len(downs) == 2
    tasks = [task["name"] for task in told["tasks"]]
    runs = {(tasks[row["task"]], row["state"]) for row in rows(told, "moves")}
    assert {(f"web.{slot}", "running") for slot in range(1, 5)} <= runs
    assert any(row["path"] == "/services/create" and row["status"] == 201 for row in rows(told, "calls"))
    (fetch,) = rows(told, "fetches")
    assert fetch["status"] == 200 and fetch["port"] == 8080 and fetch["task"].startswith("web.")
    assert names[fetch["node"]] == "w1" and fetch["ended"] > fetch["at"]


def test_a_fault_is_told_with_the_messages_that_it_cost() -> None:
    with recorded() as c:
        cut = {"kind": "partition", "groups": [["m1"], ["m2", "m3", "w1", "w2"]]}
        c._world.core.begin_fault(json.dumps(cut))  # type: ignore[attr-defined]
        begun = c.now
        c.sleep("1s")
        c._world.core.heal()  # type: ignore[attr-defined]
        c.sleep("1s")
        told = data_of(timeline_html(c))["chronicle"]
    (fault,) = rows(told, "faults")
    assert fault["text"] == "partition m1 | m2 m3 w1 w2" and fault["nodes"] == [0]
    assert fault["at"] / 1e9 == pytest.approx(begun) and fault["ended"] / 1e9 == pytest.approx(begun + 1)
    lost = [row for row in rows(told, "messages") if row["fate"] == "cut"]
    assert lost and all(0 in (row["from"], row["to"]) for row in lost), "m1 is on every cut link"
    assert all(fault["at"] <= row["sent"] <= fault["ended"] for row in lost)


def test_the_broken_invariant_is_in_the_page() -> None:
    with recorded() as c:
        c.sleep("1s")
        failure = Failure("one_leader_per_term", "term 7 has two leaders", 0.5)
        page = timeline_html(c, failure=failure, replay="swarmpy replay run.swarm --until 0.5s")
    told = data_of(page)
    assert rows(told["chronicle"], "broken") == [
        {"at": 500_000_000, "node": -1, "name": "one_leader_per_term", "what": "term 7 has two leaders"}
    ]
    assert told["replay"] == "swarmpy replay run.swarm --until 0.5s"


EVIL = "</script><script>alert(1)</script><!--<script>"


def test_no_text_breaks_out_of_the_page() -> None:
    with recorded() as c:
        c.services.create("nginx", name="web").wait()
        told = json.loads(c._world.core.chronicle())  # type: ignore[attr-defined]
    told["tasks"][0]["service"] = told["tasks"][0]["name"] = EVIL
    told["nodes"][0]["name"] = EVIL
    page = chronicle_html(told, title=EVIL, failure=Failure(EVIL, "\u2028$data ${script}", 0.1), replay=EVIL)
    seen = Scripts(page)
    assert len(seen.scripts) == 2, "the data and the page's own script"
    assert seen.title == EVIL
    data = data_of(page)
    assert data["chronicle"]["tasks"][0]["name"] == EVIL
    assert data["chronicle"]["broken"]["rows"][0][3] == "\u2028$data ${script}"


def test_the_page_is_whole_and_asks_nobody() -> None:
    with recorded() as c:
        page = timeline_html(c)
    seen = Scripts(page)
    assert seen.links == ["data:,"], "nothing is fetched"
    assert "default-src 'none'" in page
    assert not re.search(r"https?://", page)


def test_a_run_that_nobody_recorded_is_made_again_from_its_beginning(tmp_path: Path) -> None:
    with sp.Swarm(managers=3, workers=2, seed=3) as c:
        story(c)
        before = c.trace_hash
        page = c.save_timeline(tmp_path / "run.html").read_text(encoding="utf-8")
        assert c.trace_hash == before
        end = c.now
        c.save(tmp_path / "run.swarm")
        c.sleep("1s")
    told = data_of(page)["chronicle"]
    assert told["since"] == 0 and told["now"] / 1e9 == pytest.approx(end)
    assert rows(told, "roles")[0]["at"] < 1e9, "also how the swarm was formed"
    replayed = timeline_html(sp.replay(tmp_path / "run.swarm").seek("1s"))
    assert data_of(replayed)["chronicle"] == told, "the whole run, wherever the replay stands"
    assert [one.name for one in tmp_path.iterdir() if one.suffix == ".part"] == []


def test_what_broke_comes_from_the_journal(tmp_path: Path) -> None:
    with sp.Swarm(managers=3, workers=2, seed=3) as c:
        c.sleep("1s")
        c.save(tmp_path / "run.swarm", failure={"invariant": "mine", "what": "it did not hold", "at": 0.75})
    told = data_of(timeline_html(sp.replay(tmp_path / "run.swarm")))["chronicle"]
    (broken,) = rows(told, "broken")
    assert (broken["name"], broken["what"], broken["at"]) == ("mine", "it did not hold", 750_000_000)


def test_the_command_replay_writes_it(tmp_path: Path) -> None:
    from swarmpy.cli import main

    with sp.Swarm(managers=1, seed=3) as c:
        c.sleep("1s")
        c.save(tmp_path / "run.swarm")
    assert main(["replay", str(tmp_path / "run.swarm"), "--html", str(tmp_path / "run.html")]) == 0
    assert data_of((tmp_path / "run.html").read_text(encoding="utf-8"))["chronicle"]["nodes"]


@pytest.mark.real
def test_a_real_swarm_says_what_it_has_instead() -> None:
    with sp.Swarm(mode="real") as c, pytest.raises(sp.NotSupportedInMode, match="simulator"):
        timeline_html(c)
