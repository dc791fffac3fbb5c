"""Data sets: where they are, which images they hold, and how images become batches."""
