"""What the templates need for a page's frame and its first screen."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.reporting.figures import forest
from harness.reporting.front import overview
from harness.reporting.front.machines import machines
from harness.reporting.front.origin import Origin
from harness.reporting.front.overview import Line
from harness.reporting.front.summary import summary

TEMPLATES = Path(__file__).parent.parent / "templates"
SCRIPTS = ("report.js", "curves.js")  # the page's one script, in two parts


def front(
    lines: Sequence[Line], origin: Origin, here: Mapping[str, Any], files: Sequence[str], live: int
) -> dict[str, Any]:
    """All of it by name; `files` lie beside the page, which loads itself every `live` seconds, if any.

    `here` is the environment that the report is made in.
    """
    rows = forest.rows(overview.shown(lines))
    told = [line for line in lines if line.first and line.section.examined]
    script = "".join((TEMPLATES / name).read_text(encoding="utf-8") for name in SCRIPTS)
    return {
        "origin": origin,
        "files": files,
        "live": live,
        "summary": summary(lines),
        "overview": forest.picture("overview", rows),
        "sized": [row for row in rows if row.strip],
        "unsized": [
            row for row in rows if row.line.first and not row.strip and overview.measured(row.section)
        ],
        "unknown_rows": [row for row in rows if not overview.measured(row.section)],
        "told": told,  # the lines that have a section on the page
        "links": {line.section.claim.id: line.target for line in told},
        "machines": machines([r for line in lines for r in line.section.records], here),
        "script": script,
        "script_hash": f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}",
        "share": forest.share,
        "beyond": forest.BEYOND,
        "scale_reading": forest.READING,
    }
