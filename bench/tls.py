"""TLS between nodes: handshakes, frames, memory; beside OpenSSL alone in the same run (tools/tls_bench)."""

from __future__ import annotations

import json
import subprocess

from bench.swarm import LOAD
from bench.table import Row, not_there

PROGRAM = LOAD.parents[1] / "tls_bench" / "tls_bench"
FULL_MS, RESUMED_MS, FRAME_US, LINK_KIB = 0.8, 0.45, 3.0, 30.0


def measure() -> list[Row]:
    if not PROGRAM.exists():
        return [not_there("TLS: handshakes, frames, memory", "see docs", f"{PROGRAM.name} is not built")]
    done = subprocess.run([PROGRAM], capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    more = found["frame_us"] - found["plain_frame_us"]
    kib = found["link_bytes"] / 1024
    return [
        _handshake("TLS handshake, server's CPU", found["full_ms"], found["openssl_full_ms"], FULL_MS),
        _handshake("... resumed", found["resumed_ms"], found["openssl_resumed_ms"], RESUMED_MS),
        Row(
            "TLS frame of 1,000 B, write and read",
            f"<= +{FRAME_US:g} us",
            f"+{more:.2f} us",
            more <= FRAME_US,
            _floors(found["plain_frame_us"], found["openssl_frame_us"], 2),
        ),
        Row(
            "TLS piece of 64 KiB, write and read",
            "",
            f"{found['piece_us']:.0f} us",
            None,
            _floors(found["plain_piece_us"], found["openssl_piece_us"], 0),
        ),
        Row("TLS memory of a link", f"<= {LINK_KIB:g} KiB", f"{kib:.1f} KiB", kib <= LINK_KIB),
    ]


def _floors(plain: float, openssl: float, digits: int) -> str:
    return f"plain socket {plain:.{digits}f} us; OpenSSL alone {openssl:.{digits}f} us"


def _handshake(what: str, ours: float, openssl: float, most: float) -> Row:
    beside = f"OpenSSL alone {openssl:.2f} ms, {ours / openssl:.2f}x"
    return Row(what, f"<= {most:g} ms", f"{ours:.2f} ms", ours <= most, beside)
