"""A headless browser for tests of pages, and copies of pages that drive themselves in it."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
BROWSER = next((path for path in map(shutil.which, NAMES) if path), None)
FLAGS = ("headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "hide-scrollbars")
QUIET = ("disable-background-networking", "disable-component-update", "disable-sync")

needed = pytest.mark.skipif(BROWSER is None, reason=f"no browser on the path (looked for {', '.join(NAMES)})")


def copied(page: Path, name: str, script: str) -> Path:
    """A copy of the page with a test's script at its end, which the page's own policy would block."""
    free = re.sub(r"<meta http-equiv=[^>]*>", "", page.read_text(encoding="utf-8"))
    copy = page.with_name(f"{name}.html")
    copy.write_text(free.replace("</body>", f"{script}</body>"), encoding="utf-8")
    return copy


def browse(page: Path, profile: Path, *options: str) -> str:
    """Opens the page in a fresh profile and returns what the browser prints."""
    flags = [f"--{flag}" for flag in FLAGS + QUIET]
    command = [str(BROWSER), *flags, f"--user-data-dir={profile}", *options, page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout


def left_in_title(page: Path, profile: Path, *options: str) -> dict[str, Any]:
    """What a driven page has left in its title, as JSON."""
    dom = browse(page, profile, "--dump-dom", "--virtual-time-budget=3000", *options)
    title = re.search(r"<title>(.*?)</title>", dom, flags=re.DOTALL)
    assert title, dom[:300]
    found: dict[str, Any] = json.loads(html.unescape(title[1]))
    return found
