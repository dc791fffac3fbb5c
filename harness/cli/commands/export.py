"""`repro export`."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from harness.cli.options import ExportFormat
from harness.cli.terminal.progress import Progress
from harness.cli.terminal.tables import WARNING, bounded, say
from harness.contract.errors import BadValue, StoreError
from harness.contract.progress import Tracker
from harness.records.files import whole
from harness.records.store import Store
from harness.reporting import sides
from harness.verdicts.comparing import effect_rows

if TYPE_CHECKING:
    import pandas as pd


def write(
    store: Store, to: ExportFormat, folder: Path, progress: Progress, console: Console
) -> Iterator[Path]:
    """Writes records, curves and effects into the folder; yields each file once it is complete."""
    if to is ExportFormat.PARQUET and importlib.util.find_spec("pyarrow") is None:
        raise BadValue(
            "--to parquet needs pyarrow: pip install '.[export]' in the checkout, or name csv or json"
        )
    for sentence in store.left_out():
        say(console, sentence, WARNING)
    if not store.records:
        raise StoreError(f"there are no records in {store.root}; name another folder with --results-dir")
    with progress as tracker:
        found = frames(store, tracker)
    for name, frame in found.items():
        path = folder / f"{name}.{to}"
        try:
            with whole(path) as beside:
                WRITERS[to](frame, beside)
        except OSError as error:
            raise StoreError(f"{path} cannot be written: {error.strerror}; name another folder") from error
        yield path


def frames(store: Store, tracker: Tracker) -> dict[str, pd.DataFrame]:
    """The tables by name; their indexes carry no meaning."""
    from harness.records.frames import curves, frame  # import pandas

    return {
        "records": frame(store.records).reset_index(),
        "curves": curves(store.records),
        "effects": effect_rows.frame(sides.of_store(store, tracker).rows),
    }


def _csv(frame: pd.DataFrame, path: Path) -> None:
    frame.to_csv(path, index=False)


def _parquet(frame: pd.DataFrame, path: Path) -> None:
    frame.to_parquet(path, index=False)


def _json(frame: pd.DataFrame, path: Path) -> None:
    """A list of rows with every digit; unknown and infinite values are null."""
    rows = bounded(frame.to_dict("records"))
    path.write_text(json.dumps(rows, indent=1, allow_nan=False), encoding="utf-8")


WRITERS: Mapping[ExportFormat, Callable[[pd.DataFrame, Path], None]] = {
    ExportFormat.CSV: _csv,
    ExportFormat.PARQUET: _parquet,
    ExportFormat.JSON: _json,
}
