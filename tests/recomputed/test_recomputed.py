"""Every estimate, interval and p that a report prints, recomputed from the raw JSON by scipy alone.

Any folder of `reports/` with records is read as it is; so is a made-up store with evidence on all claims.
What today's code no longer judges is compared with the `results.json` of its day.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import reproductions
from harness.paper.catalogue import claim
from harness.paper.claims import Kind
from harness.records.store import Store
from harness.reporting import effect_tables, tables
from harness.reporting.claims.sections import Section, leading, sections
from harness.verdicts.assess import Assessments
from tests.fakes.evidence import judged_store
from tests.recomputed import formulas, published
from tests.recomputed.estimands import ESTIMANDS, Effects
from tests.recomputed.formulas import Result
from tests.recomputed.raw import assessed

REPORTS = Path(reproductions.__file__).parents[1] / "reports"
PUBLISHED = sorted({path.parent.parent for path in REPORTS.glob("**/records/*.json")})
OF_OTHER_CODE = {
    "2026-11-22-epyc-2-cores",  # without a format number or a results.json: for reading
    "2026-11-28-xeon-2-cores",  # before norms on a CPU became other code; see `RESULTS`
}
WITH_RESULTS = REPORTS / "2026-11-28-xeon-2-cores"
# Effects that have another name since then, and those that have been added.
RENAMED = {"area, σ = .03 in conv3–5 ÷ σ = .01": "area, σ = .03 ÷ σ = .01 with biases of 1"}
SINCE = {"area, σ = .03 ÷ σ = .01 with biases of 0"}
RESULTS = [
    ("error-rate", "cifar10-scarce"),
    ("error-rate", "cifar10-converged-short"),
    ("ten-view", "cifar10-scarce"),
    ("ten-view", "cifar10-converged-short"),
    ("two-gpu-time", "two-cores"),
    ("crop-flip", "cifar10-scarce"),
    ("dropout-overfitting", "cifar10-scarce"),
    ("bias-init", "cifar10-early"),
    ("feature-neighbours", "cifar10-converged-short"),
    ("training-time", "machine"),
    ("augmentation-cost", "two-cores"),
]
Values = tuple[float, ...]
DRAWN = 0.01  # an exact p by random arrangements: five standard errors of the two draws' difference


def unit(shown: str) -> float:
    """What the last printed digit counts; zeros at the end of a whole number may be rounded ones."""
    whole, _, decimals = shown.partition(".")
    return 10.0 ** (-len(decimals) if decimals else len(whole) - len(whole.rstrip("0")))


def numbers(cell: str) -> list[str]:
    """The numbers in a printed cell, without its unit and without commas between thousands."""
    found = re.findall(r"-?∞|-?\d+(?:,\d{3})*(?:\.\d+)?", cell.replace("−", "-"))
    return [x.replace(",", "").replace("∞", "inf") for x in found]


def same_number(cell: str, value: float | None) -> bool:
    if value is None or cell == "–":
        return value is None and cell == "–"
    return _near(numbers(cell)[0], value)


def same_interval(cell: str, ends: tuple[float, float] | None) -> bool:
    if ends is None or cell == "–":
        return ends is None and cell == "–"
    return all(_near(*both) for both in zip(numbers(cell), ends, strict=True))


def _near(shown: str, value: float) -> bool:
    return float(shown) == value or abs(float(shown) - value) <= 0.5 * unit(shown) + 1e-9 * abs(value)


def same_p(cell: str, p: float | None, slack: float = 0.0) -> bool:
    if p is None or cell == "–":
        return p is None and cell == "–"
    if cell.startswith("<"):
        return p < 1e-4 + slack + 1e-9
    return abs(float(cell.split()[0]) - p) <= 0.5e-4 + 1e-6 + slack


def same_exact_p(row: dict[str, str], found: Result) -> bool:
    """Whether it is the same; a p that could not reach .05, whatever the outcome, is not printed."""
    if found.p_exact is None:
        return True
    ways = math.comb(sum(map(len, found.arms)), len(found.arms[0])) if found.arms else 2 ** int(row["n"])
    if 2 / ways > 0.05:
        return row.get("p, exact", "–") == "–"
    return same_p(row["p, exact"], found.p_exact, DRAWN if found.drawn else 0.0)


def wrong(row: dict[str, str], found: Result) -> Iterator[str]:
    """Where a printed row differs from the recomputed effect."""
    checks = {
        "estimate": same_number(row.get("estimate", "–"), found.estimate),
        "95 % interval": same_interval(row.get("95 % interval", "–"), found.ci95),
        "90 % interval": same_interval(row.get("90 % interval", "–"), found.ci90),
        "p, Student": same_p(row.get("p, Student", "–"), found.p_student),
        "p, exact": same_exact_p(row, found),
    }
    for name, holds in checks.items():
        if not holds:
            yield f"{row['metric']}, {name}: printed {row.get(name)}, recomputed {found}"


def printed(section: Section) -> list[dict[str, str]]:
    """The rows of a section's table of effects, as a reader sees them."""
    table = effect_tables.effect_table(section.claim, section.effects, section.adjusted_p, section.proxy)
    return [dict(zip(table.columns, row, strict=True)) for row in tables.cells(table)]


def recomputed(folder: Path, section: Section) -> Effects:
    assert section.assessment is not None
    return ESTIMANDS[section.claim.id](assessed(folder, section.assessment))


def of_section(rows: list[dict[str, str]], found: Effects) -> list[str]:
    """All that disagrees in one section; its effects are matched by name."""
    assert [row["metric"] for row in rows] == [name.replace("_", " ") for name in found]
    said = [fault for row, one in zip(rows, found.values(), strict=True) for fault in wrong(row, one)]
    return said + list(by_dunnett(rows, list(found.values())))


def by_dunnett(rows: list[dict[str, str]], found: list[Result]) -> Iterator[str]:
    """Each row's p over the arms that share its control: the arm that stands in several differences."""
    for row, one in zip(rows, found, strict=True):
        cell, families = row.get("p, Dunnett", "–"), list(shared(one, found))
        options = [formulas.dunnett(control, arms)[at] for control, arms, at in families]
        if not any(same_p(cell, p, 2e-6) for p in options or [None]):
            yield f"{row['metric']}: p, Dunnett printed {cell}, recomputed {options}"


def shared(one: Result, found: list[Result]) -> Iterator[tuple[Values, list[Values], int]]:
    """The controls that it shares with others, all arms against each, and its place among them."""
    for side, control in enumerate(one.arms):
        family = [r for r in found if len(r.arms) == 2 and r.arms[side] == control]
        if len(family) > 1:
            yield control, [r.arms[1 - side] for r in family], family.index(one)


def statistical(section: Section) -> bool:
    return bool(section.effects) and section.claim.kind is not Kind.EXACT


def check(folder: Path) -> tuple[list[str], set[str]]:
    """What disagrees in the report of a folder, and the claims that were compared."""
    found = [s for s in sections(Assessments(Store(folder))) if statistical(s)]
    effects = {id(s): recomputed(folder, s) for s in found}
    faults = [f"{s.claim.id}: {f}" for s in found for f in of_section(printed(s), effects[id(s)])]
    family = {  # of complete experiments alone, since the others' p-values are not final
        s.claim.id: p
        for s in leading(found)
        if s.verdict.outcome.judged
        and s.complete
        and (p := next(iter(effects[id(s)].values())).p_student) is not None
    }
    for section in leading(found):
        cell = printed(section)[0].get("p, Holm", "–")
        if not same_p(cell, formulas.holm(family).get(section.claim.id)):
            faults.append(f"{section.claim.id}: p, Holm printed {cell}, recomputed {formulas.holm(family)}")
    return faults, {s.claim.id for s in found}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return judged_store.fill(tmp_path_factory.mktemp("judged")).root


@pytest.mark.parametrize("store", PUBLISHED, ids=lambda path: path.name)
def test_a_published_report_prints_what_scipy_finds(store: Path) -> None:
    faults, compared = check(store)
    assert faults == []
    assert bool(compared) == (store.name not in OF_OTHER_CODE)


@pytest.mark.parametrize("which", RESULTS, ids="-".join)
def test_published_results_are_what_scipy_finds_in_the_records_that_they_name(which: tuple[str, str]) -> None:
    result = published.results(WITH_RESULTS)[which]
    recomputed = ESTIMANDS[which[0]](published.arms(WITH_RESULTS, result))
    found = {name.replace("_", " "): one for name, one in recomputed.items()}
    said_of = [RENAMED.get(effect["metric"], effect["metric"]) for effect in result["effects"]]
    assert said_of == [name for name in found if name not in SINCE]
    for effect, one in zip(result["effects"], map(found.__getitem__, said_of), strict=True):
        said = {name: effect[name] for name in published.FIELDS if effect[name] is not None}
        slack = {"p_exact": DRAWN if one.drawn else 0.0}
        assert said == {
            name: pytest.approx(value, rel=1e-9, abs=slack.get(name, 0.0))
            for name, value in published.fields(one).items()
        }


def test_published_p_values_are_adjusted_over_all_claims_that_were_judged() -> None:
    found = published.results(WITH_RESULTS)
    assert list(found) == RESULTS
    leading = [one for one in found.values() if one["leading"]]
    raw = {one["claim"]: one["effects"][0]["p_student"] for one in leading if one["outcome"] != "reported"}
    adjusted = formulas.holm({name: p for name, p in raw.items() if p is not None})
    said = {one["claim"]: one["p_holm"] for one in leading if one["p_holm"] is not None}
    assert said == pytest.approx(adjusted, rel=1e-9, abs=0.0)


def test_every_claim_is_recomputed_from_made_up_records(folder: Path) -> None:
    faults, compared = check(folder)
    assert faults == []
    assert compared == set(ESTIMANDS)


def test_every_claim_with_an_interval_has_its_formula_here() -> None:
    """A new claim must be added to `ESTIMANDS`, so that every published figure has a second computation."""
    claims = {name for r in reproductions.every() for name in r.claims}
    assert set(ESTIMANDS) == {name for name in claims if claim(name).kind is not Kind.EXACT}


@pytest.mark.parametrize("column", ["estimate", "95 % interval", "90 % interval", "p, Student", "p, Dunnett"])
def test_a_wrong_digit_is_found(folder: Path, column: str) -> None:
    """The last digit of each kind of figure, changed by two."""
    section = next(s for s in sections(Assessments(Store(folder))) if s.claim.id == "lrn-cifar")
    rows, found = printed(section), recomputed(folder, section)
    assert of_section(rows, found) == []
    cell = rows[0][column]
    at = max(i for i, letter in enumerate(cell.partition(" (")[0]) if letter.isdigit())
    rows[0][column] = f"{cell[:at]}{(int(cell[at]) + 2) % 10}{cell[at + 1 :]}"
    (said,) = of_section(rows, found)
    assert column in said
