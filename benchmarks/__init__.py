"""Measured ratios, as scripts that print a table; never timed tests."""
