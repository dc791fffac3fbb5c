"""One training step (§5): what the loop repeats, and what `timing` times."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from harness.contract.trial import Precision
from harness.training.update import Momentum2012


def step(
    net: nn.Module,
    update: Momentum2012,
    precision: Precision,
    inputs: Tensor,
    labels: Tensor,
    before_update: Callable[[], None] | None = None,
) -> tuple[Tensor, Tensor]:
    """A batch's mean cross-entropy () and logits (N, classes), by the weights before this step's update.

    Where `net` is `data_parallel.replicated`, its backward pass averages the gradients over all processes.
    """
    found = logits(net, inputs, precision)
    loss = functional.cross_entropy(found, labels)
    loss.backward()  # type: ignore[no-untyped-call]
    if before_update is not None:
        before_update()
    update.step()
    update.forget_gradients()
    return loss.detach(), found.detach()


def logits(net: nn.Module, inputs: Tensor, precision: Precision) -> Tensor:
    """Logits float32 (N, classes), by a forward pass in the trial's precision."""
    with torch.autocast(inputs.device.type, torch.bfloat16, enabled=precision is Precision.BF16):
        found: Tensor = net(inputs)
    return found.float()
