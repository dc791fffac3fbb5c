"""Measured ratios: workloads, each with several ways that are timed in turn. Nothing here enters a key."""
