"""Measured ratios: workloads, each done in several ways that alternate. Nothing here enters a key."""
