"""A process's numeric settings, as PyTorch itself then reports them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from harness.contract import numerics
from harness.contract.device import DeviceKind
from harness.contract.numerics import Numerics


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    numerics.apply(Numerics())


@pytest.mark.parametrize("tf32", [False, True])
def test_fp32_is_fp32_unless_tf32_is_asked_for(tf32: bool) -> None:
    """In products, and in convolutions, whose default is TF32."""
    numerics.apply(Numerics(tf32=tf32))
    assert torch.backends.cuda.matmul.allow_tf32 is tf32
    assert torch.backends.cudnn.allow_tf32 is tf32
    assert (torch.backends.cudnn.conv.fp32_precision == "tf32") is tf32  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", DeviceKind)
def test_a_gpu_chooses_its_algorithms_and_a_cpu_repeats_itself(kind: DeviceKind) -> None:
    numerics.apply(numerics.usual(kind))
    assert torch.backends.cudnn.deterministic is (kind is DeviceKind.CPU)
    assert torch.backends.cudnn.benchmark is (kind is DeviceKind.CUDA)
    assert torch.get_num_threads() == 1


@pytest.mark.gpu
def test_a_product_in_fp32_has_the_digits_of_fp32() -> None:
    """TF32 keeps ten bits of a factor: its errors are a thousand times as large."""
    numerics.apply(numerics.usual(DeviceKind.CUDA))
    a, b = (torch.randn(512, 512, dtype=torch.float64, device="cuda") for _ in range(2))
    exact = a @ b
    assert float(((a.float() @ b.float()).double() - exact).abs().max()) < 1e-3
    image, kernels = a.view(1, 8, 128, 256), b.view(512, 8, 8, 8)[:16]
    wide = torch.nn.functional.conv2d(image, kernels)
    narrow = torch.nn.functional.conv2d(image.float(), kernels.float())
    assert float((narrow.double() - wide).abs().max()) < 1e-3
