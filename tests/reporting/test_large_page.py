"""The page of a store after years of use: small enough to be opened and sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cli.commands import report
from harness.cli.terminal.progress import progress_on
from harness.records.store import Store
from harness.reporting.formats import Format
from tests.fakes.evidence.experiments import console
from tests.fakes.evidence.full_store import fill

RECORDS, LIGHT = 10_000, 3_000_000  # bytes


@pytest.mark.slow
def test_the_page_of_ten_thousand_records_is_light(tmp_path: Path) -> None:
    fill(tmp_path, RECORDS)
    store = Store(tmp_path)
    (page,) = report.write(tmp_path / "report", store, progress_on(console()), (Format.HTML,))
    assert (len(store.records), store.damaged) == (RECORDS, ())
    assert LIGHT / 3 < page.stat().st_size < LIGHT
