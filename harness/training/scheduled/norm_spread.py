"""What response normalisation (§3.3) does in a trained network: its sums' size and its factor's spread.

A norm multiplies by (k + α Σ a²)^−β. Where α Σ a² is small compared with k, this is one constant for all
units, and a network with such a norm differs from one without it only by a constant.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from harness.data.augmentation import Views
from harness.models.layers import lrn_field
from harness.models.layers.lrn import ResponseNorm, base
from harness.models.layers.lrn_field import formula
from harness.models.network import Net

IMAGES = 500


@torch.no_grad()
def of(net: Net, views: Views) -> list[dict[str, Any]]:
    """Every norm, in order: mean of α Σ a², and the factor's mean and coefficient of variation.

    Over all units of the centre views of 500 images at even distances, in fp32 and evaluation mode.
    """
    found: list[dict[str, Any]] = []
    norms = [module for module in net.layers if isinstance(module, ResponseNorm)]
    hooks = [norm.register_forward_pre_hook(_watching(found)) for norm in norms]
    training = net.training
    net.eval()
    try:
        if norms:
            few = views.spaced(IMAGES)
            net(few.see(torch.arange(len(few.images), device=few.mean.device), few.centre))
    finally:
        net.train(training)
        for hook in hooks:
            hook.remove()
    return found


def _watching(found: list[dict[str, Any]]) -> Any:
    def watch(module: nn.Module, inputs: tuple[Tensor]) -> None:
        assert isinstance(module, ResponseNorm)
        field = lrn_field.of(inputs[0].float(), module.layer)
        under = base(field, formula(module.layer)).double()
        factor = under**-module.layer.beta
        found.append(
            {
                "load": float((under - module.layer.k).mean()),
                "factor": float(factor.mean()),
                "spread": float(factor.std() / factor.mean()),
            }
        )

    return watch
