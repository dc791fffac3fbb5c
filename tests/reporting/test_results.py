"""Results for programs: typed numbers, the same in every format that a report can have."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
from pathlib import Path
from urllib.parse import unquote

import pytest

from harness.contract.errors import StoreError
from harness.reporting.formats import FILES, Format
from harness.reporting.index import published, write_index
from harness.reporting.latex import latex
from harness.reporting.pages import render
from harness.reporting.report import Report
from harness.reporting.wording import estimate, support
from tests.fakes.evidence import sections as made
from tests.fakes.evidence.runs import ENVIRONMENT

DOCUMENT = Path(__file__).resolve().parents[2] / "docs/results-format.md"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report in every format, with a section of every kind."""
    out = tmp_path_factory.mktemp("reports") / "2030"
    paths = render(Report(made.everything(), ENVIRONMENT), out, formats=tuple(Format))
    assert [path.name for path in paths] == list(FILES.values())
    return out


def read(written: Path, which: Format) -> str:
    return (written / FILES[which]).read_text(encoding="utf-8")


def test_every_form_has_the_same_numbers(written: Path) -> None:
    found = json.loads(read(written, Format.JSON))
    rows = list(csv.DictReader(io.StringIO(read(written, Format.CSV))))
    known = [(one["claim"], effect) for one in found["results"] for effect in one["effects"]]
    computed = [(s.claim.id, e) for s in made.everything() if not s.smoke for e in s.effects]
    assert [(name, e["metric"], e["estimate"]) for name, e in known] == [
        (name, e.metric, e.estimate) for name, e in computed
    ]
    pages = [read(written, Format.HTML), read(written, Format.MD)]
    for (name, effect), (_, one) in zip(known, computed, strict=True):
        (row,) = [r for r in rows if (r["claim"], r["metric"]) == (name, one.metric)]
        for field in ("estimate", "lower_bound", "p_exact"):
            assert row[field] == ("" if effect[field] is None else repr(effect[field]))
        for field in ("ci90", "ci95", "band"):
            ends = effect[field] or (None, None)
            assert [row[f"{field}_low"], row[f"{field}_high"]] == ["" if x is None else repr(x) for x in ends]
        assert all(estimate(one) in page for page in pages), one.metric
    first = computed[0][1]
    shown = " & ".join((latex(estimate(first)), latex(support(first)), "cifar10 on cpu, fp32", "reproduced"))
    assert shown in read(written, Format.TEX)


def test_numbers_are_typed_and_an_open_end_is_null(written: Path) -> None:
    found = json.loads(read(written, Format.JSON))
    by_claim = {one["claim"]: one for one in found["results"]}
    (censored,) = by_claim["relu-censored"]["effects"]
    assert censored["ci95"] == [7.1, None]
    assert (censored["estimate"], censored["lower_bound"], censored["censored"]) == (None, 8.2, 3)
    first = by_claim["relu-speedup"]
    assert first["experiment"] == {
        "protocol": "cifar10", "paper_scale": True, "seeds": 5, "at_looks": False, "device": "cpu",
        "precision": "fp32", "torch": "2.11.0", "data": "cifar10 (files, c58f30108f71)",
    }  # fmt: skip
    assert (first["outcome"], first["leading"], first["stale_records"]) == ("reproduced", True, 1)
    assert len(first["records"]) == len(set(first["records"])) > 10
    assert by_claim["training-time"]["experiment"] is None


def test_smoke_runs_have_no_numbers(written: Path) -> None:
    found = json.loads(read(written, Format.JSON))["results"]
    assert [one["effects"] for one in found if one["outcome"] == "smoke"] == [[], []]


def test_every_field_is_documented(written: Path) -> None:
    found = json.loads(read(written, Format.JSON))
    one = next(r for r in found["results"] if r["effects"])
    fields = {*found, *found["origin"], *one, *one["experiment"], *one["effects"][0]}
    text = DOCUMENT.read_text(encoding="utf-8")
    assert [name for name in sorted(fields) if f"`{name}`" not in text] == []
    assert f"format {found['format']}" in text


def test_only_what_is_asked_for_is_written(tmp_path: Path) -> None:
    render(Report(made.everything(), ENVIRONMENT), tmp_path, formats=(Format.CSV,))
    assert [path.name for path in tmp_path.iterdir()] == ["results.csv"]


def test_latex_shows_words_as_they_are() -> None:
    assert latex("50 % of a_b & −1 ×") == r"50 \% of a\_b \& $-$1 $\times$"
    assert latex("\\{x}") == r"\textbackslash{}\{x\}"


def test_an_index_tells_what_each_report_said(written: Path) -> None:
    old, odd = written.parent / "older report", written.parent / "odd"
    for folder in (old, odd):
        folder.mkdir()
        (folder / "report.html").write_text("", encoding="utf-8")
    (odd / "results.json").write_text('{"format": 1}', encoding="utf-8")
    html, text = (path.read_text(encoding="utf-8") for path in write_index(written.parent))
    assert next(one.name for one in published(written.parent)) == "2030"
    assert '<a class="verdict reproduced" href="2030/report.html#relu-speedup">reproduced</a>' in html
    assert "[reproduced](2030/report.md#relu-speedup) cifar10" in text
    assert 'href="older%20report/report.html"' in html
    for page in (html, text):
        assert "Imaginary 9000, 2 cores" in page
        assert "rendered by code that wrote no results.json" in page
        assert "its results.json cannot be read" in page
    assert not re.search(r"<script|src=", html)


def test_the_index_in_markdown_links_to_markdown_where_there_is_any(written: Path, tmp_path: Path) -> None:
    for name, forms in (("a.html b", (Format.HTML, Format.MD)), ("c", (Format.HTML,))):
        (tmp_path / name).mkdir()
        for form in (*forms, Format.JSON):
            shutil.copy(written / FILES[form], tmp_path / name)
    _, text = (path.read_text(encoding="utf-8") for path in write_index(tmp_path))
    linked = {unquote(link.partition("#")[0]) for link in re.findall(r"\]\(([^)]*)\)", text)}
    assert linked == {"a.html b/report.md", "c/report.html"}
    assert all((tmp_path / link).exists() for link in linked)


def test_an_index_does_not_wait_for_a_pipe(tmp_path: Path) -> None:
    (tmp_path / FILES[Format.HTML]).write_text("", encoding="utf-8")
    os.mkfifo(tmp_path / FILES[Format.JSON])
    (found,) = published(tmp_path)
    assert "it is not a regular file" in found.trouble


def test_an_index_of_nothing_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"no report below .*repro.py report --out"):
        write_index(tmp_path)
