"""A worker's speed: what is counted, and that training is what is timed."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from harness.contract.trial import Precision
from harness.models.cifar10 import nineteen
from harness.training.timing import worker_speed
from harness.training.timing.worker_speed import WARM_UP, images_per_second


def test_the_fastest_round_counts_and_rounds_are_as_long_as_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A step of 0.05 s: five to a quarter of a second; warm-up and the step that is tried do not count."""
    taken: list[int] = []
    answers = iter([9.0, 0.05, 0.5, 0.25, 0.3, 0.4])

    def seconds(steps: object, count: int) -> float:
        taken.append(count)
        return next(answers)

    monkeypatch.setattr(worker_speed._Steps, "seconds", seconds)
    assert images_per_second(nineteen(), "cpu", Precision.FP32, 8, 1.0) == pytest.approx(5 * 8 / 0.25)
    assert taken == [WARM_UP, 1, 5, 5, 5, 5]


def test_a_step_that_outlasts_the_time_is_taken_once_a_round(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_speed._Steps, "seconds", lambda steps, count: 2.0 * count)
    assert images_per_second(nineteen(), "cpu", Precision.FP32, 8, 1.0) == pytest.approx(4.0)


@pytest.mark.parametrize("precision", Precision)
def test_real_steps_are_timed_and_change_every_weight(precision: Precision) -> None:
    steps = worker_speed._Steps(nineteen(), torch.device("cpu"), precision, 4)
    before = [p.detach().clone() for p in steps.net.parameters()]
    assert steps.seconds(2) > 0
    pairs = zip(before, steps.net.parameters(), strict=True)
    assert all(not torch.equal(old, new) and new.isfinite().all() for old, new in pairs)


def test_a_worker_s_one_thread_does_it() -> None:
    torch.set_num_threads(2)
    assert images_per_second(nineteen(), "cpu", Precision.FP32, 4, 0.01) > 0
    assert torch.get_num_threads() == 1


@pytest.mark.gpu
@pytest.mark.parametrize("precision", Precision)
def test_on_a_gpu(precision: Precision) -> None:
    assert images_per_second(nineteen(), "cuda:0", precision, seconds=0.2) > 0


def test_asking_for_it_needs_no_torch() -> None:
    modules = "harness.engines.machine.calibration, harness.cli.running.calibrate"
    code = f"import sys, {modules}; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
