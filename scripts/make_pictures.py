"""Makes what is committed of pictures: docs/images/*.svg, outputs of notebooks/*.ipynb, and in docs/chaos.md
what its failing example says.

All of it is simulated from a fixed seed: it is the same at every run of one engine.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "python"))


def live_view() -> str:
    """The picture of the README: a node has died, an update is half way."""
    import swarmpy as sp

    with sp.Swarm(managers=3, workers=3, seed=42) as c:
        with c.watch() as view:
            web = c.services.create(
                "nginx:1.10",
                name="web",
                replicas=8,
                restart_delay="1s",
                update=sp.Rolling(parallelism=1, delay="1s", monitor="500ms"),
            )
            web.wait()
            c.sleep("1s")
            web.tasks.running[0].kill()
            web.wait()
            c.sleep("1s")
            c.nodes["w2"].kill()
            web.wait()
            c.sleep("1s")
            web.update(image="nginx:1.11")
            c.sleep("5500ms")
        return view.svg() + "\n"


def notebook(path: Path) -> str:
    """The notebook with the outputs of a run, without the marks of when and where it ran."""
    import nbformat
    from nbclient import NotebookClient

    os.environ |= {"PYTHONPATH": str(ROOT / "python"), "SWARMPY_DISPLAY": "static", "SWARMPY_MODE": "sim"}
    book: Any = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as folder:  # what it leaves beside it is not kept
        beside = {"metadata": {"path": folder}}
        how: dict[str, Any] = {"timeout": 300, "kernel_name": "python3", "record_timing": False}
        NotebookClient(book, resources=beside, **how).execute()
    book.metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    for number, cell in enumerate(book.cells):
        cell.id = f"cell-{number:02}"
        for output in cell.get("outputs", []):
            output.pop("transient", None)
    return json.dumps(book, indent=1, ensure_ascii=False, sort_keys=True).replace(f"{folder}/", "") + "\n"


SAYS = re.compile(r"(<!-- what it says: [^\n]*-->\n```text\n).*?(```\n)", re.DOTALL)
MANY = re.compile(r"(these do not matter: (?:\w+\([^)]*\)@\w+\.\w+, ){3}).*")


def wrong_on_purpose(folder: Path) -> str:
    """What pytest prints of the example that fails, run in this folder."""
    shutil.copy(ROOT / "examples" / "chaos" / "wrong_on_purpose.py", folder)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "swarmpy.pytest_plugin", "-p", "no:cacheprovider"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "python")}
    ran = subprocess.run(
        [*command, "wrong_on_purpose.py"],
        check=False,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    return ran.stdout


def chaos_page(said: str, folder: Path) -> str:
    """docs/chaos.md with that: our lines, without the folder, and not all faults that do not matter."""
    said = said.replace(f"{folder}/", "")
    lines = [row[1:].removeprefix("   ").rstrip() for row in said.splitlines() if row.startswith("E")]
    shown = MANY.sub(r"\1...", "\n".join(lines)) + "\n"
    page = (ROOT / "docs" / "chaos.md").read_text()
    return SAYS.sub(lambda found: found[1] + shown + found[2], page)


def main() -> int:
    made = {ROOT / "docs" / "images" / "live-view.svg": live_view()}
    made |= {path: notebook(path) for path in sorted((ROOT / "notebooks").glob("*.ipynb"))}
    with tempfile.TemporaryDirectory() as folder:
        made[ROOT / "docs" / "chaos.md"] = chaos_page(wrong_on_purpose(Path(folder)), Path(folder))
    old = [path for path, text in made.items() if not path.exists() or path.read_text() != text]
    for path, text in made.items():
        path.write_text(text, encoding="utf-8")
    print(f"{len(old)} of {len(made)} files changed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
