"""The timeline in a real browser: it opens, says what broke, answers mouse and keyboard, sends no request."""

from __future__ import annotations

import html
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import swarmpy as sp
from browser import Page, browser, missing_browser
from swarmpy._timeline import Failure, timeline_html
from swarmpy._timeline.inline import FRAME

pytestmark = pytest.mark.skipif(bool(missing_browser()), reason=missing_browser())

DRAWN = "document.documentElement?.dataset.drawn"
PAINTED = "performance.getEntriesByType('paint').map(entry => entry.startTime)[0]"
CLICK = "[...document.querySelectorAll('{box}')].find(it => it.textContent.includes('{word}')).click()"
# How many different colours there are in the picture.
COLOURS = """(() => {
  const sheet = document.getElementById('sheet');
  const pixels = sheet.getContext('2d').getImageData(0, 0, sheet.width, sheet.height).data;
  return new Set(new Uint32Array(pixels.buffer)).size;
})()"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    folder = tmp_path_factory.mktemp("browser")
    with browser(folder) as page:
        for domain in ("Page", "Runtime", "Log", "Network"):
            page.ask(f"{domain}.enable")
        yield page


@pytest.fixture(scope="module")
def small() -> str:
    """A run of five nodes in which something broke."""
    with sp.Swarm(managers=3, workers=2, seed=7) as c:
        core = c._world.core  # type: ignore[attr-defined]
        core.record_chronicle(True)
        web = c.services.create("nginx:1.10", name="web", replicas=4, ports=["8080:80"])
        web.wait()
        leader = c.nodes.leader
        assert leader is not None
        others = [node.name for node in c.nodes if node.name != leader.name]
        core.begin_fault(json.dumps({"kind": "partition", "groups": [[leader.name], others]}))
        c.sleep("2s")
        c.nodes["w1"].kill()
        c.sleep("5s")
        failure = Failure("one_leader_per_term", "term 7 has two leaders, m1 and m3", c.now - 1)
        return timeline_html(c, failure=failure, replay="swarmpy replay run.swarm --until 7.1s")


def many(events: int) -> str:
    """A run with so many events."""
    with sp.Swarm(managers=3, workers=2, seed=9) as c:
        core = c._world.core  # type: ignore[attr-defined]
        core.record_chronicle(True)
        c.services.create("nginx:1.10", name="web", replicas=8).wait()
        while len(json.loads(core.chronicle())["messages"]["rows"]) < events:
            leader = c.nodes.leader
            if leader is not None:
                leader.kill()
                c.sleep("3s")
                leader.restart()
            c.sleep("10s")
        return timeline_html(c)


def opened(page: Page, text: str, folder: Path, *, wide: int = 1280, theme: str = "light") -> None:
    file = folder / "timeline.html"
    file.write_text(text, encoding="utf-8")
    page.ask("Emulation.setDeviceMetricsOverride", width=wide, height=800, deviceScaleFactor=1, mobile=False)
    page.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": theme}])
    page.ask("Page.navigate", url="about:blank")
    page.until("location.href === 'about:blank'")
    page.events.clear()
    page.ask("Page.navigate", url=file.as_uri())
    page.until(f"location.href !== 'about:blank' && {DRAWN}")
    page.until(f"{PAINTED} !== undefined")


def complaints(page: Page) -> list[Any]:
    page.js("1")
    bad = {"Runtime.exceptionThrown", "Log.entryAdded"}
    said = [one for one in page.events if one["method"] in bad]
    return said + [
        one
        for one in page.events
        if one["method"] == "Runtime.consoleAPICalled" and one["params"]["type"] in ("error", "warning")
    ]


def requests(page: Page) -> list[str]:
    sent = [one for one in page.events if one["method"] == "Network.requestWillBeSent"]
    return [one["params"]["request"]["url"] for one in sent]


def key(page: Page, name: str) -> None:
    for kind in ("keyDown", "keyUp"):
        text = {"text": name} if len(name) == 1 and kind == "keyDown" else {}
        page.ask("Input.dispatchKeyEvent", type=kind, key=name, **text)


def click(page: Page, x: float, y: float) -> None:
    page.ask("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
    for kind in ("mousePressed", "mouseReleased"):
        page.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)


def span(page: Page) -> float:
    return float(page.js("timeline.view.t1 - timeline.view.t0"))


def test_what_broke_is_in_the_first_view(page: Page, small: str, tmp_path: Path) -> None:
    opened(page, small, tmp_path)
    assert "term 7 has two leaders, m1 and m3" in page.js("document.getElementById('failure').innerText")
    x, wide = page.js("[timeline.toX(timeline.broken[0].t), document.getElementById('stage').clientWidth]")
    assert 96 < x < wide, "its line is in the window"
    assert page.js("timeline.hits.some(hit => hit.e === timeline.broken[0])"), "and it was drawn"
    assert (
        page.js("document.querySelector('#replay code').innerText") == "swarmpy replay run.swarm --until 7.1s"
    )
    assert page.js(COLOURS) > 20
    assert not complaints(page)
    keep = Path(os.environ.get("SWARMPY_SCREENSHOTS", tmp_path))
    page.screenshot(keep / "timeline.png")


def test_nothing_is_fetched(page: Page, small: str, tmp_path: Path) -> None:
    opened(page, small, tmp_path)
    urls = requests(page)
    assert [url for url in urls if not url.startswith("data:")] == [(tmp_path / "timeline.html").as_uri()]


def test_a_click_opens_what_is_known_of_an_event(page: Page, small: str, tmp_path: Path) -> None:
    opened(page, small, tmp_path)
    box = page.js("(box => [box.left, box.top])(document.getElementById('stage').getBoundingClientRect())")
    spot = page.js(
        """(() => {
          for (const hit of timeline.hits) {
            const [x, y] = [(hit.x0 + hit.x1) / 2, (hit.y0 + hit.y1) / 2];
            if (hit.e.type === 'message' && timeline.pick(x, y) === hit.e && y < 400) return [x, y];
          }
        })()"""
    )
    click(page, box[0] + spot[0], box[1] + spot[1])
    page.until("timeline.selected && timeline.selected.type === 'message'")
    told = page.js("document.getElementById('panel').innerText")
    for word in ("sent", "from", "to", "kind", "Before at", "After at"):
        assert word in told, told
    key(page, "Escape")
    page.until("!timeline.selected")
    assert "What happened" in page.js("document.getElementById('panel').innerText")


def test_an_entry_of_the_list_opens_its_event(page: Page, small: str, tmp_path: Path) -> None:
    opened(page, small, tmp_path)
    page.js(CLICK.format(box="#panel .event", word="w1 is down"))
    page.until("timeline.selected && timeline.selected.type === 'state'")
    assert "killed (SIGKILL)" in page.js("document.getElementById('panel').innerText")
    assert page.js("document.getElementById('announce').innerText").endswith("killed (SIGKILL)")


def test_the_filter_and_the_boxes_hide(page: Page, small: str, tmp_path: Path) -> None:
    opened(page, small, tmp_path)
    key(page, "0")
    drawn = "timeline.hits.filter(hit => hit.e.type === '{}').length"
    page.until(drawn.format("message") + " > 0 || timeline.dense")
    key(page, "/")
    assert page.js("document.activeElement.id") == "find"
    page.ask("Input.insertText", text="web.2")
    others = (
        "timeline.hits.filter(hit => hit.e.type === 'message' && !hit.e.row.text.includes('web.2')).length"
    )
    page.until(others + " === 0")
    labels = (
        "[...new Set(timeline.hits.filter(hit => hit.e.type === 'task').map(hit => hit.e.row.task.name))]"
    )
    page.until(f"{labels}.length === 1")
    assert page.js(labels) == ["web.2"]
    page.js(
        "(it => { it.value = ''; it.dispatchEvent(new Event('input')); })(document.getElementById('find'))"
    )
    page.until(f"{labels}.length > 1")
    page.js(CLICK.format(box="#kinds label", word="tasks"))
    page.until(drawn.format("task") + " === 0")
    lanes = "timeline.hits.filter(hit => hit.e.type === 'lane').length"
    before = page.js(lanes)
    page.js(CLICK.format(box="#nodes label", word="w2"))
    page.until(f"{lanes} === {before - 1}")
    assert not complaints(page)


def test_keys_zoom_move_and_go_to_failures(page: Page, small: str, tmp_path: Path) -> None:
    opened(page, small, tmp_path)
    before = span(page)
    key(page, "+")
    page.until(f"timeline.view.t1 - timeline.view.t0 < {before * 0.7}")
    key(page, "-")
    page.until(f"timeline.view.t1 - timeline.view.t0 > {before * 0.9}")
    key(page, "0")
    page.until("timeline.view.t0 <= timeline.data.chronicle.since")
    key(page, "+")
    key(page, "End")
    page.until("timeline.view.t1 >= timeline.data.chronicle.now")
    key(page, "Home")
    page.until("timeline.view.t0 <= timeline.data.chronicle.since")
    key(page, "f")
    page.until("timeline.selected && timeline.selected.bad")
    seen = page.js("timeline.failures.length")
    for _ in range(seen):
        key(page, "f")
    assert page.js("timeline.failures.includes(timeline.selected)")


def test_a_task_that_failed_is_told_once(page: Page, tmp_path: Path) -> None:
    with sp.Swarm(managers=1, workers=1, seed=7) as c:
        web = c.services.create("nginx:1.10", name="web", replicas=4, restart_delay="100ms")
        web.wait()
        c.nodes["w1"].kill()
        c.sleep("1s")
        c.nodes["w1"].restart()
        c.sleep("5s")
        web.remove()
        c.sleep("2s")
        opened(page, timeline_html(c), tmp_path)
    told = page.js("timeline.story.filter(it => it.type === 'move').map(it => it.row.task.id + it.row.state)")
    assert told and len(told) == len(set(told))


def test_keys_zoom_into_what_is_chosen(page: Page, small: str, tmp_path: Path) -> None:
    opened(page, small, tmp_path)
    page.ask("Input.dispatchMouseEvent", type="mouseMoved", x=5, y=5)
    key(page, "0")
    key(page, "f")
    page.until("timeline.selected")
    for _ in range(8):
        before = span(page)
        key(page, "+")
        page.until(f"timeline.view.t1 - timeline.view.t0 < {before * 0.7}")
    assert page.js("timeline.view.t0 <= timeline.selected.t && timeline.selected.t <= timeline.view.t1")


def test_a_picture_in_a_page_lets_that_page_scroll(small: str, tmp_path: Path) -> None:
    """In a notebook the wheel is the notebook's until somebody clicks into the timeline."""
    frame = FRAME.format(page=html.escape(small), height=640, about="")
    (tmp_path / "book.html").write_text(f"<body>{frame}<p style='height:3000px'>more</p></body>")
    wheel = {"type": "mouseWheel", "x": 600, "y": 500, "deltaX": 0, "deltaY": 240}
    with browser(tmp_path) as page:
        page.ask("Page.enable")
        page.ask("Page.navigate", url=(tmp_path / "book.html").as_uri())
        page.until("document.readyState === 'complete' && !!document.querySelector('iframe')")
        shape = "(it => [it.offsetWidth > 900, it.offsetHeight])(document.querySelector('iframe'))"
        assert page.js(shape) == [True, 640]
        page.until("new Promise(done => setTimeout(() => requestAnimationFrame(() => done(true)), 500))")
        deadline = time.monotonic() + 10
        while not page.js("window.scrollY > 100"):  # the first turns of a wheel on a new page may be lost
            assert time.monotonic() < deadline, "the page did not move"
            page.ask("Input.dispatchMouseEvent", **wheel)
            time.sleep(0.1)


def test_the_first_tick_is_the_beginning_and_the_last_can_be_read(
    page: Page, small: str, tmp_path: Path
) -> None:
    opened(page, small, tmp_path)
    page.js(
        "(pen => { window.said = []; const old = pen.fillText.bind(pen);"
        "pen.fillText = (text, x, y) => { said.push([text, x, x + pen.measureText(text).width, y]);"
        "old(text, x, y); }; })(document.getElementById('sheet').getContext('2d'))"
    )
    key(page, "0")
    page.until("said.some(one => one[3] === 9)")
    times = [one for one in page.js("said") if one[3] == 9 and one[0].endswith(" s")]
    assert times and not [text for text, *_ in times if text.startswith("-")]
    wide = page.js("document.getElementById('stage').clientWidth")
    assert max(right for _, _, right, _ in times) <= wide


def test_the_wheel_zooms_where_the_pointer_is(page: Page, small: str, tmp_path: Path) -> None:
    opened(page, small, tmp_path)
    before, under = span(page), page.js("timeline.toT(500)")
    left, top = page.js(
        "(box => [box.left, box.top])(document.getElementById('stage').getBoundingClientRect())"
    )
    page.ask("Input.dispatchMouseEvent", type="mouseWheel", x=left + 500, y=top + 200, deltaX=0, deltaY=-240)
    page.until(f"timeline.view.t1 - timeline.view.t0 < {before * 0.9}")
    assert page.js("timeline.toT(500)") == pytest.approx(under, rel=1e-6)


def corner(page: Page, element: str = "stage") -> tuple[float, float]:
    box = page.js(f"(it => [it.left, it.top])(document.getElementById('{element}').getBoundingClientRect())")
    return float(box[0]), float(box[1])


def test_a_drag_moves_and_does_not_choose(page: Page, small: str, tmp_path: Path) -> None:
    opened(page, small, tmp_path)
    page.js("timeline.setView(3e9, 4e9)")
    before, under = span(page), page.js("timeline.toT(300)")
    left, top = corner(page)
    mouse = {"button": "left", "buttons": 1, "clickCount": 1}
    page.ask("Input.dispatchMouseEvent", type="mousePressed", x=left + 300, y=top + 150, **mouse)
    for x in (320, 380, 400):
        page.ask("Input.dispatchMouseEvent", type="mouseMoved", x=left + x, y=top + 150, **mouse)
    page.ask("Input.dispatchMouseEvent", type="mouseReleased", x=left + 400, y=top + 150, **mouse)
    assert page.js("timeline.toT(400)") == pytest.approx(under, rel=1e-6)
    assert span(page) == pytest.approx(before) and not page.js("!!timeline.selected")


def test_two_fingers_zoom(page: Page, small: str, tmp_path: Path) -> None:
    opened(page, small, tmp_path)
    page.js("timeline.setView(3e9, 4e9)")
    before, edges = span(page), page.js("[timeline.toT(300), timeline.toT(500)]")
    left, top = corner(page)

    def fingers(kind: str, *xs: float) -> None:
        points = [{"x": left + x, "y": top + 150, "id": i} for i, x in enumerate(xs)]
        page.ask("Input.dispatchTouchEvent", type=kind, touchPoints=points)

    fingers("touchStart", 300, 500)
    fingers("touchMove", 250, 550)
    fingers("touchMove", 200, 600)
    fingers("touchEnd")
    assert span(page) == pytest.approx(before / 2, rel=0.01)
    assert page.js("[timeline.toT(200), timeline.toT(600)]") == pytest.approx(edges, rel=1e-3)


def test_the_strip_above_leads_anywhere(page: Page, small: str, tmp_path: Path) -> None:
    opened(page, small, tmp_path)
    left, top = corner(page, "strip")
    click(page, left + 12, top + 20)
    page.until("timeline.view.t0 < 0.3e9")


def test_a_lane_folds(page: Page, small: str, tmp_path: Path) -> None:
    opened(page, small, tmp_path)
    left, top = corner(page)
    lane = "timeline.hits.find(hit => hit.e.type === 'lane' && hit.e.node === 0)"
    x, y, tall = page.js(f"(it => [(it.x0 + it.x1) / 2, it.y0 + 8, it.y1 - it.y0])({lane})")
    click(page, left + x, top + y)
    page.until(f"(it => it.y1 - it.y0)({lane}) < {tall}")
    key(page, "u")
    page.until("timeline.shown.unfolded.every(it => !it)")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_both_themes(theme: str, page: Page, small: str, tmp_path: Path) -> None:
    opened(page, small, tmp_path, theme=theme)
    ground = "getComputedStyle(document.body).backgroundColor"
    colours = {"light": "rgb(255, 255, 255)", "dark": "rgb(17, 17, 17)"}
    assert page.js(ground) == colours.pop(theme)
    page.js("document.getElementById('theme').click()")
    assert page.js(ground) == colours.popitem()[1]
    assert not complaints(page)


def test_a_phone_needs_no_sideways_scrolling(page: Page, small: str, tmp_path: Path) -> None:
    opened(page, small, tmp_path, wide=390)
    assert page.js("document.documentElement.scrollWidth") <= 390
    assert page.js("document.getElementById('stage').clientHeight") >= 200


def test_ten_thousand_events(page: Page, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = many(10_000)
    opened(page, text, tmp_path)
    drawn, painted = page.js(f"[Number({DRAWN}), {PAINTED}]")
    assert page.js("timeline.everything.length") >= 10_000
    assert page.js("timeline.dense"), "more than can be told apart: each lane shows how many"
    key(page, "0")
    for _ in range(14):
        key(page, "+")
    page.until("!timeline.dense && timeline.hits.some(hit => hit.line)")
    assert not complaints(page)
    with capsys.disabled():
        size = len(text) / 1e6
        print(f"\n10,000 events: drawn after {drawn:.0f} ms, painted after {painted:.0f} ms, {size:.1f} MB")
