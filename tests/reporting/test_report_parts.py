"""The report's parts: how curves are averaged, attempts matched, numbers formatted and Markdown escaped."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.contract.trial import Status
from harness.paper.catalogue import claim
from harness.reporting import markdown, wording
from harness.reporting.claims import arms
from harness.reporting.claims.attempts import attempts
from harness.reporting.figures import learning_curves
from harness.reporting.pages import TEMPLATES, render
from harness.reporting.report import Report
from tests.fakes.evidence import sections as made


def luminance(colour: str) -> float:
    """The relative luminance of `#rrggbb`, by WCAG 2."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(share * p for share, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_a_permalink_can_be_seen_in_either_scheme() -> None:
    style, own = ((TEMPLATES / name).read_text(encoding="utf-8") for name in ("style.css", "claim.css"))
    pairs = {n: c for n, *c in re.findall(r"--(\w+): light-dark\((#\w+), (#\w+)\)", style)}
    (ink,) = re.findall(r"\.permalink \{ color: var\(--(\w+)\)", own)
    for colour, paper in zip(pairs[ink], pairs["paper"], strict=True):
        dark, light = sorted(map(luminance, (colour, paper)))
        assert (light + 0.05) / (dark + 0.05) >= 3


def test_the_mean_goes_as_far_as_every_seed_goes() -> None:
    short = learning_curves.Curve(0, (1.0, 2.0), (60.0, 40.0), 2.0, Status.OK)
    long = learning_curves.Curve(1, (1.0, 2.0, 3.0), (80.0, 60.0, 20.0), None, Status.OK)
    assert learning_curves.mean_curve([short, long]) == ([1.0, 2.0], [70.0, 50.0])
    assert learning_curves.mean_curve([]) == ([], [])


@pytest.mark.parametrize(
    ("crossed", "median"),
    [((5.0, 6.0, 7.0), 6.0), ((5.0, 6.0, None), 6.0), ((5.0, None, None), None), ((), None)],
)
def test_the_median_counts_runs_that_never_got_there(
    crossed: tuple[float | None, ...], median: float | None
) -> None:
    runs = [learning_curves.Curve(i, (), (), c, Status.OK) for i, c in enumerate(crossed)]
    assert learning_curves.median_epochs(runs) == median


def test_every_attempt_stands_beside_its_trial() -> None:
    section = made.complete()
    found = attempts(section.evidence, section.records)
    assert [a.ordinal for a in found if a.arm == "relu"][:2] == ["1 of 2", "2 of 2"]
    assert len(found) == len(section.records)


def test_where_the_arms_differ_is_read_from_the_records() -> None:
    section = made.complete()
    assert section.evidence
    table = arms.arms_table(section.evidence)
    assert table
    assert table.rows == (("network: nonlinearity", "relu", "tanh"),)


def test_a_layer_that_is_missing_moves_no_other() -> None:
    layers = [
        {"is": "Conv", "name": "conv1"},
        {"is": "Pool"},
        {"is": "Pool"},
        {"is": "Conv", "name": "conv2"},
    ]
    names = ["conv1", "conv1/Pool", "conv1/Pool#2", "conv2"]
    assert [path for path, _ in arms.flattened({"layers": layers}) if path.endswith(".is")] == [
        f"layers.{name}.is" for name in names
    ]
    assert [path for path, _ in arms.flattened({"rates": [0.1, 0.2]})] == ["rates.0", "rates.1"]


@pytest.mark.parametrize(
    ("cells", "figures"),
    [
        (["1", "–", "2.5×"], True),
        (["< 0.0001"], True),
        (["[4, 9]", "[−0.5, ∞]"], True),
        (["not reached in 60", "3–4"], True),
        (["ok", "1"], False),
        (["2030-01-01T00:00:00Z"], False),
        (["yes"], False),
    ],
)
def test_columns_of_figures_are_distinguished_from_words(cells: list[str], figures: bool) -> None:
    assert wording.numeric(cells) is figures


def test_markdown_escapes_only_what_would_become_markup() -> None:
    assert markdown.escape("epochs_low [4, 9] 5 %") == "epochs_low [4, 9] 5 %"
    assert markdown.escape("_x_ *y* a|b") == "\\_x\\_ \\*y\\* a\\|b"


def test_a_band_with_one_end_is_a_bound_in_both_forms_of_the_report(tmp_path: Path) -> None:
    section = made.changed(made.renamed(made.complete(), claim("colour-augmentation")))
    for page in render(Report([section]), tmp_path):
        text = page.read_text(encoding="utf-8")
        assert "≥ 1 point" in text
        assert "∞" not in text
