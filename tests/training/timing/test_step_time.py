"""Timing runs: every arrangement measures what it says, on networks so small that it takes seconds."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import count, islice, repeat
from pathlib import Path
from typing import Any

import pytest
import torch

from harness.contract.device import DeviceKind
from harness.contract.errors import BadValue, EngineError
from harness.contract.session import Session, TrialResult
from harness.contract.trial import Precision, Status, Trial
from harness.data.views import Augmentation, ColourNoise
from harness.models.alexnet import alexnet
from harness.models.description import Weighted
from harness.models.network import Net
from harness.records.conditions import Conditions
from harness.records.keys import key_of
from harness.training.loop import Loop
from harness.training.timing.batches import Batch, batches
from harness.training.timing.settings import PLAIN, Arrangement, Feed, StepTime
from harness.training.timing.step_time import Block, TimedSteps, metrics, network, run
from harness.training.timing.timeline import Timeline
from harness.training.update import Momentum2012, ParameterGroup, for_network

pytestmark = pytest.mark.usefixtures("rank_server")
SMALL = alexnet("paper", side=67, width=1 / 16, classes=10)
BRIEF = StepTime(SMALL, batch=4, steps=2, warm_up=1, images=8)
HERE = Session("cpu", None, Path("unused"))
CPU = torch.device("cpu")


def timed(**changes: Any) -> TrialResult:
    return run(Trial(replace(BRIEF, **changes), 0), HERE)


def check(outcome: TrialResult, images: int) -> dict[str, float]:
    """What holds in every arrangement; the metrics."""
    found = {name: value for name, value in outcome.metrics.items() if value is not None}
    assert outcome.status is Status.OK
    assert found["step_seconds"] == pytest.approx(found["compute_seconds"] + found["exchange_seconds"])
    assert found["images_per_second"] == pytest.approx(images / found["step_seconds"])
    assert found["peak_memory_bytes"] > 1e6
    assert len(outcome.details["steps"]) == BRIEF.steps
    return found


def layers(outcome: TrialResult, rank: int, direction: str) -> list[str]:
    """Layers in the order in which the rank computed them."""
    spans = [s for s in outcome.details["timeline"] if s["rank"] == rank and s["kind"] == "compute"]
    assert all(0 <= s["start"] <= s["end"] for s in spans)
    return [s["layer"] for s in spans if s["pass"] == direction]


NAMES = [layer.name for layer in SMALL.layers if isinstance(layer, Weighted)]
ENDS = (("conv1", "backward"), ("update", ""))


def test_columns_exchange_what_both_see() -> None:
    outcome = timed(arrangement=Arrangement.COLUMNS, ranks=2)
    found = check(outcome, images=4)
    seen = {"conv3": 16 * 3 * 3, "fc6": 16, "fc7": 256, "fc8": 256}  # of both columns
    expected = 4 * BRIEF.batch * (2 * sum(seen.values()) + 10)  # forward and backward; the logits forward
    assert found["bytes_exchanged"] == expected
    assert 0 < found["exchange_seconds"] < found["step_seconds"]
    for rank in (0, 1):
        assert layers(outcome, rank, "forward") == [*NAMES, "loss"]
        assert layers(outcome, rank, "backward") == NAMES[::-1]
    waits = {s["layer"] for s in outcome.details["timeline"] if s["kind"] == "exchange"}
    assert waits == set(seen)


def test_data_parallel_ranks_average_all_gradients() -> None:
    outcome = timed(arrangement=Arrangement.DATA_PARALLEL, ranks=2)
    found = check(outcome, images=8)
    assert found["bytes_exchanged"] == 2 * 4 * SMALL.parameters  # 2 (n − 1) / n of them, from each of n = 2
    assert 0 < found["exchange_seconds"] < found["step_seconds"]
    for rank in (0, 1):
        assert layers(outcome, rank, "backward") == NAMES[::-1]
        spans = [s for s in outcome.details["timeline"] if s["rank"] == rank]
        last, update = (next(s for s in spans if s["layer"] == x and s["pass"] == y) for x, y in ENDS)
        (wait,) = (s for s in spans if s["kind"] == "exchange")
        assert last["start"] < wait["start"] < wait["end"] <= update["start"]


def test_one_process_exchanges_nothing() -> None:
    outcome = timed()
    found = check(outcome, images=4)
    assert found["bytes_exchanged"] == found["exchange_seconds"] == 0
    assert layers(outcome, 0, "forward") == [*NAMES, "loss"]


def test_only_what_follows_the_last_gradient_is_exchange(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a clock that ticks whenever it is read; three gradients, then the update."""
    ticks = count()
    monkeypatch.setattr(Timeline, "mark", lambda self: float(next(ticks)))
    timeline, weights = Timeline(CPU), [torch.nn.Parameter(torch.ones(1)) for _ in range(3)]
    update = Momentum2012([ParameterGroup(weights)])
    timeline.watch_averaging(torch.nn.ParameterList(weights))
    for _ in range(2):
        timeline.begin()
        begun = next(ticks)
        torch.autograd.backward(sum(weights, start=torch.zeros(1)))
        next(ticks)  # averaging takes time
        timeline.updating()
        update.step()
        timeline.enter("end")
        assert timeline.waited() == 2.0
        assert timeline.waits[0][2:] == (begun + 3, begun + 5)
        assert [layer for layer, _, _ in timeline.stages] == ["update", "end"]


@pytest.mark.parametrize("precision", Precision)
def test_a_timed_step_is_a_training_step(precision: Precision) -> None:
    """The weights after three steps, one of them observed, are those of the loop."""
    strong = [replace(x, init=0.1) if isinstance(x, Weighted) else x for x in SMALL.layers]
    settings = replace(BRIEF, network=replace(SMALL, layers=tuple(strong)))  # all gradients matter
    trial, timeline = Trial(settings, 0, precision), Timeline(CPU)
    batch = next(batches(BRIEF, 0, CPU))
    timed_net, net = (network(trial, timeline) for _ in range(2))
    steps = TimedSteps(timed_net, timed_net, for_network(timed_net, 0.01, 1.0, 0.9), timeline, precision)
    for _ in range(2):
        steps.take(repeat(batch))
    assert steps.observed(repeat(batch))
    loop = Loop(net, for_network(net, 0.01, 1.0, 0.9), Same(batch), precision, BRIEF.batch)
    loop.train(torch.arange(3 * BRIEF.batch))
    start = network(trial, timeline).state_dict()
    for name, value in net.state_dict().items():
        assert torch.equal(value, timed_net.state_dict()[name])
        assert not torch.equal(value, start[name])


class Same:
    """The same batch, whatever is requested."""

    def __init__(self, batch: Batch) -> None:
        self.batch, self.mean = batch, batch[0]

    def each(self, order: torch.Tensor, size: int) -> Iterator[Batch]:
        return repeat(self.batch, len(order) // size)


def test_medians_over_steps_of_the_slowest_rank() -> None:
    spans: list[dict[str, Any]] = []
    blocks = [
        Block((1.0, 4.0, 2.0), (0.5, 0.5, 1.0), 7, 30, spans),
        Block((3.0, 1.0, 2.0), (0.0,) * 3, 5, 40, spans),
    ]
    assert metrics(replace(BRIEF, batch=6), blocks) == {
        "step_seconds": 3.0,
        "compute_seconds": 2.75,
        "exchange_seconds": 0.25,
        "bytes_exchanged": 12.0,
        "peak_memory_bytes": 40.0,
        "images_per_second": 2.0,
    }


def test_watching_changes_no_gradient() -> None:
    inputs, labels = next(batches(BRIEF, 0, CPU))
    gradients = []
    for watched in (False, True):
        net, timeline = Net(SMALL).initialise(0).eval(), Timeline(CPU)
        if watched:
            with timeline.watching(net):
                torch.nn.functional.cross_entropy(net(inputs), labels).backward()
        else:
            torch.nn.functional.cross_entropy(net(inputs), labels).backward()
        gradients.append([p.grad for p in net.parameters()])
    assert all(torch.equal(a, b) for a, b in zip(*gradients, strict=True))
    assert not net.layers[0]._forward_pre_hooks


@pytest.mark.parametrize("augmentation", [PLAIN, Augmentation(colour=ColourNoise())])
def test_the_background_gives_the_same_batches(augmentation: Augmentation) -> None:
    settings = replace(BRIEF, feed=Feed.INLINE, augmentation=augmentation)
    inline = list(islice(batches(settings, 0, CPU), 5))
    ahead = list(islice(batches(replace(settings, feed=Feed.BACKGROUND), 0, CPU), 5))
    assert all(
        torch.equal(x, y) for a, b in zip(inline, ahead, strict=True) for x, y in zip(a, b, strict=True)
    )
    assert {tuple(inputs.shape) for inputs, _ in inline} == {(4, 3, 67, 67)}
    assert not torch.equal(inline[0][0], inline[2][0])  # another epoch


def test_an_error_in_the_background_is_told() -> None:
    with pytest.raises(BadValue, match="8 images do not fill a batch of 9"):
        next(batches(replace(BRIEF, feed=Feed.BACKGROUND, batch=9), 0, CPU))


def test_a_resident_batch_stays() -> None:
    (first, labels), (second, _) = islice(batches(BRIEF, 0, CPU), 2)
    assert first is second
    assert first.shape == (4, 3, 67, 67)
    assert first.is_contiguous(memory_format=torch.channels_last)
    assert int(labels.max()) < 10


def test_what_cannot_run_here_is_refused() -> None:
    with pytest.raises(BadValue, match="times steps on 'cuda': run it with --device cuda"):
        timed(device=DeviceKind.CUDA)
    with pytest.raises(EngineError, match="two streams need a GPU"):
        timed(arrangement=Arrangement.STREAMS)


@pytest.mark.parametrize(
    ("arrangement", "ranks"),
    [("one", 2), ("streams", 2), ("columns", 1), ("columns", 4), ("data-parallel", 0)],
)
def test_arrangements_have_their_number_of_ranks(arrangement: str, ranks: int) -> None:
    with pytest.raises(ValueError, match=f"{arrangement} takes"):
        StepTime(SMALL, Arrangement(arrangement), ranks)


def test_its_settings_have_a_key_and_need_no_torch() -> None:
    here = Conditions(DeviceKind.CPU, "2.13.0")
    other = replace(BRIEF, arrangement=Arrangement.COLUMNS, ranks=2)
    assert key_of(Trial(BRIEF, 0), here) != key_of(Trial(other, 0), here)
    modules = "harness.training.timing.settings, harness.plans.timing_blocks"
    code = f"import sys, {modules}; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
