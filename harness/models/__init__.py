"""Networks: described as data (`description`, `cifar`, `alexnet`), built as PyTorch modules (`network`)."""
