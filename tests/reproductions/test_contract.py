"""What every reproduction promises. A new file in `reproductions/` is held to this without a line here."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import reproductions
from harness.catalogue import CLAIMS
from harness.experiments import Protocol, Reproduction, Role, gather
from harness.trials import Status, canonical, key_of
from harness.validity import problems
from tests.conftest import STAND_IN, record_for

EVERY = reproductions.every()
PROTOCOLS = [(r, p) for r in EVERY for p in r.protocols]
names = lambda value: value.name if isinstance(value, (Reproduction, Protocol)) else None  # noqa: E731
each = pytest.mark.parametrize("reproduction", EVERY, ids=names)
each_protocol = pytest.mark.parametrize(("reproduction", "protocol"), PROTOCOLS, ids=names)


def source(reproduction: Reproduction) -> Path:
    return Path(reproductions.__path__[0]) / f"{reproduction.name.replace('-', '_')}.py"


@each
def test_it_is_found_under_its_own_name(reproduction: Reproduction) -> None:
    assert source(reproduction).is_file()
    assert reproductions.named(reproduction.name) is reproduction


@each
def test_its_claims_are_in_the_catalogue(reproduction: Reproduction) -> None:
    known = {claim.id for claim in CLAIMS}
    assert reproduction.claims
    assert set(reproduction.claims) <= known


def test_no_claim_has_two_reproductions() -> None:
    claimed = [claim for r in EVERY for claim in r.claims]
    assert len(claimed) == len(set(claimed))


@each
def test_it_has_a_smoke_protocol_and_names_no_protocol_twice(reproduction: Reproduction) -> None:
    protocols = [p.name for p in reproduction.protocols]
    assert "smoke" in protocols
    assert len(protocols) == len(set(protocols))


@each
def test_its_docstring_is_a_lab_book_entry(reproduction: Reproduction) -> None:
    text = ast.get_docstring(ast.parse(source(reproduction).read_text(encoding="utf-8"))) or ""
    assert "§" in text or "Fig" in text
    assert f"./repro.py run {reproduction.name}" in text
    assert "cost" in text.lower()
    assert "observed" in text.lower()


@each
def test_it_needs_no_torch(reproduction: Reproduction) -> None:
    module = f"reproductions.{source(reproduction).stem}"
    code = f"import sys, {module}; sys.exit('torch' in sys.modules)"
    assert (
        subprocess.run(
            [sys.executable, "-c", code], cwd=source(reproduction).parents[1], check=False
        ).returncode
        == 0
    )


@each_protocol
def test_its_plan_is_pure_and_starts_from_nothing(reproduction: Reproduction, protocol: Protocol) -> None:
    first, second = (gather(reproduction, protocol, protocol.seeds, lambda trial: None) for _ in range(2))
    assert first.plan == second.plan
    assert first.runs == ()
    if first.plan.to_come:
        assert first.plan.trials
    reproduction.estimate(first)


@each_protocol
def test_its_trials_have_keys_and_data_of_the_protocol(
    reproduction: Reproduction, protocol: Protocol
) -> None:
    plan = gather(reproduction, protocol, protocol.seeds, lambda trial: None).plan
    keys = [key_of(p.trial, STAND_IN) for p in plan.trials]
    assert len(set(keys)) == len({canonical(p.trial) for p in plan.trials})
    assert {p.trial.settings.dataset for p in plan.trials} <= {protocol.dataset}


@each_protocol
def test_a_finished_experiment_is_valid_and_estimated(reproduction: Reproduction, protocol: Protocol) -> None:
    """Every trial answered with the same made-up result: nothing is left to come, and nothing is invalid."""
    metrics = {
        "reached": 1.0, "epochs_low": 3.0, "epochs_high": 4.0, "seconds_low": 3.0, "seconds_high": 4.0,
        "cpu_seconds_low": 3.0, "cpu_seconds_high": 4.0, "final_running_error": 0.2,
    }  # fmt: skip
    evidence = gather(reproduction, protocol, protocol.seeds, lambda trial: record_for(trial, **metrics))
    assert evidence.plan.to_come == ""
    assert evidence.missing == []
    tuned = {r.seed for r in evidence.runs if r.planned.role is Role.TUNING}
    assert not tuned & {r.seed for r in evidence.final()}
    assert problems(evidence, reproduction.manipulated) == []
    finding = reproduction.estimate(evidence)
    assert set(finding.effects) <= set(reproduction.claims)


@each_protocol
def test_a_failed_experiment_is_estimated_without_a_crash(
    reproduction: Reproduction, protocol: Protocol
) -> None:
    evidence = gather(reproduction, protocol, 1, lambda trial: record_for(trial, status=Status.FAILED))
    reproduction.estimate(evidence)
