"""What every figure is drawn with: the frame, axes, labels, curves and pictures."""
