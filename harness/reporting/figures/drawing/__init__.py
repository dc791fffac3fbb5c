"""The building blocks of every figure: the frame, axes, labels, curves and pictures."""
