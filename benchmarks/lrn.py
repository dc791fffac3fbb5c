"""Response normalisation forward and backward: ours against `nn.LocalResponseNorm`, as a table of ratios.

python benchmarks/lrn.py [--device cpu] [--threads 2] [--repeats 7] [--batch 128] [--huge-pages] [--clock cpu]

Repeats go A B A B …, each on fresh outputs, so that a load from elsewhere meets both. `stock` is
`nn.LocalResponseNorm` on the same tensor; it has no columns, so ours has none here either. On a CPU it has
no bf16, so there it goes through fp32 and back. `copy` is one read and one write, the least a forward pass
can do. `--huge-pages` asks the allocator for 2 MiB pages, which spares both of them page faults. With
`--clock cpu` the process's own time is counted: with one thread, all that a busy machine lets one measure.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
if "--huge-pages" in sys.argv:
    os.environ["THP_MEM_ALLOC_ENABLE"] = "1"  # read once, at the allocator's first use

import torch
from torch import Tensor, nn

from harness.models.description import AcrossMaps
from harness.models.layers.lrn import normalise

SHAPES = ((96, 55, 55), (256, 27, 27))  # conv1's and conv2's outputs
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}
FORMATS = {"NCHW": torch.contiguous_format, "channels-last": torch.channels_last}
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}
LAYER = AcrossMaps(divided=True)  # as PyTorch has it


def timed(work: Callable[[], object], device: str, clock: Callable[[], float]) -> float:
    """Seconds of one call."""
    if device == "cuda":
        torch.cuda.synchronize()
    start = clock()
    work()
    if device == "cuda":
        torch.cuda.synchronize()
    return clock() - start


def stock(x: Tensor) -> Tensor:
    """PyTorch's layer."""
    if x.dtype == torch.bfloat16 and not x.is_cuda:
        return stock(x.float()).to(x.dtype)
    return nn.functional.local_response_norm(x, 5, k=2.0)


def both_ways(layer: Callable[[Tensor], Tensor], x: Tensor, g: Tensor) -> Callable[[], None]:
    """Forward and backward pass through `layer`."""

    def work() -> None:
        x.grad = None
        torch.autograd.backward(layer(x), g)

    return work


def interleaved(
    works: dict[str, Callable[[], object]], repeats: int, device: str, clock: str
) -> dict[str, list[float]]:
    """Seconds of every work, `repeats` times in turn, after one unmeasured round."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for i in range(repeats + 1):
        for name, work in works.items():
            seconds = timed(work, device, CLOCKS[clock])
            if i:
                times[name].append(seconds)
    return times


def measure(device: str, batch: int, repeats: int, clock: str) -> Iterator[str]:
    """Rows of the table."""
    for shape in SHAPES:
        for kind, dtype in DTYPES.items():
            for name, memory in FORMATS.items():
                values = torch.randn(2, batch, *shape, device=device).to(dtype)
                x, g = (v.contiguous(memory_format=memory) for v in values)
                x.requires_grad_()
                works: dict[str, Callable[[], object]] = {
                    "stock": both_ways(stock, x, g),
                    "ours": both_ways(lambda t: normalise(t, LAYER), x, g),
                    "copy": lambda x=x: x.detach().clone(),  # type: ignore[misc]
                }
                times = interleaved(works, repeats, device, clock)
                ratios = [a / b for a, b in zip(times["stock"], times["ours"], strict=True)]
                cells = [f"({batch}, {', '.join(map(str, shape))})", kind, name]
                cells += [_spread(times[n], 1e3) for n in ("stock", "ours", "copy")]
                yield "| " + " | ".join([*cells, _spread(ratios), str(repeats)]) + " |"


def conditions(options: argparse.Namespace) -> str:
    """What the options say of the measurement."""
    pages = ", huge pages asked for" if options.huge_pages else ""
    return f"{options.clock} clock, batch {options.batch}{pages}"


def hardware(device: str) -> str:
    """One line that says what this ran on."""
    models = [line.split(":")[1].strip() for line in _cpuinfo() if line.startswith("model name")]
    model = models[0] if models else platform.machine()
    name = torch.cuda.get_device_name() if device == "cuda" else f"{model}, {torch.get_num_threads()} threads"
    load = f", load average {os.getloadavg()[0]:.1f} of {os.cpu_count()} cores before"
    return f"{name}; torch {torch.__version__}, Python {platform.python_version()}{load}"


def _cpuinfo() -> list[str]:
    try:
        return Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []


def _spread(values: list[float], scale: float = 1.0) -> str:
    digits = 1 if scale == 1.0 else 0
    middle, low, high = (scale * v for v in (statistics.median(values), min(values), max(values)))
    return f"{middle:.{digits}f} ({low:.{digits}f}–{high:.{digits}f})"


def main() -> None:
    """Prints the table."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--huge-pages", action="store_true")
    parser.add_argument("--clock", default="wall", choices=CLOCKS)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(f"{hardware(options.device)}; {conditions(options)}\n")
    print("| shape | dtype | layout | stock, ms | ours, ms | copy, ms | stock ÷ ours | n |")
    print("|---|---|---|---:|---:|---:|---:|---:|")
    for row in measure(options.device, options.batch, options.repeats, options.clock):
        print(row, flush=True)
    print("\nMedian (least–most) of n; ratios are of neighbouring runs.")


if __name__ == "__main__":
    main()
