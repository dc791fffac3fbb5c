"""Response normalisation against the formula written out, in every dtype, layout and implementation."""

from __future__ import annotations

import importlib
import math
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from harness.models.description import AcrossMaps, Conv, WithinMap
from harness.models.layers import lrn, reuse
from harness.models.layers.lrn import build, normalise, reference
from harness.models.layers.lrn_numba import _bf16_bits, compile_passes
from tests.fakes.compilers import said_without

TOLERANCE = {torch.float64: 1e-12, torch.float32: 1e-6, torch.bfloat16: 1e-2}
LAYERS = (
    AcrossMaps(),
    AcrossMaps(groups=2, divided=True),
    AcrossMaps(size=9, alpha=0.01, k=1.0),
    AcrossMaps(size=4, alpha=0.5),
    AcrossMaps(size=1),
    AcrossMaps(size=7, beta=0.6, alpha=1.0),
    WithinMap(),
    WithinMap(size=3, alpha=5e-5),
    WithinMap(size=4, alpha=0.3, divided=False, beta=1.0),
)


@pytest.fixture
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def by_hand(x: np.ndarray, layer: AcrossMaps | WithinMap) -> np.ndarray:
    """§3.3's formula, one number at a time; windows stop at the ends of a column, or of a map."""
    before, after = (layer.size - 1) // 2, layer.size // 2
    across = isinstance(layer, AcrossMaps)
    alpha = layer.alpha / (layer.size ** (1 if across else 2)) if layer.divided else layer.alpha
    out = np.empty_like(x)
    for n, c, i, j in np.ndindex(x.shape):
        if isinstance(layer, AcrossMaps):
            column = x.shape[1] // layer.groups
            start = c // column * column
            window = x[n, max(start, c - before) : min(start + column, c + after + 1), i, j]
        else:
            window = x[n, c, max(0, i - before) : i + after + 1, max(0, j - before) : j + after + 1]
        out[n, c, i, j] = x[n, c, i, j] / (layer.k + alpha * np.sum(window**2)) ** layer.beta
    return out


def both_ways(
    x: Tensor, g: Tensor, layer: AcrossMaps | WithinMap, how: object = normalise
) -> tuple[Tensor, Tensor]:
    x = x.detach().clone(memory_format=torch.preserve_format).requires_grad_()
    y = how(x, layer)  # type: ignore[operator]
    y.backward(g)
    assert x.grad is not None
    return y.detach(), x.grad


def close(x: Tensor, g: Tensor, layer: AcrossMaps | WithinMap) -> None:
    """Forward number by number, backward against the largest gradient, because gradients cancel."""
    y, dx = both_ways(x, g, layer)
    exact, exact_dx = both_ways(x.double(), g.double(), layer, reference)
    assert y.dtype == dx.dtype == x.dtype
    tolerance = TOLERANCE[x.dtype]
    torch.testing.assert_close(y.double(), exact, rtol=tolerance, atol=1e-30)
    assert (dx.double() - exact_dx).abs().max() <= tolerance * exact_dx.abs().max()


@pytest.mark.parametrize("layer", LAYERS, ids=str)
def test_the_reference_is_the_formula(layer: AcrossMaps | WithinMap) -> None:
    x = np.random.default_rng(0).normal(size=(2, 6, 5, 4)) * 3
    np.testing.assert_allclose(reference(torch.tensor(x), layer).numpy(), by_hand(x, layer), rtol=1e-13)


@pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last], ids=str)
@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("layer", LAYERS, ids=str)
@pytest.mark.parametrize("scale", [1.0, 1e4])
def test_forward_and_backward(
    layer: AcrossMaps | WithinMap, dtype: torch.dtype, memory: torch.memory_format, scale: float
) -> None:
    torch.manual_seed(0)
    x = (torch.randn(3, 8, 7, 5) * scale).to(dtype).contiguous(memory_format=memory)
    close(x, torch.randn(3, 8, 7, 5).to(dtype), layer)


@settings(max_examples=40, deadline=None)
@given(
    shape=st.tuples(*(st.integers(1, 9) for _ in range(4))),
    size=st.integers(1, 11),
    within=st.booleans(),
    last=st.booleans(),
    seed=st.integers(0, 9),
)
def test_any_shape_and_window(shape: tuple[int, ...], size: int, within: bool, last: bool, seed: int) -> None:
    """One map, fewer maps than the window, single pixels, odd and even windows."""
    layer = WithinMap(size=size, alpha=0.1) if within else AcrossMaps(size=size, alpha=0.1)
    x = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    memory = torch.channels_last if last else torch.contiguous_format
    close(x.contiguous(memory_format=memory), torch.ones(shape), layer)


@pytest.mark.parametrize("layer", LAYERS, ids=str)
def test_gradcheck(layer: AcrossMaps | WithinMap) -> None:
    x = torch.randn(2, 4, 3, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda t: normalise(t, layer), (x,))


@pytest.mark.parametrize("layer", [AcrossMaps(groups=2), WithinMap()], ids=str)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last], ids=str)
@pytest.mark.usefixtures("threads")
def test_any_number_of_threads_gives_the_same_bits(
    layer: AcrossMaps | WithinMap, dtype: torch.dtype, memory: torch.memory_format
) -> None:
    x = torch.randn(12, 96, 31, 27).to(dtype).contiguous(memory_format=memory)
    g = torch.randn_like(x)
    close(x, g, layer)
    found = []
    for count in (1, 2, 3):
        torch.set_num_threads(count)
        found.append(both_ways(x, g, layer))
    for y, dx in found[1:]:
        assert torch.equal(y, found[0][0])
        assert torch.equal(dx, found[0][1])


@pytest.mark.parametrize("layer", [AcrossMaps(), WithinMap()], ids=str)
def test_strided_inputs_and_gradients(layer: AcrossMaps | WithinMap) -> None:
    x = torch.randn(4, 9, 6, 10)[::2, :, :, ::2]
    assert not x.is_contiguous()
    close(x, torch.randn(5, 6, 9, 2).permute(3, 2, 1, 0), layer)


def test_an_expanded_gradient_and_zeros() -> None:
    layer = AcrossMaps()
    x = torch.zeros(2, 7, 3, 3, requires_grad=True)
    y = normalise(x, layer)
    y.sum().backward()
    assert x.grad is not None
    assert not y.any()
    torch.testing.assert_close(x.grad, torch.full_like(x, layer.k**-layer.beta))


def test_the_memory_format_is_kept_and_an_empty_batch_stays_empty() -> None:
    x = torch.randn(2, 8, 5, 5).contiguous(memory_format=torch.channels_last)
    assert normalise(x, AcrossMaps()).is_contiguous(memory_format=torch.channels_last)
    assert normalise(torch.empty(0, 8, 5, 5), WithinMap()).shape == (0, 8, 5, 5)


def test_a_flat_input_across_units() -> None:
    x = torch.randn(3, 10)
    torch.testing.assert_close(
        normalise(x, AcrossMaps()), normalise(x[..., None, None], AcrossMaps())[..., 0, 0]
    )


def test_only_the_input_is_saved() -> None:
    saved: list[int] = []
    x = torch.randn(2, 8, 16, 16, requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(lambda t: saved.append(t.data_ptr()) or t, lambda t: t):
        normalise(x, AcrossMaps())
    assert saved == [x.data_ptr()]


def test_windows_never_cross_columns() -> None:
    x = torch.randn(1, 8, 2, 2)
    moved = x.clone()
    moved[:, 4:] *= 100
    layer = AcrossMaps(groups=2, alpha=0.1)
    assert torch.equal(normalise(x, layer)[:, :4], normalise(moved, layer)[:, :4])
    assert not torch.equal(normalise(x, replace(layer, groups=1))[:, :4], normalise(moved, layer)[:, :4])


@pytest.mark.parametrize("size", [3, 5, 9])
def test_pytorch_divides_alpha_by_n(size: int) -> None:
    x = torch.randn(2, 12, 5, 5)
    stock = nn.LocalResponseNorm(size, alpha=1e-2, k=2.0)(x)
    torch.testing.assert_close(
        normalise(x, AcrossMaps(size, 1e-2, divided=True)), stock, rtol=1e-6, atol=1e-7
    )
    torch.testing.assert_close(normalise(x, AcrossMaps(size, 1e-2 / size)), stock, rtol=1e-6, atol=1e-7)


def test_under_autocast() -> None:
    module = nn.Sequential(nn.Conv2d(3, 8, 3), build(AcrossMaps(), (8, 6, 6)))
    with torch.autocast("cpu", torch.bfloat16):
        y = module(torch.randn(2, 3, 8, 8))
        loss = y.float().square().mean()
    loss.backward()
    assert y.dtype == torch.bfloat16
    assert all(p.grad is not None and p.grad.isfinite().all() for p in module.parameters())


def test_onnx_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    """The backend test cases `test_lrn` and `test_lrn_default`; ONNX divides α by n; its k is 1."""
    pytest.importorskip("onnx")
    case = importlib.import_module("onnx.backend.test.case.node.lrn")
    seen: list[str] = []

    def check(node: object, inputs: list[np.ndarray], outputs: list[np.ndarray], name: str) -> None:
        given = {a.name: a.i if a.name == "size" else a.f for a in node.attribute}  # type: ignore[attr-defined]
        layer = AcrossMaps(
            given["size"],
            given.get("alpha", 1e-4),
            given.get("beta", 0.75),
            given.get("bias", 1.0),
            divided=True,
        )
        for how in (normalise, reference):
            y = how(torch.from_numpy(inputs[0]), layer).numpy()
            np.testing.assert_allclose(y, outputs[0], rtol=1e-6, atol=1e-7)
        seen.append(name)

    monkeypatch.setattr(case, "expect", check)
    case.LRN.export()
    case.LRN.export_default()
    assert seen == ["test_lrn", "test_lrn_default"]


def test_build_refuses_what_it_cannot() -> None:
    with pytest.raises(ValueError, match="do not divide into 2 columns"):
        build(AcrossMaps(groups=2), (7, 5, 5))
    with pytest.raises(TypeError, match="cannot build Conv"):
        build(Conv("c", 3), (7, 5, 5))


def test_where_triton_s_kernels_do_not_run_it_says_why_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As without a C compiler; here, without a GPU."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch, "ones", broken)
    assert said_without(lrn.triton_kernel, caplog) == [
        f"{lrn.SLOWER}: Triton's kernels do not run here (no C compiler)"
    ]


def broken(*_: object, **__: object) -> None:
    raise RuntimeError("no C\n compiler")


@pytest.mark.parametrize(("name", "kernel"), [("Triton", lrn.triton_kernel), ("Numba", lrn.numba_kernel)])
def test_without_a_compiler_it_says_why_once(
    name: str, kernel: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, f"harness.models.layers.lrn_{name.lower()}", None)
    (said,) = said_without(kernel, caplog)
    assert f"{name} cannot be imported" in said


@pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last], ids=str)
def test_without_a_compiler_the_reference_runs(
    memory: torch.memory_format, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lrn, "numba_kernel", lambda: None)
    x = torch.randn(2, 8, 5, 3).contiguous(memory_format=memory)
    close(x, torch.randn(2, 8, 5, 3), WithinMap())
    assert normalise(x, WithinMap()).is_contiguous(memory_format=memory)


def test_fp32_and_bf16_are_compiled_on_a_cpu() -> None:
    """So comparisons with the formula in float64 are of Numba's code, not of the reference with itself."""
    layer = AcrossMaps()
    one, two, other = (
        lrn._fused(torch.ones(1, 2, 1, 1, dtype=dtype), layer) for dtype in reversed(TOLERANCE)
    )
    assert one is two is lrn.numba_kernel() is not None
    assert other is None


def test_what_was_compiled_is_found_again_under_a_name_of_its_own() -> None:
    """By new functions, as in a later process. Numba takes one code for another if they share a name."""
    cases = ((1, 5, True, False), (1, 5, True, True), (5, 5, True, False))
    for _ in range(2):
        compile_passes.cache_clear()
        found = [one for case in cases for one in compile_passes(*case)]
    assert all(one.stats.cache_hits and not one.stats.cache_misses for one in found)
    assert len({one.py_func.__qualname__ for one in found}) == len(found)


def test_bf16_is_rounded_to_the_nearest() -> None:
    """Both ways from ties, over a power of two, to infinity, and what is no number."""
    bits = [
        high << 16 | low
        for high in (0x3F80, 0x3F81, 0x3FFF, 0xC001, 0, 0x7F7F, 0x7F80, 0xFF80)
        for low in (0, 1)
    ]
    bits += [
        high << 16 | low
        for high in (0x3F80, 0x3F81, 0x3FFF, 0x7F7F)
        for low in (0x7FFF, 0x8000, 0x8001, 0xFFFF)
    ]
    numbers = np.array([*bits, 0x7FFFFFFF, 0xFFFFFFFF, 0x7FC00000], np.uint32).view(np.float32)
    found = np.array([_bf16_bits(number) for number in numbers], np.uint16)
    expected = torch.from_numpy(numbers).bfloat16()
    same = torch.from_numpy(found).view(torch.bfloat16)
    torch.testing.assert_close(same, expected, rtol=0, atol=0, equal_nan=True)


INTERPRETED = """
import torch
from harness.models.description import AcrossMaps
from harness.models.layers import lrn_field
from harness.models.layers.lrn import reference
from harness.models.layers.lrn_field import formula
from harness.models.layers.lrn_triton import FusedTriton

torch.manual_seed(0)
for layer, shape in (
    (AcrossMaps(groups=2), (2, 40, 3, 23)),
    (AcrossMaps(size=4, alpha=0.1), (3, 3, 5, 1)),
    (AcrossMaps(size=7, beta=0.5, alpha=0.1), (1, 1, 2, 2)),
):
    for dtype, tolerance in ((torch.float32, 1e-6), (torch.bfloat16, 1e-2)):
        for memory in (torch.contiguous_format, torch.channels_last):
            x, g = ((s * torch.randn(shape)).to(dtype).contiguous(memory_format=memory) for s in (3, 1))
            a, b = x.clone().requires_grad_(), x.double().requires_grad_()
            y = lrn_field.back(FusedTriton.apply(lrn_field.of(a, layer), formula(layer)), a)
            exact = reference(b, layer)
            y.backward(g)
            exact.backward(g.double())
            torch.testing.assert_close(y.double(), exact, rtol=tolerance, atol=1e-30)
            assert (a.grad.double() - b.grad).abs().max() <= tolerance * b.grad.abs().max()
print("same")
"""


def test_the_triton_kernels_in_the_interpreter() -> None:
    pytest.importorskip("triton")
    root = Path(__file__).resolve().parents[3]
    environment = {**os.environ, "TRITON_INTERPRET": "1", "PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", INTERPRETED],
        env=environment,
        cwd=root,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.stdout.strip() == "same", done.stderr[-2000:]


@pytest.mark.parametrize("window", [1, 4, 5])
@pytest.mark.parametrize("flat", [False, True])
def test_the_triton_kernels_compile_for_an_h100(
    window: int, flat: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The interpreter accepts any Python; the compiler does not, and needs no GPU."""
    triton = pytest.importorskip("triton")
    from triton.backends.compiler import GPUTarget

    from harness.models.layers import lrn_triton

    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    tall, wide = (1, lrn_triton.RUN) if flat else lrn_triton.TILE
    fixed = {"n": window, "flat": flat, "tall": tall, "wide": wide, "usual": True}
    fixed |= {"pixels": 1} if flat else {}
    kinds = dict.fromkeys("xgy", "*bf16") | dict.fromkeys(("numel", "maps", "pixels"), "i32")
    for kernel in (lrn_triton._forward, lrn_triton._backward):
        names = {name: "constexpr" if name in fixed else kinds.get(name, "fp32") for name in kernel.arg_names}
        source = triton.compiler.ASTSource(kernel, names, fixed)
        assert triton.compile(source, target=GPUTarget("cuda", 90, 32)).asm["cubin"]


@pytest.mark.gpu
@pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last], ids=str)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("layer", LAYERS, ids=str)
def test_on_a_gpu(layer: AcrossMaps | WithinMap, dtype: torch.dtype, memory: torch.memory_format) -> None:
    torch.manual_seed(0)
    x = torch.randn(4, 48, 13, 13, device="cuda").to(dtype).contiguous(memory_format=memory)
    # Else the reference would run in the kernel's place, and be compared with itself.
    assert (lrn._fused(x, layer) is not None) == isinstance(layer, AcrossMaps)
    close(x, torch.randn_like(x), layer)


def test_powers_of_three_quarters_are_exact_over_the_range() -> None:
    """Channels of one number: x / (k + α x²)^¾ from 1e-4 to 1e4, against float64."""
    x = torch.logspace(-4, 4, 1001).view(-1, 1, 1, 1)
    y = normalise(x, AcrossMaps(size=1, alpha=1.0))
    exact = torch.tensor([v / (2 + v * v) ** 0.75 for v in map(float, x.flatten().double())])
    assert ((y.flatten().double() - exact) / exact).abs().max() < 1e-6
    assert math.isfinite(float(y.sum()))


def test_large_results_reuse_memory_that_nothing_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reuse, "_idle", {})
    like = torch.empty(2, 7, 1031, 1013).contiguous(memory_format=torch.channels_last)
    first = reuse.fresh(like)
    assert (first.shape, first.stride(), first.dtype) == (like.shape, like.stride(), like.dtype)
    place, part = first.data_ptr(), first[0].fill_(3)
    del first
    second = reuse.fresh(like)
    assert second.data_ptr() != place  # a view still holds the first
    second.zero_()
    assert (part == 3).all()
    del part
    assert reuse.fresh(like.flatten()).data_ptr() == place
    assert len(reuse._idle) == 1
    monkeypatch.setattr(reuse, "MOST", 0)
    del second
    assert not reuse._idle


def test_memory_comes_back_from_autograd() -> None:
    module, x = build(AcrossMaps(), (32, 64, 64)), torch.randn(16, 32, 64, 64, requires_grad=True)
    places = set()
    for _ in range(4):
        x.grad = None
        y = module(x)
        places.add(y.data_ptr())
        y.sum().backward()
        del y
    assert len(places) <= 2
