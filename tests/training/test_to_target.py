"""Training to a target: bit-identical however often it is interrupted, exact about what it saw."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch.nn import functional

from harness.contract.session import Interrupted, Outcome, Progress, Session
from harness.contract.streams import generator
from harness.contract.trial import Precision, Status, Trial
from harness.data.images import Batches, load
from harness.models.cifar10 import nineteen, thirteen
from harness.models.description import Network
from harness.models.network import Net
from harness.training import to_target
from harness.training.loop import Loop
from harness.training.update import for_network
from tests.conftest import small


def train(trial: Trial, folder: Path, root: Path | None = None, stop_after: int | None = None) -> Outcome:
    """Runs a trial; with `stop_after`, asks it to stop after so many reports and goes on until it ends."""
    while True:
        reports: list[Progress] = []

        def stopping(seen: list[Progress] = reports) -> bool:
            return stop_after is not None and len(seen) >= stop_after

        try:
            session = Session("cpu", root, folder / "trial.pt", report=reports.append, stopping=stopping)
            return to_target.run(trial, session)
        except Interrupted:
            continue


def exact(outcome: Outcome) -> list[dict[str, float | None]]:
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


def test_a_longer_budget_goes_on_from_a_shorter_one(tmp_path: Path) -> None:
    train(Trial(small(max_epochs=1), 2), tmp_path / "rungs")
    continued = train(Trial(small(max_epochs=3), 2), tmp_path / "rungs")
    assert exact(continued) == exact(train(Trial(small(max_epochs=3), 2), tmp_path / "whole"))
    assert continued.cost["images"] == 3 * 512


def test_a_shorter_budget_does_not_take_up_a_longer_ones_state(tmp_path: Path) -> None:
    train(Trial(small(max_epochs=3), 2), tmp_path)
    assert len(train(Trial(small(max_epochs=1), 2), tmp_path).curve) == 4


def test_a_damaged_checkpoint_costs_time_and_nothing_else(tmp_path: Path) -> None:
    trial = Trial(small(), 1)
    (tmp_path / "trial.pt").write_bytes(b"half a checkpoint")
    assert exact(train(trial, tmp_path)) == exact(train(trial, tmp_path / "whole"))


def test_seeds_differ_and_arms_see_the_same_order(tmp_path: Path) -> None:
    first, second = (train(Trial(small(max_epochs=1), seed), tmp_path / str(seed)) for seed in (0, 1))
    assert exact(first) != exact(second)
    settings = small()
    shares = [to_target._share(settings, 0, part) for part in range(8)]
    assert sorted(torch.cat(shares[:4]).tolist()) == list(range(512))
    assert not torch.equal(torch.cat(shares[:4]), torch.cat(shares[4:]))
    assert torch.equal(shares[0], to_target._share(replace(settings, rate=0.1), 0, 0))


def test_the_crossing_is_bracketed_by_looks(tmp_path: Path) -> None:
    trial = Trial(small(max_epochs=40, target=0.5, rate=0.002), 0)
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


def test_training_equals_a_textbook_loop(cifar_root: Path) -> None:
    """Three steps on real images against plain autograd and the update written out, in float64."""
    images = load("cifar10", cifar_root).first(384)
    batches = Batches(images, images.mean())
    net = Net(nineteen()).initialise(0)
    reference = Net(nineteen()).initialise(0).double()
    order = torch.arange(384)
    loop = Loop(net, for_network(net, 0.001, 0.002, 0.9), batches, Precision.FP32, 128)
    loss, error = loop.train(order)
    velocity = {name: torch.zeros_like(p) for name, p in reference.named_parameters()}
    decay = dict.fromkeys(velocity, 0.0)
    names = {id(p): name for name, p in reference.named_parameters()}
    decay |= {names[id(weight)]: layer.decay for layer, weight, _ in reference.weighted()}
    losses, wrong = [], 0
    pixels = images.pixels.double() - images.mean().double()
    for start in range(0, 384, 128):
        logits = reference(pixels[start : start + 128].permute(0, 3, 1, 2))
        labels = images.labels[start : start + 128]
        mean_loss = functional.cross_entropy(logits, labels)
        reference.zero_grad()
        mean_loss.backward()  # type: ignore[no-untyped-call]
        losses.append(mean_loss.item())
        wrong += int((logits.argmax(1) != labels).sum())
        with torch.no_grad():
            for name, p in reference.named_parameters():
                rate = 0.001 if name.endswith("weight") else 0.002
                assert p.grad is not None
                velocity[name] = 0.9 * velocity[name] - rate * (decay[name] * p + p.grad)
                p += velocity[name]
    assert loss == pytest.approx(sum(losses) / 3, rel=1e-4)
    assert error == wrong / 384
    for ours, theirs in zip(net.parameters(), reference.parameters(), strict=True):
        assert torch.allclose(ours.double(), theirs, rtol=1e-3, atol=1e-6)


def test_the_clock_stands_still_while_looking(tmp_path: Path) -> None:
    images = load("cifar10", None).first(512)
    net = Net(nineteen()).initialise(0)
    loop = Loop(net, for_network(net, 0.001, 0.002, 0.9), Batches(images, images.mean()), Precision.FP32, 128)
    loop.train(torch.arange(512))
    wall, cpu = loop.clock.wall, loop.clock.cpu
    assert wall > 0
    assert 0 <= loop.error(torch.arange(512)) <= 1
    assert (loop.clock.wall, loop.clock.cpu) == (wall, cpu)


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
