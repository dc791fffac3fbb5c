"""Training to a target: bit-identical however often it is interrupted, and exact about what it saw."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from harness.contract.session import Interrupted, Session, TrialProgress, TrialResult
from harness.contract.streams import generator
from harness.contract.trial import Precision, Status, Trial
from harness.data.images import Batches, load
from harness.models.cifar10 import nineteen, thirteen
from harness.models.description import Network
from harness.models.network import Net
from harness.training import to_target
from harness.training.loop import Loop
from harness.training.settings import ToTarget
from harness.training.update import for_network
from tests.fakes.evidence import trials


def small(**changes: object) -> ToTarget:
    """Four batches per epoch, as with more images."""
    return trials.small(**{"images": 256, "batch_size": 64, "sample": 128, **changes})  # type: ignore[arg-type]


def train(trial: Trial, folder: Path, root: Path | None = None, stop_after: int | None = None) -> TrialResult:
    """Runs a trial; with `stop_after`, asks it to stop after this many reports and resumes until it ends."""
    while True:
        reports: list[TrialProgress] = []

        def stopping(seen: list[TrialProgress] = reports) -> bool:
            return stop_after is not None and len(seen) >= stop_after

        try:
            session = Session("cpu", root, folder / "trial.pt", report=reports.append, stopping=stopping)
            return to_target.run(trial, session)
        except Interrupted:
            continue


def exact(outcome: TrialResult) -> list[dict[str, float | None]]:
    """The curve without its clocks."""
    return [{k: v for k, v in row.items() if "seconds" not in k} for row in outcome.curve]


@pytest.mark.parametrize("precision", Precision)
@pytest.mark.parametrize("network", [nineteen(), thirteen()], ids=lambda n: n.name)
def test_interrupted_at_every_part_is_bit_identical(
    tmp_path: Path, network: Network, precision: Precision
) -> None:
    crop = 24 if network.name == "13pct" else None
    trial = Trial(small(network=network, crop=crop), 5, precision)
    whole = train(trial, tmp_path / "whole")
    broken = train(trial, tmp_path / "broken", stop_after=1)
    assert exact(whole) == exact(broken)
    assert len(whole.curve) == 8


@pytest.mark.parametrize("precision", Precision)
def test_it_is_the_loop_at_its_settings_and_looks_at_the_same_sample_for_every_seed(
    tmp_path: Path, precision: Precision
) -> None:
    own = small(bias_rate_factor=3.0, momentum=0.6, max_epochs=1, looks_per_epoch=1, watch_from=1.0)
    (row,) = train(Trial(own, 4, precision), tmp_path).curve
    images = load("cifar10", None).first(256)
    net = Net(own.network).initialise(4).on(torch.device("cpu"))
    update = for_network(net, 0.004, 3.0, 0.6)
    loop = Loop(net, update, Batches(images, images.mean()), precision, 64)
    order, sample = (
        torch.randperm(256, generator=generator(*name)) for name in ((4, "order", 0), (0, "sample"))
    )
    assert (row["loss"], row["running_error"]) == loop.train(order)
    assert row["sample_error"] == loop.error(sample[:128])


def test_a_longer_budget_goes_on_from_a_shorter_one(tmp_path: Path) -> None:
    train(Trial(small(max_epochs=1), 2), tmp_path / "rungs")
    continued = train(Trial(small(max_epochs=3), 2), tmp_path / "rungs")
    assert exact(continued) == exact(train(Trial(small(max_epochs=3), 2), tmp_path / "whole"))
    assert continued.cost["images"] == 3 * 256


def test_a_shorter_budget_does_not_take_up_a_longer_ones_state(tmp_path: Path) -> None:
    train(Trial(small(max_epochs=3), 2), tmp_path)
    assert len(train(Trial(small(max_epochs=1), 2), tmp_path).curve) == 4


def test_a_damaged_checkpoint_costs_time_and_nothing_else(tmp_path: Path) -> None:
    trial = Trial(small(), 1)
    (tmp_path / "trial.pt").write_bytes(b"half a checkpoint")
    assert exact(train(trial, tmp_path)) == exact(train(trial, tmp_path / "whole"))


def test_seeds_differ(tmp_path: Path) -> None:
    first, second = (train(Trial(small(max_epochs=1), seed), tmp_path / str(seed)) for seed in (0, 1))
    assert exact(first) != exact(second)


def test_an_epoch_with_fewer_batches_than_looks_has_a_look_after_each_batch(tmp_path: Path) -> None:
    """256 images are four batches of 64; seven looks can be no more than one per batch."""
    often = train(Trial(small(looks_per_epoch=7), 2), tmp_path / "often")
    assert [row["epoch"] for row in often.curve] == [0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0]
    assert often.metrics["epochs_low"] == 2.0
    assert often.cost["images"] == 2 * 256
    assert exact(often) == exact(train(Trial(small(looks_per_epoch=4), 2), tmp_path / "four"))
    assert exact(often) == exact(train(Trial(small(looks_per_epoch=7), 2), tmp_path / "broken", stop_after=3))


def test_the_crossing_is_bracketed_by_looks(tmp_path: Path) -> None:
    trial = Trial(small(max_epochs=40, target=0.5, rate=0.006), 0)
    outcome = train(trial, tmp_path)
    assert outcome.metrics["reached"] == 1.0
    last, before = outcome.curve[-1], outcome.curve[-2]
    assert (before["epoch"], last["epoch"]) == (outcome.metrics["epochs_low"], outcome.metrics["epochs_high"])
    assert last["sample_error"] is not None
    assert last["sample_error"] <= 0.5
    earlier = [row["sample_error"] for row in outcome.curve[:-1]]
    assert all(error is None or error > 0.5 for error in earlier)
    watched = [row["sample_error"] is not None for row in outcome.curve]
    assert watched == [(row["running_error"] or 0) <= 0.9 for row in outcome.curve]
    assert not (tmp_path / "trial.pt").exists()


def test_a_run_that_never_gets_there_is_censored(tmp_path: Path) -> None:
    metrics = train(Trial(small(max_epochs=1, target=0.0), 0), tmp_path).metrics
    assert (metrics["reached"], metrics["epochs_low"], metrics["epochs_high"]) == (0.0, 1.0, None)


def test_a_divergence_is_a_result(tmp_path: Path) -> None:
    outcome = train(Trial(small(rate=1e6, max_epochs=5), 0), tmp_path)
    assert outcome.status is Status.DIVERGED
    assert outcome.curve[-1]["loss"] is None
    assert outcome.metrics["epochs_high"] is None


def test_streams_are_independent_and_named() -> None:
    def draw(*name: object) -> list[int]:
        return torch.randint(2**31, (4,), generator=generator(*name)).tolist()  # type: ignore[arg-type]

    assert draw(0, "order", 1) == draw(0, "order", 1)
    assert (
        len(
            {
                tuple(draw(*n))
                for n in [(0, "order", 1), (0, "order", 2), (0, "initialisation", 1), (1, "order", 1)]
            }
        )
        == 4
    )
    assert math.isfinite(sum(draw(0)))
