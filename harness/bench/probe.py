"""Prints as JSON what torch can do with a device: a separate process, since that may crash or hang."""

from __future__ import annotations

import json
import sys
from typing import Any

KERNELS = "Triton's kernels"  # whether those of response normalisation run, as trainings need them


def probe(device: str) -> dict[str, Any]:
    """Versions, the device, whether its products in fp32 and bf16 are right, and whether Triton runs."""
    import torch

    found: dict[str, Any] = {"torch": torch.__version__, "built for CUDA": torch.version.cuda}
    found["available"] = device == "cpu" or torch.cuda.is_available()
    if not found["available"]:
        return found
    if device != "cpu":
        seen = torch.cuda.get_device_properties(0)
        found |= {"device": seen.name, "GiB": round(seen.total_memory / 2**30, 1)}
        found |= {"capability": f"{seen.major}.{seen.minor}", "cuDNN": torch.backends.cudnn.version()}  # type: ignore[no-untyped-call]
    for dtype in (torch.float32, torch.bfloat16):
        ones = torch.ones(256, 256, dtype=dtype, device=device)
        found[str(dtype)] = bool((ones @ ones == 256).all())
    if device != "cpu":
        from harness.models.layers import lrn

        found[KERNELS] = lrn.triton_kernel() is not None  # if not, the reason is logged
    return found


if __name__ == "__main__":
    print(json.dumps(probe(sys.argv[1])))
