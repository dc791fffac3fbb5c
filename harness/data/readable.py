"""Files that cannot be read, said in a sentence. No torch, no numpy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.contract.errors import DataError
from harness.contract.visible import visible


@contextmanager
def reading(place: Path) -> Iterator[None]:
    """Turns an OSError into a DataError that names the file, or `place` if the error names none."""
    try:
        yield
    except BrokenPipeError:  # the reader of the output is gone
        raise
    except OSError as error:
        named = visible(str(error.filename or place))
        raise DataError(f"{named} cannot be read: {error.strerror or error}; make it readable") from None
