"""The captured training step: when it is captured, and on a GPU, that it equals the step itself."""

from __future__ import annotations

import gc
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from weakref import ref

import pytest
import torch
from torch import Tensor

from harness.contract import numerics
from harness.contract.device import DeviceKind
from harness.contract.errors import EngineError
from harness.contract.numerics import Numerics
from harness.contract.trial import Precision
from harness.data.augmentation import Augmented
from harness.data.images import Images
from harness.data.inputs.prefetch import Prefetched
from harness.data.views import Augmentation
from harness.models.alexnet import alexnet
from harness.models.layers import dropout
from harness.models.network import Net
from harness.training.graphed import Captured, Graphed, Work, _nothing_collected
from harness.training.loop import BatchSource, Loop
from harness.training.schedules import Setting
from harness.training.update import Momentum2012, apply, groups


@pytest.fixture(autouse=True)
def _numerics_of_trials() -> Iterator[None]:
    """As trials on a GPU: no TF32, and cuDNN's fastest algorithms."""
    numerics.apply(numerics.usual(DeviceKind.CUDA))
    yield
    numerics.apply(Numerics())


class Recorded:
    """Stands in for CUDA: notes what is run, captured and replayed."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.fixed = Captured((0.1,))

    def work(self, inputs: Tensor, labels: Tensor) -> None:
        self.told.append(f"run {len(labels)}")

    def first(self, work: Work, inputs: Tensor, labels: Tensor) -> None:
        self.told.append("warm-up")

    def capture(self, work: Work, inputs: Tensor, labels: Tensor, fixed: Captured) -> Work:
        self.told.append(f"capture {fixed.values}")
        return lambda inputs, labels: self.told.append(f"replay {fixed.values}")

    def graphed(self, record: Callable[..., Work] | None = None) -> Graphed:
        return Graphed(self.work, lambda: self.fixed, 4, 2, record or self.capture, self.first)


def batch(size: int = 4) -> tuple[Tensor, Tensor]:
    return torch.zeros(size, 1), torch.zeros(size)


def test_it_is_captured_once_after_the_warm_up_and_replayed() -> None:
    seen = Recorded()
    graphed = seen.graphed()
    for size in (4, 4, 4, 4, 3, 4):
        graphed(*batch(size))
    replay = "replay (0.1,)"
    assert seen.told == ["warm-up", "warm-up", "capture (0.1,)", replay, replay, "run 3", replay]


def test_another_rate_is_another_graph() -> None:
    seen = Recorded()
    graphed = seen.graphed()
    for rate in (0.1, 0.1, 0.1, 0.01, 0.01):
        seen.fixed = Captured((rate,))
        graphed(*batch())
    assert seen.told[2:] == [
        "capture (0.1,)", "replay (0.1,)", "capture (0.01,)", "replay (0.01,)", "replay (0.01,)",
    ]  # fmt: skip


def test_a_graph_is_gone_before_its_successor_is_captured() -> None:
    """Destroying a graph frees cuBLAS's workspace of the capture stream, which both would use."""
    seen, graphs, alive = Recorded(), list[ref[Work]](), list[bool]()

    def capture(work: Work, inputs: Tensor, labels: Tensor, fixed: Captured) -> Work:
        alive.extend(graph() is not None for graph in graphs)

        def replay(inputs: Tensor, labels: Tensor) -> None: ...

        graphs.append(ref(replay))
        return replay

    graphed = seen.graphed(capture)
    for rate in (0.1, 0.1, 0.1, 0.01, 0.001):
        seen.fixed = Captured((rate,))
        graphed(*batch())
    assert alive == [False] * 3


def test_a_capture_that_fails_ends_the_trial_and_names_the_way_out() -> None:
    """Going on would use what the broken capture left behind."""

    def refuse(*_: object) -> Work:
        raise RuntimeError("operation not permitted when stream is capturing")

    seen = Recorded()
    graphed = seen.graphed(refuse)
    graphed(*batch())
    graphed(*batch())
    with pytest.raises(EngineError, match=r"not permitted .*REPRO_CUDA_GRAPHS=0"):
        graphed(*batch())
    assert seen.told == ["warm-up", "warm-up"]


def test_the_error_that_broke_a_capture_is_named_and_not_the_one_at_its_end() -> None:
    """As PyTorch does: leaving a capture that an error has broken raises another."""

    @contextmanager
    def capturing() -> Iterator[None]:
        try:
            yield
        finally:
            raise RuntimeError("capture failed due to a previous error")

    def refuse(*_: object) -> Work:
        with _nothing_collected(), capturing():
            raise RuntimeError("a tensor was copied to the host")

    graphed = Recorded().graphed(refuse)
    graphed(*batch())
    graphed(*batch())
    with pytest.raises(EngineError, match=r"CUDA graph \(a tensor was copied to the host\)"):
        graphed(*batch())


def test_without_graphs_every_step_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPRO_CUDA_GRAPHS", "0")
    seen = Recorded()
    graphed = seen.graphed()
    for _ in range(4):
        graphed(*batch())
    assert seen.told == ["warm-up", "warm-up", "run 4", "run 4"]


def test_nothing_is_collected_during_a_capture() -> None:
    """What was garbage before is gone by then; what becomes garbage meanwhile waits."""

    class Cycle:
        def __init__(self) -> None:
            self.own = self

        def __del__(self) -> None:
            told.append("collected")

    told: list[str] = []
    Cycle()
    with _nothing_collected():
        assert told == ["collected"]
        for _ in range(20_000):
            Cycle()
        assert told == ["collected"]
    assert gc.isenabled()


SIDE, IMAGES, SIZE = 67, 128, 32
HOW = Augmentation(side=SIDE)


def images(count: int = IMAGES) -> Images:
    stream = torch.Generator().manual_seed(0)
    pixels = torch.randint(256, (count, 72, 72, 3), generator=stream, dtype=torch.uint8)
    return Images(pixels, torch.randint(10, (count,), generator=stream))


def resident() -> BatchSource:
    some = images().to(torch.device("cuda"))
    return Augmented(some, some.mean(), HOW, 0)


def prefetched() -> BatchSource:
    return Prefetched(images(), images().mean().cuda(), HOW, 0)


def loop(source: BatchSource, precision: Precision, graphs: bool, size: int = SIZE) -> Loop:
    """The paper's network, small, and with weights large enough for every step to matter."""
    net = Net(alexnet("paper", side=SIDE, width=1 / 8, classes=10)).initialise(0)
    with torch.no_grad():
        for _, weight, _ in net.weighted():
            weight.mul_(0.05 / weight.std())
    net.on(torch.device("cuda"))
    dropout.reseed(net, torch.Generator("cuda").manual_seed(5))
    update = Momentum2012(groups(net, 2.0, bias_decay=False))
    made = Loop(net, update, source, precision, size)
    if not graphs:
        made.graphed = None
    return made


def trained(
    source: BatchSource, precision: Precision, graphs: bool
) -> tuple[list[float], list[dict[str, Tensor]]]:
    """Losses of three parts, at one rate, at another, with conv1 frozen; how far each moved each layer."""
    losses, moved, steps = [], [], loop(source, precision, graphs)
    setting = Setting(1e-3, 1e-3)
    for part, now in enumerate((setting, replace(setting, rate=1e-4), replace(setting, frozen=("conv1",)))):
        order = torch.randperm(IMAGES, generator=torch.Generator().manual_seed(part))
        source.begin(part, order)  # type: ignore[attr-defined]
        apply(now, steps.update)
        before = parameters(steps.net)
        losses.append(steps.train(order)[0])
        moved.append({layer: after - before[layer] for layer, after in parameters(steps.net).items()})
    return losses, moved


def parameters(net: Net) -> dict[str, Tensor]:
    """A copy of each layer's weights and biases, (parameters,)."""
    return {a.name: torch.cat([w.detach().flatten(), b.detach()]) for a, w, b in net.weighted()}


@pytest.mark.gpu
@pytest.mark.parametrize("precision", Precision)
@pytest.mark.parametrize("source", [resident, prefetched])
def test_replayed_steps_are_the_steps_themselves(
    source: Callable[[], BatchSource], precision: Precision
) -> None:
    """The same losses and updates to rounding, dropout included, at other rates and with a layer frozen."""
    (eager, steps), (graphed, replayed) = (trained(source(), precision, graphs) for graphs in (False, True))
    half = precision is Precision.BF16
    assert graphed == pytest.approx(eager, rel=1e-2 if half else 1e-3)
    assert eager[0] != eager[1] != eager[2]
    for ours, theirs, frozen in zip(replayed, steps, ([], [], ["conv1"]), strict=True):
        for moved in (ours, theirs):
            assert [layer for layer, by in moved.items() if not by.any()] == frozen
        for layer, by in theirs.items():
            assert (ours[layer] - by).norm() <= (0.4 if half else 0.05) * by.norm(), layer


@pytest.mark.gpu
def test_steps_are_captured_while_threads_pin_and_copy() -> None:
    """Of 64 small batches, many are on their way at every capture: one per rate."""
    count, size = 512, 8
    some = images(count)
    made = Prefetched(some, some.mean().cuda(), HOW, 0)
    steps = loop(made, Precision.BF16, graphs=True, size=size)
    assert steps.graphed is not None
    graphs = []
    for part, rate in enumerate((1e-3, 1e-4, 1e-5)):
        order = torch.randperm(count, generator=torch.Generator().manual_seed(part))
        made.begin(part, order)
        apply(Setting(rate, rate), steps.update)
        assert math.isfinite(steps.train(order)[0])
        graphs.append(steps.graphed.replay)
    assert None not in graphs
    assert len(set(graphs)) == 3


@pytest.mark.gpu
@pytest.mark.filterwarnings("ignore:Synchronization debug mode")  # is a prototype, says PyTorch
@pytest.mark.parametrize("graphs", [False, True])
@pytest.mark.parametrize("source", [resident, prefetched])
def test_no_step_waits_for_the_device(source: Callable[[], BatchSource], graphs: bool) -> None:
    made = source()
    steps = loop(made, Precision.BF16, graphs)
    apply(Setting(1e-3, 1e-3), steps.update)
    order = torch.randperm(IMAGES)
    made.begin(0, order)  # type: ignore[attr-defined]
    steps.train(order)  # loads, chooses, captures
    if source is resident:
        order = order.cuda()  # which `each` does once before its steps, and waits for
    try:
        torch.cuda.set_sync_debug_mode("error")
        steps.steps(steps.net, order)
    finally:
        torch.cuda.set_sync_debug_mode("default")
