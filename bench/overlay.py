"""The overlay's data plane, beside a VXLAN network made by hand in the same run (tools/overlay_bench)."""

from __future__ import annotations

import json
import subprocess

from bench.swarm import LOAD
from bench.table import Row, not_there

PROGRAM = LOAD.parents[1] / "overlay_bench" / "overlay_bench"
RATIO, VIP_US, CHANGE_MS, PLACE_MS = 0.9, 3.0, 1.0, 2.0


def measure() -> list[Row]:
    what = "overlay: a stream beside VXLAN by hand"
    if not PROGRAM.exists():
        return [not_there(what, f">= {RATIO:g}x", f"{PROGRAM.name} is not built")]
    done = subprocess.run([PROGRAM], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    if "refused" in found:
        return [not_there(what, f">= {RATIO:g}x", found["refused"])]
    ratio, added = found["ratio_to_hand"], found["vip_added_us"]
    change, place = found["backend_change_of_100_ms"], found["place_warm_cpu_ms"]
    return [
        Row(
            what,
            f">= {RATIO:g}x",
            f"{ratio:.2f}x",
            ratio >= RATIO,
            _beside(found, "gbits", "Gbit/s"),
        ),
        Row(
            "... one byte there and back, by a VIP",
            f"<= +{VIP_US:g} us",
            f"+{added:.1f} us",
            added <= VIP_US,
            _beside(found, "us", "us"),
        ),
        Row(
            "... one of 100 backends less or more, in a task's table",
            f"<= {CHANGE_MS:g} ms",
            f"{change:.2f} ms",
            change <= CHANGE_MS,
            f"in 20 tasks' tables {found['backend_change_of_100_in_20_tasks_ms']:.1f} ms",
        ),
        Row(
            "... a task's place: namespace, veth, VIPs",
            f"<= {PLACE_MS:g} ms CPU",
            f"{place:.2f} ms CPU",
            place <= PLACE_MS,
            f"without a warm namespace {found['place_cold_cpu_ms']:.2f} ms CPU",
        ),
    ]


def _beside(found: dict[str, float], figure: str, unit: str) -> str:
    ours, hand, veth = (found[f"{way}_{figure}"] for way in ("ours", "hand", "veth"))
    return f"ours {ours:.1f}, by hand {hand:.1f}, veth {veth:.1f} {unit}"
