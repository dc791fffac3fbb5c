"""The site's generated pages, and pages that must name everything that they describe."""

from __future__ import annotations

import dataclasses
import importlib
import json
import re
from pathlib import Path
from types import ModuleType
from typing import get_args

import matplotlib
import pytest
import typer

from harness.cli.app import app
from harness.cli.running import events
from harness.contract.formatting import NOTHING, limits
from harness.contract.numerics import Numerics
from harness.paper.catalogue import CLAIMS
from harness.records.conditions import Conditions, DataIdentity
from harness.records.schema import PROGRAMS, Cost, CurveColumn
from harness.records.shape import Stored
from harness.verdicts.gates import GATES
from harness.verdicts.verdict import Outcome, Qualifier

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch):
    """A module of the site's hooks by its name."""
    monkeypatch.syspath_prepend(str(DOCS / "hooks"))

    def found(name: str) -> ModuleType:
        return importlib.import_module(name)

    return found


def rows(page: str, chapter: str) -> list[list[str]]:
    """The cells of a chapter's first table, without its head."""
    text = (DOCS / page).read_text(encoding="utf-8").split(chapter, 1)[1]
    table = re.search(r"^\|.*\n\|[-|: ]+\|\n((?:\|.*\n)+)", text, flags=re.MULTILINE)
    assert table is not None
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.group(1).splitlines()]


def names(cells: list[list[str]]) -> set[str]:
    return {name for row in cells for name in re.findall(r"`(\w+)`", row[0])}


def test_every_claim_has_a_page_with_what_is_declared(hook) -> None:
    pages = hook("claims").pages()
    assert set(pages) == {"claims/index.md", *(f"claims/{claim.id}.md" for claim in CLAIMS)}
    for claim in CLAIMS:
        page = pages[f"claims/{claim.id}.md"]
        assert f"]({claim.id}.md)" in pages["claims/index.md"]
        bands = {limits(m.band, m.unit) for m in claim.metrics if m.band} - {NOTHING}
        assert all(band in page for band in bands), claim.id
        assert claim.estimand.split()[0] in page


def test_evidence_under_way_is_no_verdict(hook) -> None:
    claims = hook("claims")
    for claim in CLAIMS:
        for _, section in claims.evidence(claim):
            waiting = section.verdict.outcome is Outcome.NOT_RUN
            assert claims._standing(section).startswith("under way: ") is waiting
    assert claims.stores(), "no published records that today's code reads"


def test_the_reference_has_every_command_and_option(hook) -> None:
    page = hook("commands").page()
    command = typer.main.get_command(app)
    chapters = re.split(r"^#+ `\./repro\.py (.+)`$", page, flags=re.MULTILINE)
    described = dict(zip(chapters[1::2], chapters[2::2], strict=True))
    assert set(command.commands) <= set(described)
    for name, one in command.commands.items():
        options = [option for parameter in one.params for option in parameter.opts if option.startswith("--")]
        assert all(f"`{option}" in described[name] or f", {option}" in described[name] for option in options)
    assert "…" not in page
    assert "...\n* " not in page


@pytest.mark.parametrize(
    ("source", "text", "shown"),
    [
        ("README.md", "[a](docs/tour.md#x) [b](reports/README.md)", "[a](tour.md#x) [b](published.md)"),
        ("docs/tour.md", "[a](verdicts.md) [b](../README.md)", "[a](verdicts.md) [b](index.md)"),
        ("docs/tour.md", "[a](../harness/paper/bands.py) [b](figure-1.ipynb)", "a [b](figure-1.md)"),
        ("docs/tour.md", "[a](https://example.org/x.md)", "[a](https://example.org/x.md)"),
        ("README.md", "```\n[a](docs/tour.md)\n```", "```\n[a](docs/tour.md)\n```"),
    ],
)
def test_links_hold_in_the_site(hook, source: str, text: str, shown: str) -> None:
    assert hook("links").rewritten(text, source, "") == shown


def test_a_file_that_is_no_page_is_on_the_code_host(hook) -> None:
    found = hook("links").rewritten("[a](../harness/x.py)", "docs/tour.md", "https://host.example/o/r")
    assert found == "[a](https://host.example/o/r/blob/HEAD/harness/x.py)"


def test_links_hold_on_a_code_host() -> None:
    pages = [*DOCS.glob("*.md"), *(DOCS.parent / name for name in ("README.md", "CONTRIBUTING.md"))]
    for page in pages:
        for target in re.findall(r"\]\(([^)\s#:]+)[^):]*\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_record_schema_names_every_field() -> None:
    assert names(rows("record-schema.md", "# Record schema")) == set(Stored.__struct_fields__)
    fields = {field.name for field in dataclasses.fields(Conditions)}
    chapter = rows("record-schema.md", "`conditions`:")
    assert names(chapter) == fields
    said = {row[0].strip("`"): row[2] for row in chapter}
    for part, kind in (("data", DataIdentity), ("numerics", Numerics)):
        assert all(f"`{field.name}`" in said[part] for field in dataclasses.fields(kind)), part


def test_the_record_schema_names_all_that_programs_measure() -> None:
    text = (DOCS / "record-schema.md").read_text(encoding="utf-8")
    listed = [set(re.findall(r"`(\w+)`", row[1])) for row in rows("record-schema.md", "## Metrics")]
    assert sorted(map(sorted, listed)) == sorted(sorted(map(str, f.metrics)) for f in PROGRAMS.values())
    chapters = {name: set(re.findall(r"`(\w+)`", text.split(f"## {name}")[1].split("\n##")[0]))
                for name in ("Curve columns", "Costs")}  # fmt: skip
    assert chapters == {"Curve columns": set(map(str, CurveColumn)), "Costs": set(map(str, Cost))}


def test_the_page_on_events_names_every_event_and_field() -> None:
    page = (DOCS / "run-events.md").read_text(encoding="utf-8")
    listed = {
        row[0].strip("`"): set(re.findall(r"`(\w+)`", row[2]))
        for row in rows("run-events.md", "# Run events")
    }
    common = {*events.TrialEvent.__struct_fields__}
    known = {kind.__struct_config__.tag: {*kind.__struct_fields__} for kind in get_args(events.AnyEvent)}
    assert set(listed) == set(known)
    for name, fields in known.items():
        assert listed[name] == fields - (common if name.startswith("trial_") else {"time"}), name
    explained = names(rows("run-events.md", "An event about a trial"))
    inside = {*events.ExperimentPlan.__struct_fields__, *events.ClaimVerdict.__struct_fields__}
    assert all(f"`{name}`" in page for name in common | inside)
    assert {"failed", "seconds_left", "decided", "verdicts"} <= explained <= set().union(*known.values())
    assert f"This is format {events.FORMAT}," in page


def test_the_page_on_verdicts_asks_what_the_gates_ask() -> None:
    found = rows("verdicts.md", "## The order of the questions")
    assert [row[:2] for row in found] == [[gate.name, gate.question] for gate in GATES]
    outcomes = [str(gate.outcome) for gate in GATES if gate.outcome]
    assert [row[2] for row in found[: len(outcomes)]] == outcomes


def test_the_page_on_verdicts_explains_every_qualifier() -> None:
    named = {name for row in rows("verdicts.md", "These words qualify them") for name in row[0].split(", ")}
    assert named == set(Qualifier) - {Qualifier.NONE}


def test_the_notebook_still_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    matplotlib.use("Agg")
    monkeypatch.chdir(DOCS)
    text = (DOCS / "figure-1.ipynb").read_text(encoding="utf-8")
    cells = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
    seen: dict[str, object] = {}
    for cell in cells[:-1]:
        exec("".join(cell["source"]), seen)
    assert {line.get_label()[1:5] for line in seen["axes"].lines} >= {"relu", "tanh"}
    stored = "".join(cells[-1]["outputs"][0]["data"]["text/plain"])
    assert repr(eval("".join(cells[-1]["source"]), seen)) == stored
    assert not re.search(r"/(home|root|tmp|work|Users)/", text)
