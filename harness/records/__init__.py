"""What trials leave behind: records, their keys, and the folder that holds them."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.records.store import Store

__all__ = ["Store"]
USUAL = Path("results")  # the folder of commands that name none


def __getattr__(name: str) -> Any:
    """Loads the store when it is first named, so that `--help` need not."""
    if name == "Store":
        from harness.records.store import Store

        return Store
    raise AttributeError(name)
