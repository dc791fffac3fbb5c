"""Training inputs on a CPU in one pass, compiled by Numba: from a memory map's bytes to finished floats."""

from __future__ import annotations

import numpy as np

from harness.models.machine_code import compiled

PLACES = "i8[::1], i8[::1], i8[::1]"


@compiled(
    f"void(u1[:, :, :, ::1], {PLACES}, b1[::1], f4[:, :, :, ::1], {PLACES}, f4[:, ::1], f4, f4[:, :, :, ::1])"
)
def vary(pixels, image, top, left, flip, means, mean, mean_top, mean_left, shifts, scale, out):  # type: ignore[no-untyped-def]
    """Writes (crop − mean's crop + shift) · scale to `out`, float32 (n, side, side, 3).

    The i-th crop is of `pixels[image[i]]` at (`top[i]`, `left[i]`), mirrored where `flip[i]`; its mean is cut
    from `means[mean[i]]` in the same way, but never mirrored. `pixels` are uint8 (N, height, width, 3),
    `means` float32 (M, height, width, 3), and `shifts` float32 (n, 3).
    """
    side = out.shape[1]
    row, shift = np.empty(3 * side, np.float32), np.empty(3 * side, np.float32)
    for i in range(len(image)):
        for j in range(3 * side):
            shift[j] = shifts[i, j % 3]
        for r in range(side):
            seen = pixels[image[i], top[i] + r, left[i] : left[i] + side].reshape(-1)
            less = means[mean[i], mean_top[i] + r, mean_left[i] : mean_left[i] + side].reshape(-1)
            to = out[i, r].reshape(-1)
            if flip[i]:
                for c in range(side):
                    for k in range(3):
                        row[3 * c + k] = seen[3 * (side - 1 - c) + k]
            else:
                for j in range(3 * side):
                    row[j] = seen[j]
            for j in range(3 * side):
                to[j] = ((row[j] - less[j]) + shift[j]) * scale
