"""The report as a browser sees it: headless Chromium, light and dark, wide and narrow, and offline."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import pytest

from harness.reporting.pages import render
from harness.reporting.report import Report
from tests.fakes.browser import browse, copied, left_in_title, needed
from tests.fakes.evidence import sections as made
from tests.fakes.evidence.runs import ENVIRONMENT

# Only copies of the page carry these: the report's policy lets only its own script run.
PROBE = """<script>
const doc = document.documentElement;
const small = [...document.querySelectorAll('figure text')].map(t => t.getBoundingClientRect().height);
const widths = [...document.querySelectorAll('figure svg')].map(s => s.getBoundingClientRect().width);
const hidden = widths.filter(w => w < 200).length;
document.title = [doc.scrollWidth, innerWidth, Math.min(...small).toFixed(1), hidden,
  getComputedStyle(document.body).fontSize, getComputedStyle(doc).backgroundColor].join(' ');
</script>"""
# Requests from the script what only some sections have.
CONTROLS = """<section data-table><table><tr><td>a "b"</td><td>−1,234.5</td><td class="key">
<a href="records/full-1.json">fu</a></td></tr></table>
<button data-csv hidden>CSV</button>
<p><code>./repro.py</code> <button data-copy="" hidden>Copy</button></p></section>"""
# Does what a reader would, and leaves what the page then shows as its title.
DRIVER = """<script>addEventListener('load', () => {
const all = selector => [...document.querySelectorAll(selector)], one = selector => all(selector)[0];
const rows = () => all('[data-filtered] [data-outcome]').filter(r => !r.hidden).map(r => r.dataset.outcome);
const seen = {};
seen.all = rows();
one('[data-filter=reproduced]').click();
seen.reproduced = rows();
seen.said = one('[data-shown]').textContent;
one('[data-filter=reproduced]').click();
const search = one('[data-search]');
search.value = 'CENSORED relu'; search.dispatchEvent(new Event('input'));
seen.searched = rows();
search.value = ''; search.dispatchEvent(new Event('input'));
seen.again = rows();
const heading = all('.front.sized thead th').pop();
heading.querySelector('button').click();
seen.sorted = all('.front.sized tbody tr').map(r => r.cells[4].textContent.trim());
heading.querySelector('button').click();
seen.reversed = all('.front.sized tbody tr').map(r => r.cells[4].textContent.trim());
seen.direction = heading.getAttribute('aria-sort');
const theme = one('[data-theme-switch]');
theme.click(); theme.click();
seen.dark = [theme.textContent, getComputedStyle(document.body).colorScheme];
const writeText = async text => { seen.copied = text; };
Object.defineProperty(navigator, 'clipboard', { value: { writeText } });
one('[data-copy=""]').click();
seen.command = seen.copied;
all('[data-csv]').pop().click();
seen.csv = seen.copied;
all('td.key a').pop().dispatchEvent(new FocusEvent('focusin', { bubbles: true }));
one('.beside').click();
seen.key = seen.copied;
one('.claim [data-copy]').click();
seen.next = [seen.copied, one('.claim [data-copy]').previousElementSibling.textContent];
const runs = one('.claim .folds table[data-sortable]:has(td.key)');
const order = () => [...runs.tBodies[0].rows].map(row => row.cells[1].textContent);
seen.unsorted = order();
runs.querySelectorAll('th button')[1].click();
seen.byseed = order();
seen.buttons = all('button[hidden], input[hidden]').length;
location.hash = '#lesson-title';
setTimeout(() => {
  seen.unfolded = one('#reading').open;
  document.title = JSON.stringify(seen);
}, 100);
})</script>"""
pytestmark = needed


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report with a section of every kind, and a copy of it that measures itself."""
    out = tmp_path_factory.mktemp("report")
    page, _ = render(Report(made.everything(), ENVIRONMENT, ["Made up for a test."]), out)
    for name, script in (("probe", PROBE), ("driven", CONTROLS + DRIVER)):
        copied(page, name, script)
    return out


@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_scrolls_sideways_and_all_is_legible(
    report: Path, tmp_path: Path, width: int, scheme: str
) -> None:
    dark = ["--blink-settings=preferredColorScheme=0"] if scheme == "dark" else []
    # Windows have a minimum width, so the page is shown in a frame as wide as the requested screen.
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
    for said in ("AlexNet, re-examined", "5.86×", "SMOKE", "training error (%)", "Next experiments"):
        assert said in dom
    assert "&lt;script&gt;alert" in dom
    assert "<script>alert" not in dom
    assert '<th role="columnheader" scope="col"><button type="button">claim</button></th>' in dom, (
        "its script ran"
    )


def test_a_reader_can_filter_search_sort_copy_toggle_and_change_the_theme(
    report: Path, tmp_path: Path
) -> None:
    seen = left_in_title(report / "driven.html", tmp_path / "p")
    assert seen["reproduced"] == ["reproduced"]
    assert seen["said"] == f"1 of {len(seen['all'])} lines shown"
    assert seen["searched"] == ["directional"]
    assert seen["again"] == seen["all"]
    assert len(seen["sorted"]) == 3
    assert seen["sorted"] == sorted(seen["sorted"])
    assert (seen["reversed"], seen["direction"]) == (seen["sorted"][::-1], "descending")
    assert (seen["command"], seen["csv"]) == ("./repro.py", '"a ""b""","-1234.5","full"\n')
    assert seen["key"] == "full"
    assert seen["next"][0] == seen["next"][1] != ""
    assert seen["byseed"] == sorted(seen["unsorted"], key=int) != seen["unsorted"]
    assert seen["dark"] == ["Theme: dark", "dark"]
    assert (seen["buttons"], seen["unfolded"]) == (0, True)
