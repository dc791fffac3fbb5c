"""Training batches cut from a memory map by background threads ahead of their use, bit for bit `Augmented`'s.

Threads copy the crops' bytes, without their borders, out of the map. For a GPU they put them in pinned
memory, and mirroring, mean and colours are one batched step there; for a CPU they do that as well, a few
images at a time, so that these stay in its cache.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, fields

import torch
from numpy.lib.stride_tricks import as_strided
from torch import Tensor

from harness.data.augmentation import Augmented, ColourBasis
from harness.data.images import Images
from harness.data.views import Augmentation, MeanCrop

AT_ONCE = 4  # images that a CPU makes together: their floats stay in its cache
Batch = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Cut:
    """Crops as they lie in the images, uint8 (n, side, side, 3), and what is still to be done to them."""

    pixels: Tensor
    labels: Tensor
    top: Tensor
    left: Tensor
    flip: Tensor
    shifts: Tensor  # float32 (n, 3), or (n, 0) where no colours are drawn

    def on(self, device: torch.device) -> Cut:
        """The same on `device`; from pinned memory, the copy does not wait."""
        return Cut(*(getattr(self, f.name).to(device, non_blocking=True) for f in fields(self)))

    def pinned(self) -> Cut:
        """The same in memory that a GPU reads by itself."""
        return Cut(*(getattr(self, f.name).pin_memory() for f in fields(self)))


class Windows:
    """Every crop that there is of images (N, height, width, 3), to be gathered by corner, row by row."""

    def __init__(self, images: Tensor, side: int) -> None:
        """`images` must be contiguous, on any device; nothing is copied."""
        count, height, width, _ = images.shape
        shape = (count, height - side + 1, width - side + 1, side, 3 * side)
        strides = (height * width * 3, width * 3, 3, width * 3, 1)
        self.side, self.all = side, images.as_strided(shape, strides)
        if images.device.type == "cpu":
            # NumPy copies whole rows where PyTorch goes byte by byte: a quarter of the time.
            size = images.element_size()
            places = tuple(size * s for s in strides)
            self.rows = as_strided(images.numpy(), shape, places, writeable=False)

    def gather(self, image: Tensor, top: Tensor, left: Tensor) -> Tensor:
        """The crop of each image at a corner, (n, side, side, 3)."""
        if self.all.device.type == "cpu":
            found = torch.from_numpy(self.rows[image.numpy(), top.numpy(), left.numpy()])
        else:
            found = self.all[image, top, left]
        return found.view(-1, self.side, self.side, 3)


class Prefetched:
    """Training batches as `Augmented` draws and makes them: `begin` an epoch, `expect`, then gather.

    What is gathered as expected was made ahead; any other images are made when they are asked for. Of several
    ranks, each begins with the whole order and expects its own share.
    """

    def __init__(
        self,
        images: Images,
        mean: Tensor,
        how: Augmentation,
        seed: int,
        basis: ColourBasis | None = None,
        threads: int = 2,
        ahead: int = 4,
    ) -> None:
        """`images` stay on the CPU; `mean` (height, width, 3) lives on the device that trains."""
        self.images, self.mean, self.how = images, mean, how
        self.drawn = Augmented(images, mean.cpu(), how, seed, basis)
        self.windows = Windows(images.pixels, how.side)
        self.means = Windows(torch.stack([mean, mean.flip(1)]), how.side)  # upright and mirrored
        self.centre_mean = self.drawn.centre_mean.to(mean.device)
        self.threads, self.ahead = ThreadPoolExecutor(threads, "input"), ahead
        self.coming: deque[Tensor] = deque()
        self.ready: deque[tuple[Tensor, Future[Cut | Batch]]] = deque()

    def begin(self, epoch: int, order: Tensor, colour: bool = True) -> None:
        """Draws for the images at `order` (none twice), in that order; `colour` is the schedule's word."""
        self._forget()
        self.drawn.begin(epoch, order, colour)

    def expect(self, order: Tensor, size: int) -> None:
        """The images that will be gathered next, `size` at a time."""
        if self.drawn.crops is None:
            raise RuntimeError("begin an epoch before expecting its batches")
        self._forget()
        self.coming.extend(torch.split(order.cpu(), size))
        self._fill()

    def gather(self, chosen: Tensor) -> Batch:
        """Varied inputs, channels-last float32 (n, 3, side, side), and labels, on the training device.

        `chosen` may be on any device; on a GPU, finding out which images it names waits for the GPU.
        """
        chosen = chosen.cpu()
        if self.ready and torch.equal(self.ready[0][0], chosen):
            made = self.ready.popleft()[1].result()
            self._fill()
        else:
            made = self._make(chosen)
        return made if isinstance(made, tuple) else self._finish(made.on(self.mean.device))

    def _forget(self) -> None:
        for _, future in self.ready:
            future.cancel()
        self.coming.clear()
        self.ready.clear()

    def _fill(self) -> None:
        while self.coming and len(self.ready) < self.ahead:
            chosen = self.coming.popleft()
            self.ready.append((chosen, self.threads.submit(self._make, chosen)))

    def _make(self, chosen: Tensor) -> Cut | Batch:
        """The batch for a CPU, the cut for a GPU."""
        if self.mean.device.type == "cuda":
            return self._cut(chosen).pinned()
        inputs = torch.empty(len(chosen), self.how.side, self.how.side, 3)
        for some, place in zip(torch.split(chosen, AT_ONCE), torch.split(inputs, AT_ONCE), strict=True):
            self._vary(self._cut(some), place)
        return inputs.permute(0, 3, 1, 2), self.images.labels[chosen]

    def _cut(self, chosen: Tensor) -> Cut:
        if self.drawn.crops is None:
            raise RuntimeError("begin an epoch before gathering its batches")
        crops, shifts = self.drawn.crops.of(chosen), self.drawn.shifts
        return Cut(
            self.windows.gather(chosen, crops.top, crops.left),
            self.images.labels[chosen],
            crops.top,
            crops.left,
            crops.flip,
            torch.empty(len(chosen), 0) if shifts is None else shifts[chosen],
        )

    def _finish(self, cut: Cut) -> Batch:
        """The batch of a cut that is on the GPU."""
        inputs = torch.empty(cut.pixels.shape, device=cut.pixels.device)
        self._vary(cut, inputs)
        return inputs.permute(0, 3, 1, 2), cut.labels

    def _vary(self, cut: Cut, inputs: Tensor) -> None:
        """`Augmented`'s arithmetic; mirroring only moves numbers, so it may as well come first."""
        inputs.copy_(_mirrored(cut.pixels, cut.flip))
        if self.how.mean is MeanCrop.OWN:
            far = self.drawn.width - self.how.side - cut.left
            inputs -= self.means.gather(cut.flip.long(), cut.top, torch.where(cut.flip, far, cut.left))
        else:
            inputs -= self.centre_mean
        if self.how.colour is not None and cut.shifts.shape[1]:
            # A row at a time: three numbers would be too short a stretch to add quickly.
            row = cut.shifts[:, None, :].repeat(1, 1, self.how.side)
            inputs.flatten(2).add_(row)
            if self.how.colour.divisor != 1:
                inputs *= 1 / self.how.colour.divisor


def _mirrored(images: Tensor, flip: Tensor) -> Tensor:
    if images.device.type != "cpu":
        return torch.where(flip[:, None, None, None], images.flip(2), images)
    some = flip.nonzero().flatten()  # the others need no second look
    images.numpy()[some.numpy()] = images.index_select(0, some).flip(2).numpy()  # again by whole rows
    return images
