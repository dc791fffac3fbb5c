"""What trials leave behind: records, their keys, and the folder that holds them."""

from harness.records.store import Store

__all__ = ["Store"]
