"""A store of given records, without files."""

from __future__ import annotations

from harness.records.record import Record
from harness.records.store import Store


class Held(Store):
    """These records, and nowhere to write others."""

    def __init__(self, records: list[Record]) -> None:
        super().__init__("nowhere")
        self.records = records
