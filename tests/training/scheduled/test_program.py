"""Complete trainings on the stand-in: stopping, several processes, an independent loop, saved files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from torch.nn import functional

from harness.contract.session import Artifacts, Interrupted, Session, TrialResult
from harness.contract.streams import generator
from harness.contract.trial import Precision, Status, Trial
from harness.data.images import Images, load
from harness.data.inputs import resident
from harness.data.views import ten
from harness.effects.by_seed import difference
from harness.effects.from_runs import metric
from harness.models.layers import dropout
from harness.models.network import Net
from harness.plans.ablation import Arm
from harness.plans.experiment import Evidence, Plan, Planned, Role, Run
from harness.plans.protocols import SMOKE, looked_at
from harness.records.image_bits import unpacked
from harness.records.schema import Measured
from harness.training import artifacts
from harness.training.data_parallel import ALONE
from harness.training.scheduled import program
from harness.training.scheduled.recipe import Scheduled
from harness.training.scheduled.tested import Observer
from harness.training.schedules import Drops, Plateau, Schedule, Stage, Stages, Steps
from tests.fakes.evidence.trials import record_for

CHANGES = {
    "images": 320,
    "test_images": 60,
    "sample": 60,
    "max_epochs": 2,
    "parts": 2,
} | looked_at(40)


def settings(**changes: object) -> Scheduled:
    base: Scheduled = SMOKE.settings.settings(Arm())
    return replace(base, **({"schedule": Drops(0.02, (1,), 2)} | CHANGES | changes))  # type: ignore[arg-type]


def train(
    trial: Trial, folder: Path, stopping: Callable[[], bool] = lambda: False, root: Path | None = None
) -> TrialResult:
    mine = Artifacts(folder / "own.safetensors")
    return program.run(trial, Session("cpu", root, folder / "trial.pt", mine, stopping=stopping))


def timeless(outcome: TrialResult) -> list[dict[str, float | None]]:
    return [{k: v for k, v in row.items() if "seconds" not in k} for row in outcome.curve]


@pytest.fixture(scope="module")
def predicted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Trial, TrialResult, Path]:
    """A training that saves its predictions: the trial, its outcome and its artifact."""
    trial, folder = Trial(settings(predictions=True), 1), tmp_path_factory.mktemp("predicted")
    return trial, train(trial, folder), folder / "own.safetensors"


@pytest.mark.parametrize("precision", list(Precision))
def test_stopped_after_every_part_it_is_the_same_bit_for_bit(tmp_path: Path, precision: Precision) -> None:
    trial = Trial(settings(), 3, precision)
    whole = train(trial, tmp_path / "whole")
    for _ in range(4):
        with pytest.raises(Interrupted):
            train(trial, tmp_path / "parts", lambda: True)
    parts = train(trial, tmp_path / "parts")
    assert timeless(whole) == timeless(parts)
    assert whole.metrics == parts.metrics
    left = [(tmp_path / name / "own.safetensors").read_bytes() for name in ("whole", "parts")]
    assert left[0] == left[1]
    assert not (tmp_path / "parts" / "trial.pt").exists()


def test_a_shorter_budget_does_not_take_up_a_longer_ones_state(tmp_path: Path) -> None:
    with pytest.raises(Interrupted):  # two epochs are done, and a third is not
        _interrupted(Trial(settings(schedule=Drops(0.02, (), 3), max_epochs=3), 2), tmp_path, after=5)
    found = train(Trial(settings(schedule=Drops(0.02, (), 3), max_epochs=1), 2), tmp_path)
    assert len(found.curve) == 2
    assert found.cost["images"] == 320


def _interrupted(trial: Trial, folder: Path, after: int) -> TrialResult:
    parts = iter(range(after))
    return train(trial, folder, lambda: next(parts) == after - 1)


@pytest.mark.parametrize(
    ("bias_rate_factor", "bias_decay", "momentum"), [(1.0, True, 0.9), (2.0, False, 0.5)]
)
def test_it_equals_a_loop_written_out_by_hand(
    tmp_path: Path, images_place: Path | None, bias_rate_factor: float, bias_decay: bool, momentum: float
) -> None:
    """Without randomness in the images: centre crops. The update is written in float64; a part is a batch."""
    still = Arm(
        network={"width": 0.25},
        augmentation={"crops": False, "flips": False, "colour": None},
    )
    own = {"bias_rate_factor": bias_rate_factor, "bias_decay": bias_decay, "momentum": momentum}
    chosen = replace(
        SMOKE.settings.settings(still), schedule=Drops(0.02, (1,), 2), **(CHANGES | {"images": 256} | own)
    )
    outcome = train(Trial(chosen, 5), tmp_path, root=images_place)
    images = load("cifar10", images_place, True).first(256)
    pixels = images.pixels.double()
    inputs = (pixels - pixels.mean(0))[:, 4:28, 4:28].permute(0, 3, 1, 2)
    net = Net(chosen.network).initialise(5).double()
    speed = {p: torch.zeros_like(p) for p in net.parameters()}
    decay, factor = {}, {}
    for layer, weight, bias in net.weighted():
        decay |= {weight: layer.decay, bias: layer.decay * bias_decay}
        factor |= {weight: 1.0, bias: bias_rate_factor}
    losses: list[float] = []
    for epoch, rate in enumerate((0.02, 0.002)):
        order = torch.randperm(256, generator=generator(5, "order", epoch))
        for batch in torch.split(order, 128):
            dropout.reseed(net, generator(5, "dropout", len(losses)))
            loss = functional.cross_entropy(net(inputs[batch]), images.labels[batch])
            net.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            losses.append(float(loss.detach()))
            with torch.no_grad():
                for p, v in speed.items():
                    assert p.grad is not None
                    v.mul_(momentum).sub_(rate * factor[p] * (decay[p] * p + p.grad))
                    p.add_(v)
    assert [row["loss"] for row in outcome.curve] == pytest.approx(losses, rel=2e-5)
    left = artifacts.network(tmp_path / "own.safetensors", chosen.network)
    for ours, theirs in zip(left.parameters(), net.parameters(), strict=True):
        torch.testing.assert_close(ours.double(), theirs, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("schedule", "rates"),
    [
        (Plateau(0.02, drops=1, patience=1, least=1.0), [0.02] * 4 + [0.002] * 4),
        (Steps(0.02, every=2, iterations=6), [0.02, 0.002, 0.0002]),
    ],
)
def test_the_schedule_learns_of_errors_and_iterations(
    tmp_path: Path, schedule: Schedule, rates: list[float]
) -> None:
    """A part is two batches. No error but the first at a rate is an improvement by 1."""
    outcome = train(Trial(settings(schedule=schedule, images=64, batch_size=16, max_epochs=9), 1), tmp_path)
    assert [row["rate"] for row in outcome.curve] == pytest.approx(rates)


def test_a_stage_without_colours_is_a_training_without_them(tmp_path: Path) -> None:
    plain = replace(settings().augmentation, colour=None)
    off, never, on = (
        train(Trial(settings(schedule=Stages((stage,), 0.02, 1), augmentation=how), 1), tmp_path)
        for stage, how in (
            (Stage(0, 0.02, colour=False), settings().augmentation),
            (Stage(0, 0.02), plain),
            (Stage(0, 0.02), settings().augmentation),
        )
    )
    assert timeless(off) == timeless(never) != timeless(on)


def test_it_trains_and_tests_in_the_trials_precision(tmp_path: Path) -> None:
    """At a rate that moves no weight, losses in the two precisions differ by rounding alone."""
    still = settings(schedule=Drops(1e-30, (), 1))
    full, half = (train(Trial(still, 1, precision), tmp_path / precision) for precision in Precision)
    for (name, a), b in zip(losses_of(full).items(), losses_of(half).values(), strict=True):
        assert a != b, name
        assert a == pytest.approx(b, rel=0.01), name


def losses_of(outcome: TrialResult) -> dict[str, float | None]:
    found = {**outcome.curve[0], **outcome.metrics}
    return {name: found[name] for name in ("loss", "train_loss", "test_loss", "ten_loss")}


def test_what_is_left_gives_the_errors_that_were_reported(
    predicted: tuple[Trial, TrialResult, Path],
) -> None:
    trial, outcome, path = predicted
    assert outcome.status is Status.OK
    net = artifacts.network(path, trial.settings.network)
    inputs = resident.inputs(trial.settings, 1, None, torch.device("cpu"))
    test = inputs.test
    chosen = torch.arange(len(test.images))
    with torch.no_grad():
        seen = [net(test.see(chosen, v)).softmax(1) for v in ten(32, 32, 24)]
    averaged = torch.stack(seen).mean(0)
    wrong = 100 * float((averaged.argmax(1) != test.images.labels).double().mean())
    assert outcome.metrics["ten_top1"] == pytest.approx(wrong)
    shifted = Observer(net, ALONE, Precision.FP32).shifted(test)
    assert outcome.metrics["shifted_top1"] == pytest.approx(100 * shifted)
    left = artifacts.tensor(path, "probabilities")
    assert left.dtype is torch.float16
    assert torch.allclose(left.float(), averaged, atol=5e-4)


def test_the_record_says_which_images_it_got_wrong_and_how_sure_it_was(
    predicted: tuple[Trial, TrialResult, Path],
) -> None:
    trial, outcome, path = predicted
    left = artifacts.tensor(path, "probabilities").double()
    labels = resident.inputs(trial.settings, 1, None, torch.device("cpu")).test.images.labels
    bits = outcome.details["wrong"]
    flags = unpacked(bits["ten_top1"], bits["images"])
    assert 100 * flags.mean() == pytest.approx(outcome.metrics["ten_top1"])
    assert 100 * unpacked(bits["ten_top5"], bits["images"]).mean() == outcome.metrics["ten_top5"]
    assert flags.tolist() == (left.argmax(1) != labels).tolist()
    likely = left.gather(1, labels[:, None])
    assert outcome.metrics["ten_loss"] == pytest.approx(float(-likely.log().mean()), abs=2e-3)
    for name, count in (("centre_top1", bits["images"]), ("train_top1", bits["train_images"])):
        assert 100 * unpacked(bits[name], count).mean() == pytest.approx(outcome.metrics[name])


def test_validation_images_are_looked_at_after_every_epoch_with_their_loss(tmp_path: Path) -> None:
    """The last look sees the trained weights: the same number of images, by the centre view, in float64."""
    trial = Trial(settings(validated=None), 1)
    outcome = train(trial, tmp_path)
    net = artifacts.network(tmp_path / "own.safetensors", trial.settings.network).double()
    test = resident.inputs(trial.settings, 1, None, torch.device("cpu")).test
    inputs, labels = test.gather(torch.arange(len(test.images)))
    with torch.no_grad():
        loss = functional.cross_entropy(net(inputs.double()), labels)
    looks = [row for row in outcome.curve if row["validation_loss"] is not None]
    assert [row["epoch"] for row in looks] == list(range(1, trial.settings.max_epochs + 1))
    assert looks[-1]["validation_loss"] == pytest.approx(float(loss), rel=1e-5)
    assert looks[-1]["validation_loss"] == pytest.approx(outcome.metrics["test_loss"], rel=1e-5)


def test_held_out_images_are_tested_on_and_not_trained_on() -> None:
    """Nine tenths and one tenth of the training set, whatever the test set is."""
    whole, test = (load("cifar10", None, train) for train in (True, False))
    kept = settings(held_out=len(whole) // 10, images=None, test_images=None)
    inputs = resident.assemble(kept, 1, whole, test, torch.device("cpu"))
    assert (inputs.count, len(inputs.test.images)) == (len(whole) - kept.held_out, kept.held_out)
    assert kept.most_images(len(whole)) == inputs.count * kept.max_epochs

    def known(images: Images) -> set[bytes]:
        return {pixels.numpy().tobytes() for pixels in images.pixels}

    trained = known(inputs.batches.images)  # type: ignore[attr-defined]
    tested = known(inputs.test.images)
    assert trained | tested == known(whole)
    assert not trained & tested


def test_predictions_are_left_only_where_they_are_read(tmp_path: Path) -> None:
    train(Trial(settings(predictions=False), 1), tmp_path)
    with safe_open(tmp_path / "own.safetensors", "pt") as file:
        assert all(name.startswith("net.") for name in file.keys())  # noqa: SIM118


def test_a_loss_that_is_no_number_is_a_divergence(tmp_path: Path) -> None:
    trial = Trial(settings(schedule=Drops(1e6, (), 2)), 1)
    outcome = train(trial, tmp_path)
    assert outcome.status is Status.DIVERGED
    assert outcome.metrics == {}
    assert outcome.curve[-1]["loss"] is None


def test_arms_share_order_crops_and_first_weights(tmp_path: Path) -> None:
    """Weights, crops and colours do not depend on what else the network consists of."""

    def begun(arm: Arm, seed: int) -> tuple[Net, torch.Tensor]:
        trial = Trial(SMOKE.settings.settings(arm), seed)
        made = program.Training(trial, Session("cpu", None, tmp_path / "trial.pt"))
        order = made.parts.order(2, 0)
        made.inputs.batches.begin(0, order)
        return made.net, next(made.inputs.batches.each(order, 128))[0]

    (first, inputs), (second, same) = (begun(arm, 2) for arm in (Arm(), Arm(network={"dropout": 0.0})))
    for (a, wa, _), (b, wb, _) in zip(first.weighted(), second.weighted(), strict=True):
        assert a.name == b.name
        assert torch.equal(wa, wb)
    assert torch.equal(inputs, same)
    assert not torch.equal(inputs, begun(Arm(), 3)[1])


def test_the_bits_of_real_trainings_enter_the_intervals(tmp_path: Path) -> None:
    """Two arms of two runs: the images' part of the difference's error is that of an analysis of variance."""
    arms = {"with dropout": Arm(), "without": Arm(network={"dropout": 0.0})}
    runs, cells = [], {}
    for name, arm in arms.items():
        chosen = replace(settings(), network=SMOKE.settings.settings(arm).network, max_epochs=1)
        outcomes = [train(Trial(chosen, seed), tmp_path / f"{name}-{seed}") for seed in range(2)]
        for seed, found in enumerate(outcomes):
            planned = Planned(Trial(chosen, seed), name, Role.FINAL)
            made = record_for(planned.trial, **found.metrics)
            runs.append(Run(planned, replace(made, details=found.details)))
        wrong = [found.details["wrong"] for found in outcomes]
        cells[name] = 100.0 * np.stack([unpacked(w["ten_top1"], w["images"]) for w in wrong])
    evidence = Evidence(SMOKE, Plan(tuple(run.planned for run in runs)), tuple(runs))
    effect = difference(evidence, *arms, "top-1 error", metric(Measured.TEN_TOP1))
    first, second = cells.values()
    assert effect.estimate == pytest.approx(first.mean() - second.mean())
    seeds = (first.mean(1).var(ddof=1) + second.mean(1).var(ddof=1)) / 2
    images = (first.mean(0) - second.mean(0)).var(ddof=1) / 60
    rest = sum(
        ((x - x.mean(1)[:, None] - x.mean(0) + x.mean()) ** 2).sum() / 59 / 120 for x in (first, second)
    )
    assert effect.standard_error == pytest.approx(max(seeds, images, seeds + images - rest) ** 0.5)
    assert effect.seed_error == pytest.approx(seeds**0.5)
    assert "over seeds and 60 images" in effect.note
