"""The settings of a timing run: a network, how it is spread over processes and fed. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from harness.contract.device import DeviceKind
from harness.data.views import Augmentation
from harness.models.description import Network


class Arrangement(StrEnum):
    """How a network is spread over processes, each with its own device."""

    ONE = "one"  # one process
    COLUMNS = "columns"  # one column per process (§3.2), both on the same batch
    DATA_PARALLEL = "data-parallel"  # the whole network in each, on its own batch
    STREAMS = "streams"  # both columns in one process, in two streams of one GPU


class Feed(StrEnum):
    """Where a step's batch comes from."""

    RESIDENT = "resident"  # the same batch every time: only the network counts
    INLINE = "inline"  # cropped and augmented by the device that trains, before each step
    BACKGROUND = "background"  # by a thread on the CPU while the device trains, as in §4.1


PLAIN = Augmentation(crops=False, flips=False)  # centre crops less the mean


@dataclass(frozen=True)
class StepTime:
    """Seconds of a training step, in freshly started processes, on images of noise.

    `batch` counts the images that a rank sees in a step: two columns see the same ones, data-parallel ranks
    each their own. If `device` is set, any other kind is refused. Images have 256 pixels a side, and the
    crops that `augmentation` takes have the size of the network's input; a resident batch needs neither.
    """

    implementation: ClassVar[str] = "harness.training.timing.step_time:run"
    exclusive: ClassVar[bool] = True  # nothing else may run beside it
    network: Network
    arrangement: Arrangement = Arrangement.ONE
    ranks: int = 1
    threads: int = 1  # per rank
    batch: int = 128
    steps: int = 10
    warm_up: int = 2
    feed: Feed = Feed.RESIDENT
    augmentation: Augmentation = PLAIN
    images: int = 512
    device: DeviceKind | None = None
    dataset: str | None = None

    def __post_init__(self) -> None:
        """ValueError if the arrangement takes another number of ranks, or there is nothing to time."""
        wanted = {Arrangement.DATA_PARALLEL: self.ranks, Arrangement.COLUMNS: 2}.get(self.arrangement, 1)
        if self.ranks != wanted or self.ranks < 1:
            raise ValueError(f"{self.arrangement} takes {wanted} ranks, not {self.ranks}")
        if min(self.threads, self.batch, self.steps) < 1 or self.warm_up < 0:
            raise ValueError("threads, batch and steps must be at least 1, warm-up at least 0")

    @property
    def images_a_step(self) -> int:
        """Images that all ranks together train on in a step."""
        return self.batch * (self.ranks if self.arrangement is Arrangement.DATA_PARALLEL else 1)

    @property
    def busy_threads(self) -> int:
        """Threads that run at the same time on a CPU."""
        return self.threads * self.ranks + (self.feed is Feed.BACKGROUND)

    @property
    def summary(self) -> str:
        """`columns, batch 8`."""
        return f"{self.arrangement}, batch {self.batch}"

    def most_images(self, training_set: int) -> int:
        """Images of the whole run; one more step is taken for the timeline."""
        return self.images_a_step * (self.warm_up + self.steps + 1)

    def most_evaluated(self, test_set: int) -> int:
        """0: only steps are timed."""
        return 0
