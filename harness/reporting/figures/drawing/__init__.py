"""The parts of every figure: frame, axes, labels, curves and pictures."""
