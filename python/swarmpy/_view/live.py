"""View: a picture of a swarm that keeps itself up to date, on a screen or for a program that asks for it."""

from __future__ import annotations

import base64
import threading
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

from swarmpy._brief import Brief
from swarmpy._hub import Hub
from swarmpy._view import svg, terminal
from swarmpy._view.model import Frame, History, TaskCard
from swarmpy._view.paint import escape
from swarmpy._view.palette import Theme
from swarmpy._view.raster import png
from swarmpy._view.recorder import Recorder
from swarmpy._view.screens import Bundle, NoScreen, Screen, screen, theme
from swarmpy.errors import InvalidArgument
from swarmpy.states import Mode

EVERY = 0.1  # seconds between two looks, and at least between two pictures
EVERY_VIRTUAL = 0.02  # a look at virtual time costs nothing where nothing changed
MANY = 500  # tasks; a picture of more costs more, so there are fewer
BUSY = 500  # changes between two looks: the next is soon, for managers keep only so many


class View(metaclass=Brief):
    """What `swarm.watch(...)` gives. Use `with`: it is live until the end, and its last picture stays.

    `.frame` and `.history`: what was seen. `.table()`: the last look in text. `.save("x.svg")`,
    `.save("x.html")`. Without `with`, `.show()` begins and `.stop()` ends; a notebook shows a view live that
    stands alone in a cell.
    """

    def __init__(self, hub: Hub, panels: Sequence[str], services: Sequence[str], speed: float | None) -> None:
        self._hub, self._speed = hub, speed
        self._panels = svg.check(panels)
        self._recorder = Recorder(hub.world, services)
        self._screen: Screen = NoScreen()
        self._lock = threading.RLock()
        self._shown_at = 0.0
        self._waiting = False  # there is something newer than on the screen
        self._pace: tuple[float, float] | None = None
        self._title = self._name(services)
        self._recorder.look()
        self._end: Callable[[], None] | None = hub.world.watch(self._beat)

    def _name(self, services: Sequence[str]) -> str:
        world = self._hub.world
        seed = "" if world.seed is None else f", seed {world.seed}"
        return f"swarm, {world.mode}{seed}" + (f": {', '.join(services)}" if services else "")

    # ---- what was seen

    @property
    def frame(self) -> Frame:
        """The last look."""
        with self._lock:
            return self._recorder.frame

    @property
    def history(self) -> History:
        """Since the view was made, what the swarm's events say: every change at its own time, also what came
        and went between two pictures. `.samples`: wanted and running tasks; `.lives`: each task; `.spells`:
        each node; `.marks`: faults, repairs, updates, new leaders. As of now: it does not grow any more.
        """
        with self._lock:
            return self._recorder.history.copy()

    @property
    def live(self) -> bool:
        """It still looks; False after `stop()`."""
        return self._end is not None

    def svg(self) -> str:
        """The picture, in the colours of `set_display(theme=...)`, else in those of the viewer."""
        return self._drawn(theme())

    def _drawn(self, theme: Theme, **how: bool) -> str:
        with self._lock:
            return svg.picture(
                self._panels, self._recorder.history, self._recorder.frame, self._title, theme=theme, **how
            )

    def html(self) -> str:
        """The picture, and the same as a table for people who cannot see it."""
        return f"{self._inline()}{self._details()}"

    def _inline(self) -> str:
        """As a part of a page. On a narrow screen one scrolls: smaller letters could not be read."""
        picture = self._drawn(theme(), bare=theme() is Theme.AUTO)
        picture = picture.replace("max-width:100%", "max-width:100%;min-width:720px", 1)
        return f'<div class="swarmpy" style="overflow-x:auto">{picture}</div>'

    def table(self) -> str:
        """The last look in text: every node, service and task."""
        with self._lock:
            return terminal.text(self._recorder.history, self._recorder.frame, tasks=True, width=200)

    def save(self, path: str | Path) -> Path:
        """Writes the picture: `.svg`, `.html` (one file, no scripts) or `.txt`, by the name's end."""
        target = Path(path)
        makers = {".svg": self.svg, ".html": self._page, ".txt": self.table}
        make = makers.get(target.suffix)
        if make is None:
            raise InvalidArgument(
                f"cannot write a picture as {target.suffix or 'a file without an ending'!r}",
                hint=f"End the name with {', '.join(makers)}.",
            )
        target.write_text(make() + "\n", encoding="utf-8")
        return target

    # ---- being live

    def show(self) -> View:
        """From now on its picture is on the screen: in this cell's output, or in the terminal."""
        with self._lock:
            self._screen = screen()
            if self._screen.live:
                self._screen.show(self, last=not self.live)
                self._shown_at = time.monotonic()
        return self

    def stop(self) -> None:
        """The last look; the picture stays as it is then. Safe to call twice."""
        if self._end is None:
            return
        self._end()
        self._end = None
        with self._lock:
            if not self._hub.closed:
                self._recorder.look(whole=True)
            self._screen.show(self, last=True)

    def __enter__(self) -> View:
        """Live, also when it was stopped before: a picture that stands still would tell of another block."""
        if not self.live and not self._hub.closed:
            self._recorder.look()
            self._pace = None
            self._end = self._hub.world.watch(self._beat)
        return self.show()

    def __exit__(self, *why: object) -> None:
        self.stop()

    def _beat(self) -> float:
        with self._lock:
            try:
                self._look()
            except Exception as error:  # a view must not break what it looks at
                self._end = None
                warnings.warn(f"the live view ended: {type(error).__name__}: {error}", stacklevel=1)
                return 1e9
        self._keep_pace()
        pause = EVERY_VIRTUAL if self._hub.world.mode is Mode.SIM else EVERY
        return pause if self._recorder.taken < BUSY else pause / 10

    def _look(self) -> None:
        if self._hub.closed:
            return
        self._waiting = self._recorder.look() or self._waiting
        pause = EVERY * max(1.0, self._recorder.tasks / MANY)
        if self._screen.live and self._waiting and time.monotonic() - self._shown_at >= pause:
            self._screen.show(self, last=False)
            self._shown_at, self._waiting = time.monotonic(), False

    def _keep_pace(self) -> None:
        """Lets virtual time pass no faster than eyes can follow. Real time passes as it does."""
        if self._hub.world.mode is not Mode.SIM or not self._screen.live or not self._speed:
            return
        virtual, wall = self._hub.world.now(), time.monotonic()
        if self._pace is not None:
            ahead = (virtual - self._pace[0]) / self._speed - (wall - self._pace[1])
            if ahead > 0:
                time.sleep(min(ahead, 1.0))
        self._pace = virtual, time.monotonic()

    # ---- for screens and reprs

    def bundle(self, *, whole: bool) -> Bundle:
        """As IPython takes it. In passing: a part of the page, which knows its theme. What stays is a picture
        in every viewer, also in one that trusts no notebook and knows no styles: no HTML, which it would show
        instead, as bare words.
        """
        bundle: Bundle = {"text/plain": self.text(colour=False, width=100, height=200)}
        if not whole:
            return bundle | {"text/html": self._inline()}
        chosen = theme()
        bundle["image/svg+xml"] = self._drawn(Theme.NEUTRAL if chosen is Theme.AUTO else chosen, fluid=True)
        drawn = png(self._drawn(Theme.LIGHT if chosen is Theme.AUTO else chosen))
        if drawn is not None:
            bundle["image/png"] = base64.b64encode(drawn).decode()
        return bundle

    def facts(self) -> Bundle:
        """The same as a table, an output of its own."""
        with self._lock:
            tasks = terminal.text(self._recorder.history, self._recorder.frame, tasks=True, width=200)
        return {"text/plain": tasks, "text/html": self._details()}

    def text(self, *, colour: bool, width: int, height: int) -> str:
        """The picture in characters: so wide and so high at most, with colours for a terminal."""
        with self._lock:
            return terminal.text(
                self._recorder.history, self._recorder.frame, colour=colour, width=width, height=height
            )

    def _repr_mimebundle_(self, **_: object) -> Bundle:
        return self.bundle(whole=True)

    def _ipython_display_(self) -> None:
        if self.live:
            self.show()
        else:
            screen().show(self, last=True)

    def __repr__(self) -> str:
        return self.text(colour=False, width=100, height=40)

    def _details(self) -> str:
        frame = self.frame
        rows = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in _row(task))}</tr>"
                       for task in frame.tasks)  # fmt: skip
        head = "".join(f"<th>{word}</th>" for word in ("task", "node", "state", "version", "error"))
        return (
            f'<details class="swarmpy"><summary>{escape(svg.headline(frame))}: as a table</summary>'
            f"<table><tr>{head}</tr>{rows}</table></details>"
        )

    def _page(self) -> str:
        dark = "body{background:#111;color:#e6edf3}"
        if theme() is Theme.AUTO:
            dark = f"@media(prefers-color-scheme:dark){{{dark}}}"
        elif theme() is Theme.LIGHT:
            dark = ""
        return (
            f'<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>{escape(self._title)}</title>'
            "<style>body{font:14px sans-serif;margin:1em auto;max-width:980px}"
            f"{dark}</style>"
            f"<body>{self.html()}</body></html>"
        )


def _row(task: TaskCard) -> tuple[str, ...]:
    return task.label, task.node, task.words, task.version, task.error
