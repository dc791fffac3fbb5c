"""What norms do in a network, against PyTorch's own normalisation of the same inputs in float64."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from harness.data.augmentation import Views
from harness.data.images import Images
from harness.data.views import Augmentation
from harness.models.alexnet import PAPER, SOURCE_2012
from harness.models.description import AcrossMaps
from harness.models.network import Net
from harness.models.proxy import small
from harness.training.scheduled import norm_spread


def views() -> Views:
    pixels = torch.randint(256, (20, 24, 24, 3), generator=torch.Generator().manual_seed(1)).to(torch.uint8)
    return Views(Images(pixels, torch.zeros(20, dtype=torch.int64)), torch.zeros(24, 24, 3), Augmentation(24))


def test_the_first_norms_load_and_spread_are_those_of_pytorchs_norm() -> None:
    net = Net(small(PAPER, norm1=(AcrossMaps(groups=1),))).initialise(2).train()
    first, second = norm_spread.of(net, views())
    assert net.training  # left as it was
    inputs = views().see(torch.arange(20), views().centre)
    with torch.no_grad():
        seen = net.layers[1](net.layers[0](inputs)).double()
    seen = seen.clamp_min(1e-9)  # so that the factor is out ÷ in everywhere
    factor = functional.local_response_norm(seen, 5, alpha=5 * 1e-4, beta=0.75, k=2.0) / seen
    assert first["factor"] == pytest.approx(float(factor.mean()), rel=1e-6)
    assert first["spread"] == pytest.approx(float(factor.std() / factor.mean()), rel=1e-4)
    assert first["load"] == pytest.approx(float((factor ** (-1 / 0.75) - 2).mean()), rel=1e-4)
    assert second["load"] > 0


def test_a_constant_norm_has_no_spread_and_a_network_without_norms_none_to_tell_of() -> None:
    constant = replace(AcrossMaps(groups=2), alpha=0.0)
    found = norm_spread.of(Net(small(PAPER, norm1=(constant,), norm2=())).initialise(2), views())
    assert found == [
        {"load": 0.0, "factor": pytest.approx(2**-0.75), "spread": pytest.approx(0.0, abs=1e-12)}
    ]
    assert norm_spread.of(Net(small(PAPER, norm1=(), norm2=())).initialise(2), views()) == []


def test_all_three_norms_of_the_source_are_told() -> None:
    assert len(norm_spread.of(Net(small(SOURCE_2012)).initialise(2), views())) == 3
