"""The notebooks of docs/ as pages: their text, code and outputs as they were stored when they last ran."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

from links import ROOT, rewritten


def pages() -> dict[str, str | bytes]:
    """Every notebook's page and the pictures that it shows, by their places in the site."""
    found: dict[str, str | bytes] = {}
    for path in sorted((ROOT / "docs").glob("*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        parts = [part for cell in cells for part in _cell(cell, path.stem, found)]
        found[f"{path.stem}.md"] = "\n\n".join(parts)
    return found


def _cell(cell: dict[str, Any], stem: str, found: dict[str, str | bytes]) -> Iterator[str]:
    source = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        yield rewritten(source, f"docs/{stem}.ipynb", "")
        return
    yield f"```python\n{source}\n```"
    for output in cell["outputs"]:
        data = output.get("data", {})
        if "image/png" in data:
            uri = f"{stem}-{len(found) + 1}.png"
            found[uri] = base64.b64decode(data["image/png"])
            yield f"![Drawn by the code above]({uri})"
        elif said := "".join(data.get("text/plain", output.get("text", ""))):
            yield f"```text\n{said.rstrip()}\n```"
