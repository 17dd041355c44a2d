"""Peers where they are installed (`make bench PEERS=1` installs them): nginx and haproxy, one worker each."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from bench.floors import scratch
from bench.swarm import LOAD

STREAM_MODULE = Path("/usr/lib/nginx/modules/ngx_stream_module.so")


def find(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")


@contextlib.contextmanager
def static_server(body: bytes) -> Iterator[tuple[str, str]]:
    """A server of these bytes over a unix socket: its name and URL. nginx, or else our barest one."""
    with scratch() as folder:
        socket = folder / "s.sock"
        if nginx := find("nginx"):
            (folder / "body").write_bytes(body)
            site = f"""http {{
  access_log off; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s; keepalive_requests 100000000; open_file_cache max=10;
  server {{ listen unix:{socket}; location / {{ default_type application/json; root {folder};
    try_files /body =404; }} }} }}"""
            name, command = "nginx", [nginx, "-e", "stderr", "-c", _nginx(folder, site)]
        else:
            name, command = (
                "bare epoll server",
                [str(LOAD), "serve", f"unix://{socket}", "--bytes", str(len(body))],
            )
        with running(command, lambda: socket.exists()):
            yield name, f"unix://{socket}"


@contextlib.contextmanager
def proxies(backend: str, port: int = 18701) -> Iterator[dict[str, str]]:
    """TCP proxies in front of "host:port": name -> "host:port"."""
    found: dict[str, str] = {}
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(scratch())
        nginx, haproxy = find("nginx"), find("haproxy")
        if nginx and STREAM_MODULE.exists():
            site = f"stream {{ server {{ listen 127.0.0.1:{port}; proxy_pass {backend}; tcp_nodelay on; }} }}"
            text = f"load_module {STREAM_MODULE};\n"
            stack.enter_context(running([nginx, "-e", "stderr", "-c", _nginx(folder, site, text)]))
            found["nginx"] = f"127.0.0.1:{port}"
        if haproxy:
            (folder / "haproxy.cfg").write_text(
                "global\n  nbthread 1\n  maxconn 4000\ndefaults\n  mode tcp\n  timeout connect 5s\n"
                "  timeout client 60s\n  timeout server 60s\n"
                f"listen l\n  bind 127.0.0.1:{port + 1}\n  server s {backend}\n"
            )
            stack.enter_context(running([haproxy, "-db", "-f", str(folder / "haproxy.cfg")]))
            found["haproxy"] = f"127.0.0.1:{port + 1}"
        yield found


@contextlib.contextmanager
def two_relays(backend: str, port: int) -> Iterator[str]:
    """The floor of a way through two nodes: the barest relay, twice. Where it begins, as "host:port"."""
    to = backend
    with contextlib.ExitStack() as stack:
        for at in (port, port + 1):
            command = [str(LOAD), "relay", f"tcp://127.0.0.1:{at}", f"tcp://{to}"]
            stack.enter_context(running(command))
            to = f"127.0.0.1:{at}"
        yield to


def _nginx(folder: Path, site: str, before: str = "") -> str:
    path = folder / "nginx.conf"
    path.write_text(
        f"{before}daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log stderr crit; user root;\n"
        f"events {{ worker_connections 8192; }}\n{site}\n"
    )
    folder.chmod(0o755)
    return str(path)


@contextlib.contextmanager
def running(command: list[str], is_up: object = None) -> Iterator[None]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 5
        while callable(is_up) and not is_up() and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.2)
        if process.poll() is not None:
            raise RuntimeError(f"{command[0]} ended at once: exit code {process.returncode}")
        yield
    finally:
        process.terminate()
        process.wait(10)
