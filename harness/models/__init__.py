"""Networks: described as data, and built as PyTorch modules from that description alone."""
