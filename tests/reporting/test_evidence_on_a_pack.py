"""Runs on a pack, on files and on a stand-in are found by everything that needs them, and told apart."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

import reproductions
from harness.cli.commands import explain
from harness.data import sources
from harness.plans.experiment import gather
from harness.records.conditions import Conditions, DataIdentity, Form
from harness.records.store import Store
from harness.reporting.claims.sections import sections
from harness.testing.records import REAL, answer
from harness.verdicts.assess import Assessments
from harness.verdicts.verdict import Outcome
from tests.fakes.photographs import contents, folders, pack

NAME, PROTOCOL = "error-rate", "imagenette-short"


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[Form, DataIdentity]:
    """The identities of the same photographs, as a pack and as files, and of their stand-in."""
    root = tmp_path_factory.mktemp("data")
    source = folders(root / "files" / "imagenette", contents({"train": 2, "val": 1}))
    pack(source, root / "packed" / "imagenette.pack")
    places = [sources.find("imagenette", root / name, {}) for name in ("packed", "files")]
    identities = [place.identity for place in places if place is not None]
    return {one.form: one for one in (*identities, sources.stand_in("imagenette").identity)}


def filled(root: Path, data: DataIdentity) -> tuple[Store, Conditions]:
    """A store with the records of three seeds of the experiment on this data."""
    store, conditions = Store(root), replace(REAL, data=data)
    reproduction = reproductions.named(NAME)
    protocol = reproduction.protocol(PROTOCOL).at(conditions.precision)
    for run in gather(reproduction, protocol, 3, lambda trial: answer(trial, conditions)).runs:
        store.append(run.record)
    store.ask(NAME, PROTOCOL, conditions, 3)
    return store, conditions


@pytest.mark.parametrize("form", Form)
def test_evidence_is_found_whatever_the_form(
    form: Form, found: dict[Form, DataIdentity], tmp_path: Path
) -> None:
    store, _ = filled(tmp_path, found[form])
    section = next(s for s in sections(Assessments(store)) if s.claim.id == NAME)
    assert section.evidence is not None
    assert section.evidence.complete
    assert len(section.evidence.final()) == 9  # three per seed for the baseline
    assert (section.verdict.outcome is Outcome.SMOKE) is (form is Form.STAND_IN)


@pytest.mark.parametrize("form", Form)
def test_explain_says_which_data(form: Form, found: dict[Form, DataIdentity], tmp_path: Path) -> None:
    store, _ = filled(tmp_path, found[form])
    out = Console(width=300, file=io.StringIO())
    explain.show(NAME, PROTOCOL, store, False, out)
    assert isinstance(out.file, io.StringIO)
    assert f"data imagenette ({form}, " in out.file.getvalue()


def test_forms_are_different_data(found: dict[Form, DataIdentity]) -> None:
    assert len(set(found.values())) == 3
    assert all(one.of("imagenette") and not one.of("imagenet") for one in found.values())
