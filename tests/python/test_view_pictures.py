"""Pictures of a swarm: what is drawn for what there is, in both worlds, for few and for many nodes."""

from __future__ import annotations

import base64
import dataclasses
import importlib.util
import re
import struct
import threading
import time
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import swarmpy as sp
from swarmpy._view import raster, screens, terminal
from swarmpy._view.letters import fit, lines, wide
from swarmpy._view.memory import Memory, TaskNow
from swarmpy._view.model import Look, look_of
from swarmpy._view.paint import Canvas, ticks
from swarmpy._view.palette import STYLE, version_mark
from swarmpy._view.versions import Versions
from swarmpy.states import TaskState

SVG = "{http://www.w3.org/2000/svg}"
WORLDS = [pytest.param("sim", id="sim"), pytest.param("real", id="real", marks=pytest.mark.real)]


@pytest.fixture
def c() -> Iterator[sp.Swarm]:
    with sp.Swarm(managers=3, workers=2, seed=5) as swarm:
        yield swarm


def test_a_task_that_is_older_than_the_look_at_it_runs() -> None:
    """Times count from the beginning of the look: this task was made a minute before."""
    memory = Memory(Versions(), 0.0, lambda _: "")
    running = TaskState.RUNNING
    task = TaskNow("t", "web", "s", 1, "w1", "w1", running, running, "", "", -59.0, -60.0)
    memory.reset(0.0, [], [], [task])
    assert [card.look for card in memory.frame(0.0).tasks] == [Look.RUNNING]
    memory.restarted("w1", -1.0)
    assert [card.look for card in memory.frame(0.0).tasks] == [Look.LOST]


@pytest.fixture(autouse=True)
def nothing_on_screens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWARMPY_DISPLAY", "static")


def web(c: sp.Swarm, replicas: int = 6, **options: object) -> sp.Service:
    rolling = sp.Rolling(parallelism=1, delay="200ms", monitor="100ms")
    made = c.services.create(
        "nginx:1.10", name="web", replicas=replicas, restart_delay="1s", update=rolling, **options
    )  # type: ignore[arg-type]
    assert made.wait()
    return made


def cards(view: sp.View) -> list[tuple[str, str, str]]:
    """(task, node, look) of every card, read back from the picture."""
    found = []
    for node in ET.fromstring(view.svg()).iter(f"{SVG}g"):
        for card in node.findall(f"{SVG}g"):
            if "data-task" in card.attrib and "data-node" in node.attrib:
                found.append((card.attrib["data-task"], node.attrib["data-node"], card.attrib["data-look"]))
    return found


# ---- looks


def test_every_state_has_a_look() -> None:
    looks = {state: look_of(state, node_lives=True) for state in TaskState}
    assert looks[TaskState.RUNNING] is Look.RUNNING
    assert looks[TaskState.PENDING] is Look.PENDING
    assert looks[TaskState.PREPARING] is Look.STARTING
    assert looks[TaskState.REJECTED] is Look.FAILED
    assert all(looks[state].over == state.over for state in TaskState)
    assert look_of(TaskState.RUNNING, node_lives=False) is Look.LOST
    assert look_of(TaskState.FAILED, node_lives=False) is Look.FAILED


def test_words_are_cut_to_their_room_and_ticks_are_round() -> None:
    assert fit("a long name", 40).endswith("…")
    assert fit("short", 100) == "short"
    assert lines("one/two:three", 50) == ["one/two:", "three"]
    assert "".join(lines("x" * 100, 50)) == "x" * 100
    assert list(ticks(0.3, 10.2)) == [2, 4, 6, 8, 10]
    assert len(ticks(0, 1e6)) < 12


def test_no_text_is_smaller_than_11_pixels() -> None:
    assert "font:11px" in STYLE
    assert "10px" not in STYLE


# ---- what is drawn


@pytest.mark.parametrize("mode", WORLDS)
def test_cards_move_when_a_node_dies(mode: str) -> None:
    with sp.Swarm(managers=3, workers=2, mode=mode, seed=5 if mode == "sim" else None) as c:
        service = web(c)
        before = {task.name for task in service.tasks.running if task.node == "w1"}
        assert before
        with c.watch("topology", "tasks", "timeline", service=service) as view:
            drawn = cards(view)
            assert {card[0] for card in drawn if card[1:] == ("w1", "running")} == before
            c.nodes["w1"].kill()
            assert service.wait()
        drawn = cards(view)
        assert {card[0] for card in drawn if card[1:] == ("w1", "lost")} == before, "tombstones stay"
        elsewhere = {card[0] for card in drawn if card[2] == "running" and card[1] != "w1"}
        assert len(elsewhere) == 6
        text = view.svg()
        assert "w1 killed" in text
        assert "w1 is down" in text
        states = {g.attrib.get("data-node"): g.attrib.get("data-state") for g in ET.fromstring(text).iter()}
        assert states["w1"] == "down"
        low = min(sum(sample.running.values()) for sample in view.history.samples)
        assert low == 6 - len(before)
        assert all(life.ended is not None for life in view.history.lives.values() if life.node == "w1")
    assert not [one for one in threading.enumerate() if one.name == "swarmpy-view"]


def test_an_update_is_drawn_by_version(c: sp.Swarm) -> None:
    service = web(c)
    with c.watch("tasks", "timeline") as view:
        assert service.update(image="nginx:1.11").wait()
    history = view.history
    assert list(history.versions) == ["nginx:1.10", "nginx:1.11"]
    assert any(len(sample.running) == 2 for sample in history.samples), "both at once"
    assert history.samples[-1].running == {"nginx:1.11": 6}
    kinds = Counter(mark.text for mark in history.marks)
    assert kinds == {"web: update": 1, "web: update begins": 1, "web: update completed": 1}
    assert Counter(life.look for life in history.lives.values()) == {Look.RUNNING: 6, Look.SHUTDOWN: 6}


def test_two_specs_of_one_image_are_two_versions(c: sp.Swarm) -> None:
    service = web(c, 2)
    with c.watch() as view:
        assert service.update(env={"A": "1"}).wait()
    assert list(view.history.versions) == ["nginx:1.10", "nginx:1.10 (2)"]


def test_what_is_drained_pending_or_leads_is_seen(c: sp.Swarm) -> None:
    c.nodes["w2"].drain()
    waits = c.services.create("nginx:1.10", name="waits", constraints=["node.labels.x==y"])
    waits.wait(timeout="500ms")
    view = c.watch()
    root = ET.fromstring(view.svg())
    nodes = {one.attrib["data-node"]: one for one in root.iter() if "data-node" in one.attrib}
    assert nodes["w2"].attrib["data-state"] == "drain"
    assert "dasharray" in ET.tostring(nodes["w2"], encoding="unicode")
    assert "m1: leader" in ET.tostring(nodes["m1"], encoding="unicode")
    looks = [one.attrib["data-look"] for one in root.iter() if "data-task" in one.attrib]
    assert looks == ["pending"]
    view.stop()


def test_only_the_service_that_was_asked_for(c: sp.Swarm) -> None:
    web(c, 2)
    c.services.create("nginx:1.10", name="other", replicas=2).wait()
    with c.watch(service="web") as one, c.watch(service=["web", c.services["other"]]) as both:
        c.sleep("200ms")
    assert {name for name, _, _ in cards(one)} == {"web.1", "web.2"}
    assert len(cards(both)) == 4


def test_a_swarm_without_a_leader_is_watched_on(c: sp.Swarm) -> None:
    web(c)
    with c.watch() as view:
        c.nodes["m1"].kill()
        c.nodes["m2"].kill()
        began = c.now
        c.sleep("5s")
        assert c.now == pytest.approx(began + 5, abs=0.05), "looking takes no time"
        assert view.frame.notice == "no leader"
        assert view.frame.at > began + 3
    assert "no leader" in repr(view)


@pytest.mark.parametrize(("nodes", "kind"), [(5, "columns"), (100, "marks"), (400, "density")])
def test_it_can_be_read_at_any_size(nodes: int, kind: str) -> None:
    with sp.Swarm(managers=3, workers=nodes - 3, seed=2) as c:
        web(c, 2 * nodes)
        view = c.watch("topology")
        c.nodes["w1"].kill()
        c.sleep("3s")
        view.stop()
        root = ET.fromstring(view.svg())
        drawn = [one.attrib["data-node"] for one in root.iter() if "data-node" in one.attrib]
        assert sorted(drawn) == sorted(node.name for node in view.frame.nodes)
        assert len(drawn) == nodes
        assert float(root.attrib["width"]) == 960
        assert float(root.attrib["height"]) < 1000
        assert bool(cards(view)) == (kind != "density")
        assert len(view.svg()) < 250_000


def letters(view: sp.View) -> Counter[str]:
    """Of the discs in the topology."""
    found: Counter[str] = Counter()
    for group in ET.fromstring(view.svg()).iter(f"{SVG}g"):
        if group.attrib.get("data-look") == "running":
            found.update(
                one.text or "" for one in group.findall(f"{SVG}text") if one.attrib.get("font-weight")
            )
    return found


@pytest.mark.parametrize("nodes", [5, 20, 60])
def test_a_tasks_version_is_seen_in_swarms_of_any_size(nodes: int) -> None:
    with sp.Swarm(managers=3, workers=nodes - 3, seed=2) as c:
        service = web(c, nodes)
        with c.watch("topology") as view:
            service.update(image="nginx:1.11")
            c.sleep("400ms")
        counts = Counter(task.version for task in view.frame.tasks if task.look is Look.RUNNING)
        assert counts["nginx:1.10"] and counts["nginx:1.11"]
        assert letters(view) == {"A": counts["nginx:1.10"], "B": counts["nginx:1.11"]}


def test_the_density_map_is_drawn_by_version() -> None:
    with sp.Swarm(managers=3, workers=127, seed=2) as c:
        service = web(c, 130)
        with c.watch("topology") as view:
            service.update(image="nginx:1.11")
            c.sleep("1s")
        text = view.svg()
        assert all(version_mark(i).colour in text for i in (0, 1))
        assert re.search(r'fill="url\(#\w+-t1\)"', text), "and with the second one's texture"


def test_versions_differ_without_their_colours() -> None:
    marks = [version_mark(i) for i in range(1000)]
    assert len({mark.letter for mark in marks}) == 1000
    assert [mark.letter for mark in marks[:3] + marks[25:28]] == ["A", "B", "C", "Z", "AA", "AB"]
    assert len({mark.texture for mark in marks[:6]}) == 6
    assert len({(mark.colour, mark.texture) for mark in marks[:36]}) == 36


def test_a_version_keeps_its_letter_in_all_pictures_of_a_swarm(c: sp.Swarm) -> None:
    service = web(c)
    other = c.services.create("nginx:1.10", name="other", replicas=2, env={"A": "1"})
    other.wait()
    with c.watch(service="other") as one:
        pass
    with c.watch(service="web") as two:
        assert service.update(image="nginx:1.11").wait()
    with c.watch("topology") as three:
        pass
    assert letters(one) == {"A": 2}
    assert letters(two) == {"B": 6} and set(letters(three)) == {"A", "B"}
    assert two.history.versions["nginx:1.10"] == one.history.versions["nginx:1.10"] == 0
    assert service.rollback().wait()
    with c.watch(service=service) as back:
        pass
    assert letters(back) == {"A": 6}, "what it was before, it is again"


def words(svg: str) -> list[tuple[float, str, str]]:
    """(x, anchor, words) of all texts."""
    texts = ET.fromstring(svg).iter(f"{SVG}text")
    return [(float(one.attrib["x"]), one.attrib.get("text-anchor", ""), one.text or "") for one in texts]


def test_an_area_that_ended_has_its_name_and_no_name_is_cut(c: sp.Swarm) -> None:
    """Also a long one, in a bar that has only just begun at the right edge."""
    long = "registry.example.org/a/team/with/long/names/web:2024.11.29-rc1"
    c._world.core.set_image(long)  # type: ignore[attr-defined]
    rolling = sp.Rolling(parallelism=2, delay="100ms", monitor="100ms")
    service = c.services.create("nginx:1.10", name="frontend-of-all", replicas=12, update=rolling)
    service.wait()
    with c.watch("tasks", "timeline") as view:
        c.sleep("30s")
        service.update(image=long)
        c.run(until=lambda _: service.update_state == "completed")
    texts = words(view.svg())
    chart = [text for x, _, text in texts if 70 < x < 860]
    assert "nginx:1.10" in chart
    assert not [text for _, _, text in texts if "…" in text]
    assert all(x + wide(text) <= 960 for x, anchor, text in texts if not anchor)
    assert "".join(text for x, _, text in texts if x > 600 and text in f"{long}: 12") == f"{long}: 12"
    signs = [text for _, _, text in texts]
    assert {"A", "B", "when:", "fault", "repair", "change", "new leader", "waits or starts"} <= set(signs)


# ---- what stays in a notebook


def test_what_stays_is_a_picture_in_every_viewer(c: sp.Swarm, monkeypatch: pytest.MonkeyPatch) -> None:
    service = web(c)
    with c.watch("topology", "tasks", "timeline") as view:
        service.tasks.running[0].kill()
        c.sleep("3s")
    bundle = view.bundle(whole=True)
    assert "text/html" not in bundle, "it would be shown instead, and where nobody trusts it as bare words"
    if importlib.util.find_spec("resvg_py"):
        drawn = base64.b64decode(bundle["image/png"])
        width, height = struct.unpack(">II", drawn[16:24])
        assert width == 2 * 960 and height > 800
        assert len(drawn) < 150_000
        monkeypatch.setattr(raster, "_module", lambda name: None)
        assert set(view.bundle(whole=True)) == {"text/plain", "image/svg+xml"}, "without what draws it"
    facts = view.facts()
    assert set(facts) == {"text/plain", "text/html"} and "web.1" in facts["text/html"]
    assert set(view.bundle(whole=False)) == {"text/plain", "text/html"}, "in passing it is a part of the page"


@pytest.mark.parametrize("theme", ["auto", "light", "dark"])
def test_colours_are_there_without_styles(c: sp.Swarm, theme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some viewers drop `<style>` and show black boxes."""
    monkeypatch.setattr(screens, "_theme", screens._theme)
    sp.set_display(theme=theme)
    service = web(c)
    with c.watch("topology", "tasks", "timeline") as view:
        c.nodes["w1"].kill()
        c.nodes["w2"].drain()
        service.wait()
    for svg in (view.svg(), view.bundle(whole=True)["image/svg+xml"]):
        for one in ET.fromstring(svg).iter():
            if one.tag in {f"{SVG}{shape}" for shape in ("text", "rect", "circle", "path")}:
                assert "fill" in one.attrib, ET.tostring(one)
                assert one.attrib["fill"] != "none" or "stroke" in one.attrib, ET.tostring(one)
    kept = view.bundle(whole=True)["image/svg+xml"]
    assert "<style" not in kept and "class=" not in kept.replace('class="swv"', "")


def test_a_theme_is_chosen(c: sp.Swarm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screens, "_theme", screens._theme)
    monkeypatch.setattr(screens, "_choice", screens._choice)
    web(c)
    with c.watch() as view:
        pass
    assert "prefers-color-scheme" in view.svg() and "--jp-content-font-color1" in view.svg()
    ground = '<rect width="960"'
    assert ground not in view.bundle(whole=True)["image/svg+xml"], "no slab"
    assert ground not in view.bundle(whole=False)["text/html"]
    sp.set_display(theme="dark")
    assert "prefers-color-scheme" not in view.html()
    assert '<rect width="960" height=' in view.svg() and "#e6edf3" in view.svg()
    assert "#e6edf3" in view.bundle(whole=True)["image/svg+xml"]
    assert screens.choice() == "static", "how is as it was"
    with pytest.raises(sp.InvalidArgument, match="no theme: 'blue'"):
        sp.set_display(theme="blue")


# ---- the view as a thing


def test_the_same_watching_gives_the_same_picture_and_trace() -> None:
    def play() -> tuple[str, str | None]:
        with sp.Swarm(managers=3, workers=2, seed=9) as c, c.watch("topology", "tasks", "timeline") as view:
            service = web(c)
            service.tasks.running[0].kill()
            service.wait()
            view.stop()
            return view.svg(), c.trace_hash

    assert play() == play()


def test_the_picture_stands_for_itself(c: sp.Swarm, tmp_path: Path) -> None:
    web(c)
    with c.watch("topology", "tasks", "timeline", "requests") as view:
        c.sleep("1s")
    root = ET.parse(view.save(tmp_path / "a.svg")).getroot()
    assert root.attrib["role"] == "img"
    assert [root[i].tag for i in (0, 1)] == [f"{SVG}title", f"{SVG}desc"]
    page = view.save(tmp_path / "a.html").read_text()
    assert page.startswith("<!DOCTYPE html>")
    assert "<script" not in page
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "")
    assert "web.6" in view.save(tmp_path / "a.txt").read_text()
    bundle = view._repr_mimebundle_()
    drawer = ["image/png"] if importlib.util.find_spec("resvg_py") else []
    assert list(bundle) == ["text/plain", "image/svg+xml", *drawer]
    with pytest.raises(sp.InvalidArgument, match=r"\.png"):
        view.save(tmp_path / "a.png")
    with pytest.raises(sp.InvalidArgument, match="no panel 'nodes'"):
        c.watch("nodes")


def test_names_cannot_break_the_picture(c: sp.Swarm) -> None:
    c.nodes["w1"].label(x="<&>")
    made = c.services.create("ubuntu", name="loud", command=["sh", "-c", "exit '<&>'"], restart_delay="1s")
    made.wait(timeout="2s")
    view = c.watch("topology", "tasks", "timeline")
    ET.fromstring(view.svg())
    view.stop()


def test_control_characters_break_neither_picture_nor_terminal(c: sp.Swarm) -> None:
    """They may be in a task's error: what it was called, or said."""
    odd = "no\x1b[2J\x00\ud800\ufffe such"
    canvas = Canvas("x")
    canvas.text(0, 0, odd)
    canvas.group(odd, error=odd)
    canvas.end()
    ET.fromstring(canvas.document(1, 1, odd, odd))
    c.services.create("nginx:1.10", name="web").wait()
    with c.watch() as view:
        cards = (dataclasses.replace(view.frame.tasks[0], error=odd),)
        frame = dataclasses.replace(view.frame, tasks=cards)
        drawn = terminal.text(view.history, frame, tasks=True)
    assert "\x1b" not in drawn and " such" in drawn


def test_a_view_ends_with_its_swarm() -> None:
    with sp.Swarm(managers=1, seed=1) as c:
        view = c.watch()
        c.sleep("1s")
    view.stop()
    view.stop()
    assert not view.live
    assert view.frame.nodes


def test_a_view_is_live_in_every_block_that_it_opens(c: sp.Swarm) -> None:
    web = c.services.create("nginx:1.10", name="web", replicas=2)
    view = c.watch()
    with view:
        web.wait()
    assert len(view.frame.tasks) == 2 and not view.live
    web.scale(4).wait()
    with view:
        assert view.live and len(view.frame.tasks) == 4
        web.scale(5).wait()
        c.sleep("1s")
        assert len(view.frame.tasks) == 5
        web.scale(6).wait()
    assert len(view.frame.tasks) == 6 and not view.live


def test_a_view_that_fails_breaks_nothing(c: sp.Swarm, monkeypatch: pytest.MonkeyPatch) -> None:
    view = c.watch()
    monkeypatch.setattr(view._recorder, "look", lambda **_: 1 / 0)
    with pytest.warns(UserWarning, match="the live view ended: ZeroDivisionError"):
        c.sleep("1s")
    c.sleep("1s")


# ---- screens


def test_a_terminal_gets_a_table_in_place(
    c: sp.Swarm, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SWARMPY_DISPLAY", "live")
    service = web(c)
    began = time.monotonic()
    with c.watch(speed=20):
        service.tasks.running[0].kill()
        service.wait()
        c.sleep("5s")
    took = time.monotonic() - began
    out = capsys.readouterr().out
    assert 0.2 < took < 5, "paced"
    frames = out.count("\033[J")
    assert 2 <= frames <= took * 10 + 2, "at most ten pictures a second"
    assert "★ leader" in out
    assert "● web.1" in out


@pytest.mark.parametrize(("width", "height"), [(200, 50), (80, 24), (34, 12), (20, 6), (5, 3), (1, 1)])
@pytest.mark.parametrize("colour", [False, True])
def test_a_small_terminal_gets_what_has_room(c: sp.Swarm, width: int, height: int, colour: bool) -> None:
    """A line that is too long would become two, and drawing in place would lose its place."""
    c.services.create("nginx:1.10", name="web", replicas=4).wait()
    with c.watch() as view:
        text = re.sub("\033\\[[0-9;]*m", "", view.text(colour=colour, width=width, height=height))
    assert max(map(len, text.split("\n"))) <= width
    assert len(text.split("\n")) <= height
    assert "+0" not in text


def test_nothing_is_shown_where_nobody_looks(c: sp.Swarm, capsys: pytest.CaptureFixture[str]) -> None:
    with c.watch():
        c.sleep("10s")
    assert capsys.readouterr().out == ""


def test_the_way_to_display_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    from swarmpy._view import screens

    monkeypatch.delenv("SWARMPY_DISPLAY")
    monkeypatch.setattr(screens, "_choice", "auto")
    monkeypatch.setenv("CI", "true")
    assert screens.choice() == "static"
    sp.set_display("text")
    assert screens.choice() == "text"
    with pytest.raises(sp.InvalidArgument):
        sp.set_display("loud")


# ---- every object has a table for notebooks


def test_objects_show_themselves_in_html(c: sp.Swarm) -> None:
    service = web(c, 2)
    service.tasks  # noqa: B018 (now they are seen)
    shown: list[object] = [c, c.nodes, c.nodes["m1"], c.services, service, service.tasks, service.tasks[0]]
    answer = sp.Response(200, f"service: web\nslot: 1\nnode: m1\n{'<' * 10_000}")
    shown += [service.wait(), c.events(), c.events("task")[0], service.history(), answer]
    assert repr(answer) == f"<Response 200 by web.1 on m1, {len(answer.body)} characters>"
    assert len(answer._repr_html_()) < 4000
    for one in shown:
        text = one._repr_html_()  # type: ignore[attr-defined]
        assert "<table>" in text, one
        assert "<script" not in text
    assert "ASSIGNED" in repr(c.events("task")).upper()
    assert repr(sp.EventList()) == "no events"


def test_tables_for_pandas(c: sp.Swarm) -> None:
    pytest.importorskip("pandas")
    service = web(c, 2)
    assert list(service.tasks.to_pandas()["name"]) == ["web.1", "web.2"]
    events = c.events("task").to_pandas()
    assert {"at", "kind", "node", "image"} <= set(events.columns)


def test_a_node_that_has_left_keeps_its_name_in_the_timeline(c: sp.Swarm) -> None:
    made = web(c)
    with c.watch("timeline") as view:
        c.nodes["w1"].kill()
        assert made.wait()
        c.run(until=lambda c: c.nodes["w1"].state == "down", timeout="10s")
        c.nodes["w1"].remove(force=True)
        c.sleep("2s")
    assert "w1" not in [node.name for node in c.nodes]
    lives = view._recorder.history.lives.values()
    assert "w1" in {life.node for life in lives}
    assert {life.node for life in lives} <= {"m1", "m2", "m3", "w1", "w2"}
