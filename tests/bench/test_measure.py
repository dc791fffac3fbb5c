"""Turns, medians and ratios, against numbers that can be checked by hand."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from harness.bench import measure, players
from harness.bench.machine import Others
from harness.bench.measure import RoundTable, Turns, take_turns
from harness.bench.players import Done, Failed, Turn, seconds_an_image
from harness.bench.statistics import MedianAndRange, ratios, spread
from harness.bench.workload import Unit, Way, WayKind, Ways
from harness.contract.device import CUDA
from harness.contract.progress import SILENT
from tests.fakes.bench import asked, way

OURS, STOCK, LIMIT = (
    way("ours", WayKind.OURS, ceiling="limit"),
    way("stock", ceiling="limit"),
    way("limit", WayKind.CEILING),
)


def test_the_middle_and_the_ends() -> None:
    assert spread([3.0, 1.0, 10.0]) == MedianAndRange(3.0, 1.0, 10.0, 3)
    assert spread([4.0, 1.0]).median == 2.5


def test_ratios_are_of_the_same_round() -> None:
    """The second round was four times as slow for both: their ratio is unaffected, that of medians is not."""
    assert ratios([2.0, 8.0, 3.0], [1.0, 4.0, 1.0]) == [2.0, 2.0, 3.0]
    with pytest.raises(ValueError, match="shorter"):
        ratios([1.0, 2.0], [1.0])


def test_processes_at_once_are_timed_from_the_first_start_to_the_last_end() -> None:
    together = [Done(100.0, start=10.0, end=12.0), Done(300.0, start=10.5, end=14.0)]
    assert seconds_an_image(together) == pytest.approx(4.0 / 400)


def test_a_row_in_milliseconds_a_batch_and_in_images_a_second() -> None:
    seconds = {"ours": [0.1, 0.2, 0.1], "stock": [0.2, 0.6, 0.3], "limit": [0.05, 0.05, 0.05]}
    turns = Turns(10, seconds, {})
    row = measure._row(STOCK, turns, "ours", Unit.TIME)
    assert row.value == MedianAndRange(pytest.approx(3000), pytest.approx(2000), pytest.approx(6000), 3)
    assert row.ratio == MedianAndRange(pytest.approx(3), pytest.approx(2), pytest.approx(3), 3)
    assert row.share is not None
    assert row.share.median == pytest.approx(0.05 / 0.3)
    assert measure._row(STOCK, turns, "ours", Unit.RATE).value.median == pytest.approx(1 / 0.3)
    assert measure._row(OURS, turns, "ours", Unit.RATE).ratio == MedianAndRange(1.0, 1.0, 1.0, 3)
    assert measure._row(LIMIT, turns, "ours", Unit.RATE).share is None


def test_a_ceiling_that_failed_limits_nothing() -> None:
    assert measure._row(OURS, Turns(1, {"ours": [1.0]}, {"limit": "died"}), "ours", Unit.TIME).share is None


class Clock:
    """Time that passes only in turns: a way takes a number of seconds per image."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
        self.now, self.seconds = 0.0, seconds
        self.turns: list[Turn] = []
        monkeypatch.setattr(measure.time, "perf_counter", lambda: self.now)

    def take(self, way: Way, turn: Turn) -> list[Done]:
        start = self.now
        self.now += self.seconds * turn.batch
        self.turns.append(turn)
        return [Done(turn.batch, start, self.now)]


@pytest.mark.parametrize(("seconds", "batch"), [(0.001, 128), (0.05, 32), (5.0, 16)])
def test_the_batch_is_the_largest_for_which_there_is_time(
    seconds: float, batch: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Four rounds of three ways in 20 s: 12 × 0.05 × 32 = 19.2 fits, twice that does not."""
    clock = Clock(monkeypatch, seconds)
    plan = Ways((OURS, STOCK, LIMIT), (128, 64, 32, 16))
    assert RoundTable(plan, asked(tmp_path, seconds=20, rounds=3), clock.take).batch() == batch


@pytest.mark.parametrize(("seconds", "rounds"), [(0.1, 15), (1.0, 9), (4.0, 3), (20.0, 2)])
def test_rounds_follow_from_the_time_of_the_first(
    seconds: float, rounds: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """20 s with two ways: the warm-up round and the first take 4, which leaves room for eight more of 2 s."""
    clock = Clock(monkeypatch, seconds)
    turns = take_turns(
        Ways((OURS, STOCK), (1,)), asked(tmp_path, seconds=20, rounds=7), clock.take, SILENT, "x"
    )
    assert [len(values) for values in turns.seconds.values()] == [rounds, rounds]
    assert [turn.way for turn in clock.turns] == ["ours", "stock"] * (rounds + 1)
    assert [turn.warm for turn in clock.turns] == [True] * 2 + [False] * 2 * rounds


def test_a_way_whose_run_takes_many_steps_is_warmed_up_by_one_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """On a GPU a warm-up is five runs, which may be five times the whole data."""
    clock = Clock(monkeypatch, 1.0)
    plan = Ways((replace(OURS, many_steps=True), STOCK), (1,))
    RoundTable(plan, asked(tmp_path), clock.take).round(1, warm=True)
    runs = dict.fromkeys(("ours", "stock"), 0)

    def work(name: str, batch: int) -> float:
        runs[name] += 1
        return 1.0

    works = {name: partial(work, name) for name in runs}
    for turn in clock.turns:
        players._turn(works, turn, lambda: None, {}, CUDA)
    assert runs == {"ours": 1, "stock": players.WARM}


def test_a_way_that_fails_has_no_more_turns_and_the_others_go_on(tmp_path: Path) -> None:
    def take(way: Way, turn: Turn) -> list[Done]:
        seen.append(way.name)
        if way.name == "stock":
            raise Failed("out of memory")
        return [Done(1.0, 0.0, 1.0)]

    seen: list[str] = []
    plan = Ways((OURS, STOCK), (1,))
    turns = take_turns(plan, asked(tmp_path, seconds=0.001, rounds=2), take, SILENT, "x")
    assert turns.failed == {"stock": "out of memory"}
    assert set(turns.seconds) == {"ours"}
    assert seen.count("stock") == 1


def test_what_other_programs_take_is_not_negative() -> None:
    others = Others()
    sum(range(1_000_000))  # this program's own
    busy = others.cores()
    assert busy is None or busy >= 0


def test_profiles_are_of_one_more_go_and_name_those_that_fail(tmp_path: Path) -> None:
    turns: list[Turn] = []

    def take(way: Way, turn: Turn) -> list[Done]:
        turns.append(turn)
        if way is STOCK:
            raise Failed("out of memory")
        return [Done(turn.batch, 0.0, 1.0, {"idle": 0.0, "aten::add": 20.0, "aten::mm": 60.0})]

    plan, known = Ways((OURS, STOCK, LIMIT)), Turns(4, {"ours": [1.0], "stock": [1.0], "limit": [1.0]}, {})
    found, failed = measure._profiles(plan, known, take, SILENT, "step")
    assert list(found["ours"].items()) == [("aten::mm", 0.75), ("aten::add", 0.25)]
    assert (set(found), failed) == ({"ours"}, {"stock, profiled": "out of memory"})
    assert turns == [Turn(name, 4, 0.0, profiled=True) for name in ("ours", "stock")]
