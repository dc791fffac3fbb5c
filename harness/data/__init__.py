"""Data sets: where they are, which images they hold, and how these become batches."""
