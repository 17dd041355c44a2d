"""A headless Chromium on a JupyterLab page, driven by its own debugging protocol. For tests where both are
installed.
"""

from __future__ import annotations

import base64
import contextlib
import importlib.util
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from local import ROOT

PATIENCE = 60.0
PANEL = "[...(window.jupyterapp?.shell.widgets('main') ?? [])].find(one => one.sessionContext)"
KERNEL = f"{PANEL}?.sessionContext.session?.kernel"


def missing() -> str:
    """What is not installed; "" when all is."""
    if _chromium() is None:
        return "no chromium: apt-get install chromium"
    absent = [name for name in ("jupyterlab", "websocket", "ipykernel") if not importlib.util.find_spec(name)]
    return f"no {', '.join(absent)}: pip install 'swarmpy[notebook]'" if absent else ""


def missing_browser() -> str:
    """The same for a page that no JupyterLab shows."""
    if _chromium() is None:
        return "no chromium: apt-get install chromium"
    return "" if importlib.util.find_spec("websocket") else "no websocket: pip install websocket-client"


class Page:
    """One page. `js(...)`: the value of an expression in it (a promise is awaited)."""

    def __init__(self, debugger: str) -> None:
        import websocket  # type: ignore[import-not-found,unused-ignore]

        self._socket = websocket.create_connection(debugger, timeout=PATIENCE, suppress_origin=True)
        self._asked = 0
        self.events: list[dict[str, Any]] = []  # what it said unasked: console, requests

    def ask(self, method: str, **parameters: object) -> Any:
        self._asked += 1
        self._socket.send(json.dumps({"id": self._asked, "method": method, "params": parameters}))
        while True:
            answer = json.loads(self._socket.recv())
            if "method" in answer:
                self.events.append(answer)
            if answer.get("id") == self._asked:
                assert "error" not in answer, answer
                return answer["result"]

    def js(self, expression: str) -> Any:
        result = self.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def until(self, expression: str) -> Any:
        deadline = time.monotonic() + PATIENCE
        while not (value := self.js(expression)):
            assert time.monotonic() < deadline, f"not within {PATIENCE:g} s: {expression}"
            time.sleep(0.1)
        return value

    def screenshot(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self.ask("Page.captureScreenshot", format="png")["data"]))

    def close(self) -> None:
        self._socket.close()


@contextlib.contextmanager
def lab(folder: Path, notebook: str, environment: dict[str, str]) -> Iterator[Page]:
    """JupyterLab in `folder` with `notebook` open."""
    port = _free_port()
    env = {**os.environ, "PYTHONPATH": str(ROOT / "python"), "JUPYTER_CONFIG_DIR": str(folder / "config")}
    env |= {
        "JUPYTER_RUNTIME_DIR": str(folder / "run"),
        "JUPYTER_DATA_DIR": str(folder / "data"),
        **environment,
    }
    options = [
        "--no-browser",
        "--allow-root",
        "--expose-app-in-browser",
        "--ServerApp.token=",
        f"--port={port}",
    ]
    options += [f"--ServerApp.root_dir={folder}", "--ip=127.0.0.1", "--LabApp.news_url=None"]
    command = [sys.executable, "-m", "jupyterlab", *options]
    with _ended(
        subprocess.Popen(command, env=env, cwd=folder, stdout=_log(folder), stderr=subprocess.STDOUT)
    ):
        _answers(f"http://127.0.0.1:{port}/api")
        with browser(folder) as page:
            page.ask("Page.enable")
            page.ask("Page.navigate", url=f"http://127.0.0.1:{port}/lab/tree/{notebook}?reset")
            page.until(f"{KERNEL}?.connectionStatus === 'connected' && {KERNEL}?.status === 'idle'")
            page.js(f"window.jupyterapp.shell.activateById({PANEL}.id)")
            yield page


@contextlib.contextmanager
def browser(folder: Path) -> Iterator[Page]:
    """An empty page, in a window of 1280 by 1400."""
    program = _chromium()
    assert program is not None
    options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0"]
    options += [f"--user-data-dir={folder / 'chromium'}", "--window-size=1280,1400", "--hide-scrollbars"]
    with _ended(
        subprocess.Popen(
            [program, *options, "about:blank"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
    ) as browser:
        assert browser.stderr is not None
        found = next(
            hit for line in browser.stderr if (hit := re.search(r"DevTools listening on ws://([^/]+)/", line))
        )
        with urllib.request.urlopen(f"http://{found[1]}/json/list") as listed:
            pages = [one for one in json.load(listed) if one["type"] == "page"]
        page = Page(pages[0]["webSocketDebuggerUrl"])
        try:
            yield page
        finally:
            page.close()


@contextlib.contextmanager
def _ended(process: subprocess.Popen[Any]) -> Iterator[subprocess.Popen[Any]]:
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stderr is not None:
            process.stderr.close()


def _log(folder: Path) -> int:
    return os.open(folder / "jupyter.log", os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC)


def _answers(url: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            assert time.monotonic() < deadline, f"nobody answers at {url}"
            time.sleep(0.2)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _chromium() -> str | None:
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
