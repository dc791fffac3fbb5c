"""Data sets: where they are, what they are, and how they become resident tensors."""
