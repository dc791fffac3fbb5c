"""Measured ratios: workloads, each done in several ways that take turns. Nothing here enters a key."""
