"""Curves of complete trainings, and a step's timeline: what is read from records, and that it is drawn."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from typing import Any

import pytest

import reproductions
from harness.contract.trial import Status
from harness.plans.experiment import Run
from harness.reporting.figures import learning_curves, plateaus, selection, step_timeline, training_curves
from harness.reporting.figures.drawing import labels
from harness.reporting.figures.drawing.frame import Drawing
from tests.fakes.evidence import sections as made
from tests.fakes.evidence.runs import run

STEPS = (0.004, 0.009, 0.005)  # seconds, untraced
RATES = (0.02, 0.02, 0.02, 0.02, 0.002, 0.0002)


def trained(arm: str, seed: int, last: float, epochs: int = 3) -> Run:
    """A training of two parts per epoch whose error falls by 10 points per epoch to `last`."""
    rows = []
    for part in range(1, 2 * epochs + 1):
        epoch = part / 2
        error = last + 0.1 * (epochs - epoch)
        unseen = error + 0.05 if part % 2 == 0 else None
        rate = RATES[part - 1]
        rows.append({"epoch": epoch, "train_error": error, "validation_error": unseen, "rate": rate})
    one = run(arm, seed, 0.02, 1.0)
    return replace(one, record=replace(one.record, curve=tuple(rows)))


ARMS = [
    trained(arm, seed, last + 0.02 * seed)
    for arm, last in (("with", 0.3), ("without", 0.2))
    for seed in (0, 1)
]


def drawn(figure: str, runs: list[Run], protocol: str = "cifar10") -> list[Drawing]:
    proof = made.evidence(runs, protocol)
    return selection.FIGURES[figure]("one", proof, "", selection.caveat(proof))


def test_every_arm_has_a_line_a_seed_their_mean_and_the_validation_error() -> None:
    with_it, without = training_curves.arms(made.evidence(ARMS))
    assert (with_it.name, without.name) == ("with", "without")
    assert [curve.seed for curve in without.training] == [0, 1]
    assert with_it.training[0].epochs == (0.5, 1.0, 1.5, 2.0, 2.5, 3.0)
    assert with_it.unseen[0].epochs == (1.0, 2.0, 3.0)
    assert with_it.training[0].errors[-1] == pytest.approx(30.0)
    (drawing,) = drawn("training-curves", ARMS)
    assert "with: 31.0 % and 36.0 %; without: 21.0 % and 26.0 %" in drawing.caption


def test_the_rates_drops_are_marked() -> None:
    assert training_curves.rate_drops(ARMS[0].record.curve) == [(2.0, 0.002), (2.5, 0.0002)]
    (drawing,) = drawn("training-curves", ARMS, "smoke")
    words = ElementTree.fromstring(drawing.svg).itertext()
    assert {"rate 0.002", "rate 0.0002", "with (2 runs)", "without (2 runs)", "SMOKE"} <= {
        word.strip() for word in words
    }
    assert "Dotted lines mark drops of the learning rate" in drawing.caption


def test_a_figure_is_light_and_neither_its_words_nor_its_curves_lose_a_figure() -> None:
    runs = [trained("decay 0.00051", seed, 0.123456 + 0.02 * seed) for seed in (0, 1)]
    (drawing,) = drawn("training-curves", runs)
    assert "decay 0.00051" in "".join(ElementTree.fromstring(drawing.svg).itertext())
    assert 'data-arm="decay 0.00051"' in drawing.svg
    assert drawing.svg.count("font-family") == 1
    assert "DejaVu" not in drawing.svg
    assert not re.search(r' (?:d|x|y)="[^"]*\.\d{4}', drawing.svg)
    found = re.search(r'data-axes="([^"]+)"', drawing.svg)
    assert found
    _, _, bottom, top, _, _, low, high = map(float, found[1].split())
    seeds = re.findall(
        r'data-shows="error on training images" data-seed="0">\s*<path d="([^"]+)"', drawing.svg
    )
    heights = [float(y) for _, y in re.findall(r"([\d.]+) ([\d.]+)", seeds[0])]
    errors = [low + (bottom - y) / (bottom - top) * (high - low) for y in heights]
    assert errors == pytest.approx([100 * row["train_error"] for row in runs[0].record.curve], abs=1e-3)


def test_a_diverged_run_is_drawn_as_far_as_it_went_and_no_curve_is_no_figure() -> None:
    short = replace(
        ARMS[0], record=replace(ARMS[0].record, curve=ARMS[0].record.curve[:2], status=Status.DIVERGED)
    )
    (drawing,) = drawn("training-curves", [short, *ARMS[1:]])
    assert "with: 51.0 % and 56.0 %" in drawing.caption
    assert drawn("training-curves", [run("with", 0, 0.02, 1.0)]) == []
    assert drawn("training-curves", []) == []


def timed(arm: str, spans: list[dict[str, Any]], seed: int = 0) -> Run:
    one = run(arm, seed, 0.02, 1.0)
    return replace(one, record=replace(one.record, details={"timeline": spans}))


COLUMNS = [
    {"rank": 0, "layer": "conv1", "kind": "compute", "pass": "forward", "start": 0.0, "end": 0.004},
    {"rank": 0, "layer": "conv3", "kind": "exchange", "start": 0.004, "end": 0.005},
    {"rank": 1, "layer": "conv1", "kind": "compute", "start": 0.0, "end": 0.003},
    {"rank": 1, "layer": "conv3", "kind": "exchange", "start": 0.003, "end": 0.0055},
    {"rank": 1, "layer": "conv4", "kind": "compute", "start": 0.0055},
]


def test_a_step_is_drawn_device_by_device_with_its_exchange() -> None:
    lanes = step_timeline.lanes(
        made.evidence([timed("two", COLUMNS), timed("one", [{"start": 0, "end": 0.02}])])
    )
    assert [(lane.arm, lane.rank, len(lane.spans)) for lane in lanes] == [
        ("two", 0, 2),
        ("two", 1, 2),
        ("one", 0, 1),
    ]
    assert [lane.exchanged for lane in lanes] == pytest.approx([1.0, 2.5, 0.0])
    assert [lane.end for lane in lanes] == pytest.approx([5.0, 5.5, 20.0])


def test_the_timeline_says_which_bars_are_exchange() -> None:
    (drawing,) = drawn("step-timeline", [timed("two", COLUMNS)])
    assert "two, 1: 5 ms traced, of which 1 ms exchange; two, 2: 5.5 ms" in drawing.caption
    words = {word.strip() for word in ElementTree.fromstring(drawing.svg).itertext()}
    assert {"conv1", "computes", "exchanges or waits", "two, 1", "two, 2"} <= words
    assert drawn("step-timeline", [timed("two", []), run("one", 0, 0.02, 1.0)]) == []


@pytest.mark.parametrize(
    ("exchanges", "part"),
    [
        ([], (10.0, 30.0)),
        ([(0.0, 9.0), (31.0, 40.0)], (10.0, 30.0)),
        ([(12.0, 14.0)], (14.0, 30.0)),
        ([(5.0, 12.0), (20.0, 35.0)], (12.0, 20.0)),
        ([(12.0, 28.0), (13.0, 14.0)], (10.0, 12.0)),
        ([(0.0, 40.0)], None),
    ],
)
def test_a_layers_name_stands_where_nothing_is_exchanged(
    exchanges: list[tuple[float, float]], part: tuple[float, float] | None
) -> None:
    spans = [step_timeline.DrawnSpan("conv3", True, *ends) for ends in exchanges]
    begins, ends = step_timeline.free(step_timeline.DrawnSpan("fc6", False, 10.0, 30.0), spans)
    assert (begins, ends) == part if part else ends < begins


def test_the_run_nearest_the_median_is_drawn_with_its_untraced_step() -> None:
    """Untraced steps of 4, 9 and 5 ms: the third run is the median, though it took 20 when traced."""
    spans = [[{"start": 0, "end": end}] for end in (0.006, 0.012, 0.02)]
    runs = [
        replace(one, record=replace(one.record, metrics={"step_seconds": seconds}))
        for one, seconds in zip((timed("one", rows, i) for i, rows in enumerate(spans)), STEPS, strict=True)
    ]
    (lane,) = step_timeline.lanes(made.evidence(runs))
    assert (lane.end, lane.untraced) == pytest.approx((20.0, 5.0))
    (drawing,) = drawn("step-timeline", runs)
    assert "20 ms traced, of which 0 ms exchange; 5 ms untraced" in drawing.caption
    assert "untraced step" in "".join(ElementTree.fromstring(drawing.svg).itertext())


def test_the_learning_curve_is_of_what_is_judged_and_the_running_error_apart() -> None:
    """Both mean lines once ended above the target, although every run had reached it."""
    rows = (
        {"epoch": 1.0, "running_error": 0.5, "sample_error": None},
        {"epoch": 2.0, "running_error": 0.32, "sample_error": 0.28},
        {"epoch": 3.0, "running_error": 0.29, "sample_error": 0.24},
    )
    one = run("relu", 0, 0.02, 3.0)
    reached = replace(one, record=replace(one.record, curve=rows))
    panel = learning_curves.panel(made.evidence([reached]))
    arm = panel.arms["relu"]
    assert arm.judged[0].errors == pytest.approx((28.0, 24.0))
    assert arm.running[0].errors == pytest.approx((50.0, 32.0, 29.0))
    (drawing,) = drawn("learning-curves", [reached])
    said = "".join(ElementTree.fromstring(drawing.svg).itertext())
    assert "error on a fixed sample: judged" in said
    assert "running error of the batches: not judged" in said


def test_validation_loss_is_drawn_with_a_ring_at_its_plateau() -> None:
    """Smoothed over three epochs, it falls by more than 1 % up to the fifth, but not after that."""
    losses = [4.0, 3.0, 2.0, 1.0, 1.0, *[1.0] * 7]
    rows = tuple({"epoch": float(e), "validation_loss": loss} for e, loss in enumerate(losses, 1))
    one = run("with dropout", 0, 0.02, 3.0)
    found = replace(one, record=replace(one.record, curve=rows))
    curve = plateaus.LossCurve.of(found)
    assert curve
    assert curve.losses[:4] == pytest.approx((4.0, 3.5, 3.0, 2.0))
    assert curve.plateau == 6.0
    (drawing,) = drawn("plateaus", [found])
    assert "with dropout: 1 of 1 runs reached a plateau" in drawing.caption
    assert "median 6 epochs" in "".join(ElementTree.fromstring(drawing.svg).itertext())
    assert drawn("plateaus", [one]) == []


def test_every_figure_that_a_reproduction_names_can_be_drawn() -> None:
    assert {r.figure for r in reproductions.every()} - {None} <= set(selection.FIGURES)


@pytest.mark.parametrize(
    ("wanted", "sizes", "placed"),
    [
        ([5, 1], [1, 1], [5, 1]),
        ([5, 5], [2, 2], [5, 7]),
        ([9.9, 9.9], [2, 2], [7, 9]),
        ([0, 0, 0], [4, 4, 4], [2, 6, 10]),
    ],
)
def test_names_at_the_ends_of_lines_never_overlap(
    wanted: list[float], sizes: list[float], placed: list[float]
) -> None:
    """On an axis from 0 to 10: left alone, moved up, moved down, and over its end where they do not fit."""
    assert labels.apart(wanted, sizes, 0, 10) == placed
