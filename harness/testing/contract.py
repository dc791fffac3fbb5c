"""What every reproduction promises.

Another package tests its own reproductions with a one-line file:

    from harness.testing.contract import *

plugin.py determines which reproductions these tests are about: this project's own, or those of a package.
`arms.py` is the part about what arms may differ in.
"""

from __future__ import annotations

import ast
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

import reproductions
from harness.contract.trial import Status
from harness.paper import papers
from harness.plans.experiment import Protocol, Reproduction, Role, gather
from harness.records.code_version import CHECKOUT, counts
from harness.records.keys import canonical, entered, key_of
from harness.testing.arms import *  # noqa: F403  # one line has all of the contract
from harness.testing.records import REAL, finished
from harness.verdicts.gates import Case
from harness.verdicts.rules import judge
from harness.verdicts.validity import problems
from harness.verdicts.verdict import Outcome


def source(reproduction: Reproduction) -> Path:
    """The file that defines the reproduction."""
    found = importlib.util.find_spec(reproductions.holding(reproduction).module)
    assert found is not None
    assert found.origin is not None
    return Path(found.origin)


def docstring(reproduction: Reproduction) -> str:
    """The docstring of its file."""
    return ast.get_docstring(ast.parse(source(reproduction).read_text(encoding="utf-8"))) or ""


def test_it_is_found_under_its_own_name(reproduction: Reproduction) -> None:
    assert source(reproduction).is_file()
    assert reproductions.named(reproduction.name) is reproduction


def test_its_claims_are_in_the_catalogue_or_it_asks_a_question(reproduction: Reproduction) -> None:
    known = {claim.id for claim in papers.claims()}
    assert bool(reproduction.claims) != bool(reproduction.question)
    assert set(reproduction.claims) <= known


def test_no_other_answers_its_claims(reproduction: Reproduction) -> None:
    others = {name for r in reproductions.every() if r is not reproduction for name in r.claims}
    assert len(reproduction.claims) == len(set(reproduction.claims) - others)


def test_it_has_a_smoke_protocol_and_names_no_protocol_twice(reproduction: Reproduction) -> None:
    protocols = [p.name for p in reproduction.protocols]
    assert "smoke" in protocols
    assert len(protocols) == len(set(protocols))


def test_its_docstring_is_a_lab_book_entry(reproduction: Reproduction) -> None:
    """The section of the paper, the command, its cost, and what was observed."""
    text = docstring(reproduction)
    for name in reproduction.claims:
        places = papers.claim(name).section.split(", ")
        assert any(f"§{place}" in text or (place in text and not place[0].isdigit()) for place in places)
    assert re.search(rf"\brepro(\.py)? run {re.escape(reproduction.name)}\b", text)
    assert re.search(r"\bcosts?\b", text, re.IGNORECASE)
    assert re.search(r"^Observed\b[^:]*: *\S", text, re.MULTILINE)


def test_nothing_in_its_docstring_is_left_to_be_filled_in(reproduction: Reproduction) -> None:
    assert re.findall(r"\b(COST|OBSERVED|TODO)\b", docstring(reproduction)) == []


def test_it_needs_no_torch(reproduction: Reproduction) -> None:
    """So that `list`, `status` and `report` start at once."""
    module = reproductions.holding(reproduction).module
    code = f"import sys; sys.path[:] = {sys.path}; import {module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_its_plan_is_pure_and_starts_from_nothing(reproduction: Reproduction, protocol: Protocol) -> None:
    first, second = (gather(reproduction, protocol, protocol.seeds, lambda trial: None) for _ in range(2))
    assert first.plan == second.plan
    assert first.runs == ()
    if first.plan.to_come:
        assert first.plan.trials
    reproduction.estimate(first)


def test_its_trials_have_keys_and_data_of_the_protocol(
    reproduction: Reproduction, protocol: Protocol
) -> None:
    plan = finished(reproduction, protocol).plan
    keys = [key_of(p.trial, REAL) for p in plan.trials]
    assert len(set(keys)) == len({canonical(p.trial) for p in plan.trials})
    assert {p.trial.settings.dataset for p in plan.trials} <= {protocol.dataset}


def test_the_code_that_its_trials_begin_with_enters_their_keys(
    reproduction: Reproduction, protocol: Protocol
) -> None:
    """Settings and programs are in this project or in a package with entry points: others are not hashed."""
    for planned in finished(reproduction, protocol).plan.trials:
        modules = {entry.partition(":")[0] for entry in entered(planned.trial.settings)}
        assert {module for module in modules if not counts(module, CHECKOUT.others)} == set()


def test_a_finished_experiment_is_valid_and_estimated(reproduction: Reproduction, protocol: Protocol) -> None:
    """With made-up numbers for every trial, nothing is left to come, and nothing is invalid."""
    evidence = finished(reproduction, protocol)
    assert evidence.plan.to_come == ""
    assert evidence.missing == []
    tuned = {r.seed for r in evidence.runs if r.planned.role is Role.TUNING}
    assert not tuned & {r.seed for r in evidence.final()}
    assert problems(evidence, reproduction.manipulated) == []
    finding = reproduction.estimate(evidence)
    assert set(finding.effects) <= set(reproduction.claims)
    for name, effects in finding.effects.items():
        wanted, found = papers.claim(name).metrics, {(e.metric, e.unit) for e in effects}
        assert (effects[0].metric, effects[0].unit) == (wanted[0].name, wanted[0].unit)
        assert {(m.name, m.unit) for m in wanted} <= found
    for table in finding.tables:
        assert {len(row) for row in table.rows} <= {len(table.columns)}


def test_every_claim_is_estimated_at_some_protocol(reproduction: Reproduction) -> None:
    found = (reproduction.estimate(finished(reproduction, p)).effects for p in reproduction.protocols)
    assert {name for effects in found for name in effects} == set(reproduction.claims)


@pytest.mark.parametrize("status", [Status.FAILED, Status.DIVERGED])
def test_an_experiment_gone_wrong_is_estimated_without_a_crash(
    reproduction: Reproduction, protocol: Protocol, status: Status
) -> None:
    reproduction.estimate(finished(reproduction, protocol, 1, status))


def test_smoke_is_never_a_verdict(reproduction: Reproduction) -> None:
    """Whatever the numbers, on any data, and with any number of seeds."""
    evidence = finished(reproduction, reproduction.protocol("smoke"), seeds=5)
    effects = reproduction.estimate(evidence).effects
    for name in reproduction.claims:
        effect = effects[name][0] if name in effects else None
        assert judge(Case(papers.claim(name), evidence, effect)).outcome is Outcome.SMOKE
