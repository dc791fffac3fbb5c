"""One training or measuring run, and what can become of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Precision(StrEnum):
    """Arithmetic of a trial's forward and backward pass; parameters and updates are fp32 in both."""

    FP32 = "fp32"
    BF16 = "bf16"


class Status(StrEnum):
    """How a trial ended. A diverged trial is a result; a failed one is not."""

    OK = "ok"
    DIVERGED = "diverged"
    FAILED = "failed"


@dataclass(frozen=True)
class Trial:
    """One training or measuring run: what is run and on what (`settings`), and from which seed.

    `settings` is a frozen dataclass of plain values. Its `implementation` is the dotted name of the module
    whose `run(trial, session)` executes the trial, and its `dataset` the name of its data set, or None.
    """

    settings: Any
    seed: int
    precision: Precision = Precision.FP32
