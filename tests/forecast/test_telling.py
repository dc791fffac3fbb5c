"""Speeds from a few records in the middle are those from all records."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.contract.device import CPU, CUDA
from harness.contract.trial import Precision
from harness.forecast import cost
from harness.forecast.telling import telling
from harness.records.record import Record
from harness.records.store import Store
from tests.fakes.evidence.experiments import HERE, Network, Tiny, trial
from tests.fakes.evidence.trials import record_for

FAST = trial("relu", 0)
SLOW = replace(FAST, settings=Tiny("tanh", network=Network("slow", 3_000)))


def timed(fast: bool, precision: Precision, rate: float) -> Record:
    one = record_for(replace(FAST if fast else SLOW, precision=precision), HERE)
    return replace(one, cost={"images_per_second": rate} if rate else {})


class Held(Store):
    """A store of these records, without files."""

    def __init__(self, records: list[Record]) -> None:
        super().__init__("nowhere")
        self.records = records


@given(st.lists(st.builds(timed, st.booleans(), st.sampled_from(Precision), st.floats(0, 1e4)), max_size=9))
def test_speeds_are_those_of_all_records(records: list[Record]) -> None:
    for trials in ([FAST], [SLOW], [FAST, SLOW], [replace(FAST, precision=Precision.BF16), SLOW], []):
        for device in (CPU, CUDA):
            few = telling(Held(records), trials, device)
            assert cost.speeds(trials, device, few) == cost.speeds(trials, device, records)
            assert cost.unknown(trials, device, few) == cost.unknown(trials, device, records)
            assert len(few) <= 4


def test_a_record_that_is_added_tells_too() -> None:
    store = Held([timed(True, Precision.FP32, 100.0)])
    assert len(telling(store, [FAST], CPU)) == 1
    store.records.append(timed(True, Precision.FP32, 200.0))
    assert len(telling(store, [FAST], CPU)) == 2
    assert cost.estimate([FAST], CPU, 1, telling(store, [FAST], CPU)).seconds == pytest.approx(1_000 / 150)
