"""A comparison as JUnit XML, which pipelines show beside tests: one case per verdict of the first side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from pathlib import Path
from xml.etree import ElementTree

from harness.contract.errors import StoreError
from harness.records.files import write_whole
from harness.verdicts.comparing.comparison import Comparison, where
from harness.verdicts.comparing.effect_rows import EffectRow
from harness.verdicts.verdict import Fails

Verdicts = dict[Hashable, tuple[EffectRow, EffectRow | None]]  # on both sides, by where each is a verdict


def write(compared: Comparison, rule: Fails, path: Path) -> None:
    """Writes the file; StoreError if it cannot be written."""
    failing, verdicts = {where(row) for row in compared.failing(rule)}, _verdicts(compared)
    count = len(failing & verdicts.keys())
    suite = ElementTree.Element("testsuite", name="compare", tests=str(len(verdicts)), failures=str(count))
    several = Counter(before.experiment for before, _ in verdicts.values())
    for place, (before, after) in verdicts.items():
        on = f" ({before.device}, {before.precision})" if several[before.experiment] > 1 else ""
        case = ElementTree.SubElement(suite, "testcase", classname=before.protocol, name=before.claim + on)
        said = f"{before.verdict} → {after.verdict if after else 'no verdict'}"
        if place in failing:
            ElementTree.SubElement(case, "failure", message=said)
        elif after is None:
            ElementTree.SubElement(case, "skipped", message=said)
    try:
        _put(path, ElementTree.tostring(suite, encoding="unicode") + "\n")
    except OSError as error:
        raise StoreError(f"--junit {path} cannot be written: {error.strerror}; name another file") from error


def _put(path: Path, text: str) -> None:
    """Replaces a file whole, or the one that a link names; a device or pipe is written to, not replaced."""
    if path.exists() and not path.is_file():
        path.write_text(text, encoding="utf-8")
    else:
        write_whole(path.resolve(), text)


def _verdicts(compared: Comparison) -> Verdicts:
    found: Verdicts = {}
    for one in compared.differences:
        if one.first.primary:
            found.setdefault(where(one.first), (one.first, one.second))
    for lone in compared.unmatched:
        if lone.first and lone.row.primary:
            found.setdefault(where(lone.row), (lone.row, None))
    return found
