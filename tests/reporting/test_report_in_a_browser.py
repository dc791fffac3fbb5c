"""The report as a browser sees it: headless Chromium, light and dark, wide and narrow, and offline."""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from harness.reporting.pages import render
from tests.fakes import sections as made
from tests.fakes.runs import ENVIRONMENT

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
BROWSER = next((path for path in map(shutil.which, NAMES) if path), None)
FLAGS = ("headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "hide-scrollbars")
QUIET = ("disable-background-networking", "disable-component-update", "disable-sync")
# Only copies of the page carry this: the report itself has no script, and its policy would refuse one.
PROBE = """<script>
const doc = document.documentElement;
const small = [...document.querySelectorAll('figure text')].map(t => t.getBoundingClientRect().height);
const widths = [...document.querySelectorAll('svg')].map(s => s.getBoundingClientRect().width);
const hidden = widths.filter(w => w < 200).length;
document.title = [doc.scrollWidth, innerWidth, Math.min(...small).toFixed(1), hidden,
  getComputedStyle(document.body).fontSize, getComputedStyle(doc).backgroundColor].join(' ');
</script></body>"""

pytestmark = pytest.mark.skipif(
    BROWSER is None, reason=f"no browser on the path (looked for {', '.join(NAMES)})"
)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report with a section of every kind, and a copy of it that measures itself."""
    out = tmp_path_factory.mktemp("report")
    page, _ = render(made.everything(), out, ENVIRONMENT, ["Made up for a test."])
    source = page.read_text(encoding="utf-8")
    assert "<script" not in source
    probed = re.sub(r"<meta http-equiv=[^>]*>", "", source).replace("</body>", PROBE)
    (out / "probe.html").write_text(probed, encoding="utf-8")
    return out


def browse(page: Path, profile: Path, *options: str) -> str:
    """Opens the page in a fresh profile and returns what the browser prints."""
    command = [
        str(BROWSER),
        *(f"--{flag}" for flag in FLAGS + QUIET),
        f"--user-data-dir={profile}",
        *options,
        page.as_uri(),
    ]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout


@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_scrolls_sideways_and_all_is_legible(
    report: Path, tmp_path: Path, width: int, scheme: str
) -> None:
    dark = ["--blink-settings=preferredColorScheme=0"] if scheme == "dark" else []
    # A window has a least width, so the page stands in a frame as wide as the screen that is asked for.
    style, probe = f"width:{width}px;height:900px;border:0", (report / "probe.html").as_uri()
    frame = f"<iframe src='{probe}' style='{style}'></iframe>"
    holder = report / f"holder-{width}.html"
    script = (
        "<script>onload=()=>{document.title=document.querySelector('iframe').contentDocument.title}</script>"
    )
    holder.write_text(f"<!doctype html><title>?</title>{frame}{script}", encoding="utf-8")
    dom = browse(
        holder,
        tmp_path / "p",
        "--allow-file-access-from-files",
        "--dump-dom",
        *dark,
        "--window-size=1400,1000",
    )
    title = re.search(r"<title>(.*?)</title>", dom)
    assert title, dom[:300]
    assert title[1] != "?", "the frame was not read"
    scrolled, inner, least, hidden, size, ground = title[1].split(" ", 5)
    assert int(inner) == width
    assert int(scrolled) <= width
    assert float(least) >= 7.5
    assert int(hidden) == 0
    assert size == "16px"
    assert (sum(map(int, re.findall(r"\d+", ground))) < 200) is (scheme == "dark")


@pytest.mark.parametrize(("width", "height"), [(1280, 1600), (400, 1600)])
def test_a_picture_can_be_taken(report: Path, tmp_path: Path, width: int, height: int) -> None:
    picture = tmp_path / "page.png"
    browse(
        report / "report.html", tmp_path / "p", f"--screenshot={picture}", f"--window-size={width},{height}"
    )
    data = picture.read_bytes()
    assert struct.unpack(">II", data[16:24])[1] >= height
    assert len(data) > 40_000, "an empty page"


def test_the_browser_reads_what_was_written(report: Path, tmp_path: Path) -> None:
    dom = browse(report / "report.html", tmp_path / "p", "--dump-dom")
    for said in ("AlexNet, re-examined", "5.857×", "SMOKE", "training error (%)", "What it would take"):
        assert said in dom
    assert "&lt;script&gt;alert" in dom
    assert "<script>alert" not in dom
