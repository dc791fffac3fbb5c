"""One training or measuring run, what its settings must answer, and how it can end."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, Protocol

from typing_extensions import TypeVar

from harness.contract.device import DeviceKind


class Precision(StrEnum):
    """Arithmetic of a trial's forward and backward pass; parameters and updates are fp32 in both."""

    FP32 = "fp32"
    BF16 = "bf16"


class Status(StrEnum):
    """How a trial ended. A diverged trial is a result; a failed one is not."""

    OK = "ok"
    DIVERGED = "diverged"
    FAILED = "failed"


class Arithmetic(Protocol):
    """The part of a network that its cost depends on."""

    @property
    def multiply_adds(self) -> int:
        """Multiplications of one image's forward pass."""


class Settings(Protocol):
    """What the settings of a trial answer, whichever program runs it.

    Settings are frozen dataclasses of plain values; a field with LABEL is for people and enters no key.
    """

    @property
    def implementation(self) -> str:
        """The program, as `module:function`; it is called with the trial and its session."""

    @property
    def exclusive(self) -> bool:
        """Whether nothing else may run on the machine, because the trial times itself."""

    @property
    def device(self) -> DeviceKind | None:
        """The only kind of device that the trial can run on; None: any."""

    @property
    def dataset(self) -> str | None:
        """The data set it reads, or None."""

    @property
    def network(self) -> Arithmetic | None:
        """The network it trains, or None."""

    @property
    def summary(self) -> str:
        """What distinguishes it within its experiment, such as `rate 0.004, 3 epochs`."""

    def most_images(self, training_set: int) -> int:
        """The most images it may train on, given the training set's size: an upper bound on its cost."""

    def most_evaluated(self, test_set: int) -> int:
        """The most forward passes it may spend on evaluations, given the size of the set it is tested on."""


S = TypeVar("S", bound=Settings, default=Settings, covariant=True)


@dataclass(frozen=True)
class Trial(Generic[S]):
    """One training or measuring run: what is run and on what, from which seed, in which precision."""

    settings: S
    seed: int
    precision: Precision = Precision.FP32


# The metadata of a dataclass field that only names things for people: it is left out of records and keys.
LABEL = {"label": True}
