"""`list`, `status` and `report` as a person sees them: 80 columns, verdicts first, nothing said twice."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import pytest
from rich.console import Console

import reproductions
from harness.cli.commands import explain, report, status
from harness.cli.commands import list as listing
from harness.cli.terminal.progress import progress_on
from harness.contract.device import DeviceKind
from harness.contract.errors import UnknownName
from harness.contract.trial import Status
from harness.plans.experiment import Experiment
from harness.records.conditions import Conditions, DataIdentity, Form
from harness.records.store import Store
from harness.reporting.formats import Format
from harness.testing.records import answer
from harness.verdicts.assess import Assessments
from tests.fakes.evidence.experiments import console
from tests.fakes.evidence.full_store import fill, records

COUNT = 120


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with several experiments, fresh and stale records."""
    folder = tmp_path_factory.mktemp("store")
    fill(folder, COUNT)
    return folder


def narrow() -> Console:
    """A terminal of 80 columns."""
    return Console(file=io.StringIO(), width=80, emoji=False)


def said(screen: Console) -> list[str]:
    assert isinstance(screen.file, io.StringIO)
    return screen.file.getvalue().splitlines()


def test_status_gives_the_verdict_of_every_experiment_in_full(root: Path) -> None:
    screen = narrow()
    status.show(Store(root), False, False, screen, console())
    lines = said(screen)
    assert max(map(len, lines)) <= 80
    assert "…" not in "".join(lines)
    assert lines[0].split() == ["verdict", "trials", "experiment", "and", "protocol"]
    assert any(re.match(r"\w.*? +\d+/\d+\+? +bias-init cifar10-early", line) for line in lines)
    assert any(line.startswith("All on cpu, ") for line in lines)


def test_status_for_scripts_has_the_verdict_of_each_claim(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status.show(Store(root), False, True, console(), console())
    rows = json.loads(capsys.readouterr().out)
    (early,) = [row for row in rows if row["protocol"] == "cifar10-early"]
    assert list(early["verdicts"]) == ["bias-init"]


def test_why_is_summed_up_and_every_record_counted_once(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    screen = narrow()
    status.show(Store(root), True, False, screen, console())
    lines = said(screen)
    assert max(len(line) for line in lines if "./repro.py" not in line) <= 80  # a command is copied whole
    assert len(lines) < COUNT / 4
    heads = [int(line.split()[1]) for line in lines if line.startswith(("fresh: ", "stale: "))]
    reasons = [int(found[1]) for line in lines if (found := re.match(r" *(\d+) {2}", line))]
    assert sum(heads) == sum(reasons) == COUNT
    status.show(Store(root), True, True, console(), console())
    assert len(json.loads(capsys.readouterr().out)) == COUNT


def test_why_names_what_was_asked_for_of_experiments_that_share_a_trial(tmp_path: Path) -> None:
    store, data = Store(tmp_path), DataIdentity("cifar10", Form.FILES, "made up")
    here = Conditions(DeviceKind.CPU, "2.13.0", data)
    made = reproductions.named("dropout")
    asked = Experiment(made, made.protocol("cifar10-scarce"), 3, here)
    asked.ask(store)
    store.append(answer(asked.evidence(store).to_run[0].trial, here))
    screen = narrow()
    status.show(Store(tmp_path), True, False, screen, console())
    assert any(line.split() == ["1", "dropout", "at", "cifar10-scarce,", "tuning"] for line in said(screen))


def test_commands_to_type_name_the_folder(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    listing.show(Store(root), True, console(), progress_on(console()))
    rows = json.loads(capsys.readouterr().out)
    commands = [row["command"] for row in rows] + [run["command"] for row in rows for run in row["runs"]]
    assert all(command.endswith(f" --results-dir {root}") for command in commands)
    screen = narrow()
    explain.show("bias-init", None, Store(root), False, screen)
    assert f"append --results-dir {root}" in " ".join(" ".join(said(screen)).split())


def test_the_list_is_grouped_by_verdict_and_shows_no_number_of_a_smoke_run(root: Path) -> None:
    screen = narrow()
    listing.show(Store(root), False, screen, progress_on(console()))
    lines = said(screen)
    assert max(len(line) for line in lines if "./repro.py" not in line) <= 80  # a command is copied whole
    counts = [int(found[1]) for line in lines if (found := re.match(r"[a-z][a-z ]+ (\d+)  \w", line))]
    assert sum(counts) == 24
    smoke = next(i for i, line in enumerate(lines) if line.startswith("smoke "))
    assert "ran; the paper: " in lines[smoke + 1]


def test_formats_are_named_with_commas_and_a_wrong_one_is_refused() -> None:
    assert report.formats("json, csv,json") == (Format.JSON, Format.CSV)
    with pytest.raises(UnknownName, match=r"unknown format 'htm' \(nearest: html"):
        report.formats("html,htm")


def test_a_watched_report_is_written_again_when_a_record_comes_and_stays_when_it_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[tuple[int, int]] = []

    def write(out: Path, store: Store, progress: object, wanted: object, live: int = 0) -> tuple[Path, ...]:
        written.append((len(store.records), live))
        return (out / "report.html",)

    monkeypatch.setattr(report, "write", write)
    store, coming = Store(tmp_path), records(Store(tmp_path / "other"))
    looks = iter(range(4))

    def wait(seconds: float) -> None:
        look = next(looks, None)
        if look is None:
            raise KeyboardInterrupt
        if look == 1:
            store.append(next(coming))

    screen = narrow()
    report.watch(tmp_path / "report", tmp_path, lambda: progress_on(console()), (Format.HTML,), screen, wait)
    assert written == [(0, report.EVERY), (1, report.EVERY), (1, 0)]
    assert [re.findall(r": (\d+) records?;", line) for line in said(screen)] == [["0"], ["1"]]


def test_links_to_records_survive_any_name_of_a_folder(tmp_path: Path) -> None:
    store = fill(tmp_path / "my store (1) #2", COUNT)
    (page, *_) = report.write(tmp_path / "out", store, progress_on(console()), (Format.MD,))
    links = re.findall(r"\]\((\.\.[^)]*\.json)\)", page.read_text(encoding="utf-8"))
    assert links
    assert all((page.parent / unquote(link)).exists() for link in links)


def test_a_number_leads_to_the_record_that_it_is_from(tmp_path: Path) -> None:
    """Files are numbered as they were written, which after a merge is not the order in which runs started."""
    store = fill(tmp_path / "store", COUNT)
    for record in store.records[:]:
        early = replace(record, started="2001-01-01T00:00:00Z", status=Status.FAILED, error="made to fail")
        store.append(early)  # begun before the first attempt, but written after it
    (page, *_) = report.write(tmp_path / "out", Store(store.root), progress_on(console()), (Format.MD,))
    rows = [
        line
        for line in page.read_text(encoding="utf-8").splitlines()
        if re.search(r"1 of 2 +\| failed", line)
    ]
    assert rows
    for row in rows:
        (link,) = re.findall(r"\]\((\.\.[^)]*\.json)\)", row)
        assert link.endswith("-2.json")
        assert (
            json.loads((page.parent / unquote(link)).read_text(encoding="utf-8"))["error"] == "made to fail"
        )


def test_of_counts_the_list_shows_those_that_disagree(tmp_path: Path) -> None:
    screen = narrow()
    listing.show(Store(tmp_path), False, screen, progress_on(console()))
    said_so = " ".join(" ".join(said(screen)).split())
    assert "parameters 60,965,224" in said_so
    assert "largest share of a convolution 1.452 %" in said_so


def test_a_record_of_a_package_that_is_not_installed_says_which(tmp_path: Path) -> None:
    store = fill(tmp_path, 8)
    made = replace(store.records[0], trial={"settings": {"is": "Other"}, "seed": 0}, code="elsewhere")
    stray = replace(made, key="f" * 24, environment={"plugins": "another-paper 0.1.0"})
    store.append(stray)
    (row,) = [row for row in status._records(Assessments(store)) if row["key"] == stray.key]
    assert row["why"] == "made with another-paper 0.1.0, not installed here"
