"""Tables in a narrow terminal: a number stays whole, and no column vanishes."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from harness.cli.terminal.tables import Row, grid, print_rows

RUN: Row = {
    "claim": "kernel-specialisation",
    "protocol": "cifar10-scarce --precision bf16 --until-decided",
    "trials": "34",
    "core": "5.6 days",
    "GPU": "~22.1 h",
}
SEEDS = ("arm", "seed", "single top1 error", "average top5 error", "95 % interval", "status", "key")
SEED = ("paper", "1001", "28.52", "10.01", "[−3.487, 1.912]", "ok", "b768d8655c78")


def printed(rows: list[Row], width: int = 80) -> list[str]:
    screen = Console(file=io.StringIO(), width=width)
    print_rows(rows, False, screen)
    return screen.file.getvalue().splitlines()  # type: ignore[attr-defined, no-any-return]


def drawn(rows: list[tuple[str, ...]], width: int) -> list[str]:
    screen = Console(file=io.StringIO(), width=width)
    screen.print(grid(SEEDS, rows, width))
    return screen.file.getvalue().splitlines()  # type: ignore[attr-defined, no-any-return]


def test_a_long_protocol_is_wrapped_between_words_and_hides_no_other_column() -> None:
    lines = printed([RUN])
    assert max(map(len, lines)) <= 80
    assert lines[0].split() == list(RUN)
    said = " ".join(lines)
    words = [word for name in ("claim", "protocol") for word in RUN[name].split()]
    assert all(whole in said for whole in (*words, "34", "5.6 days", "~22.1 h"))


@given(st.integers(1, 12), st.integers(40, 120))
def test_no_number_is_broken_at_any_width(count: int, width: int) -> None:
    lines = drawn([SEED] * count, width)
    assert max(map(len, lines)) <= width
    for cell in SEED[1:]:
        assert sum(line.count(cell) for line in lines) == count, cell


def test_what_does_not_fit_lies_on_its_side_in_as_many_parts_as_that_takes() -> None:
    wide, narrow = drawn([SEED] * 3, 100), drawn([SEED] * 3, 60)
    assert len(wide) == 4
    heads = [line for line in narrow if line.startswith("arm")]
    assert [line.split() for line in heads] == [["arm", "paper", "paper"], ["arm", "paper"]]
    assert [line.split()[0] for line in narrow if line.startswith(("arm", "seed"))] == ["arm", "seed"] * 2
    assert len(narrow) == 2 * len(SEEDS)


@pytest.mark.parametrize("width", [20, 40])
def test_a_word_too_long_for_the_terminal_is_folded_and_not_cut(width: int) -> None:
    lines = printed([{"check": "data", "seen": "a" * 50}], width)
    assert sum(line.count("a") for line in lines[1:]) == 50 + "data".count("a")
