"""The page of `make gpu`: every part's outcome, what was measured, and the output of failed parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tabulate import tabulate

from harness.bench.parts import PartOutcome, PartState
from harness.contract.formatting import duration
from harness.reporting.markdown import escape

FIRST_FAILURE = "first failure"  # of a file of tests: its text, among what was measured


def page(written: str, made_with: Mapping[str, Any], found: Sequence[PartOutcome]) -> str:
    """The page as Markdown; nothing that a part wrote can become markup."""
    return "\n\n".join(_blocks(written, made_with, found)) + "\n"


def _blocks(written: str, made_with: Mapping[str, Any], found: Sequence[PartOutcome]) -> Iterator[str]:
    count = {state: sum(one.state is state for one in found) for state in PartState}
    yield "# Tests, trials and workloads on a GPU"
    yield ", ".join(f"{number} {state}" for state, number in count.items() if number) + f"; {written}"
    yield "\n".join(f"- {escape(name)}: {escape(value)}" for name, value in made_with.items())
    yield _table(
        ("part", "state", "", "time"),
        [(one.name, one.state, one.sentence, duration(one.seconds)) for one in found],
    )
    for one in found:
        yield from _part(one)


def _part(one: PartOutcome) -> Iterator[str]:
    if one.kind == "device" and one.measured:
        yield _table(("device", ""), list(one.measured.items()))
    if one.kind == "bench":
        for result in one.measured.get("workloads", ()):
            yield from _result(result)
    quoted = [text for text in (one.measured.get(FIRST_FAILURE), one.output) if text]
    if quoted:
        yield f"## {escape(one.name)}: {one.state}"
        yield "\n\n".join("\n".join(f"    {line}" for line in text.splitlines()) for text in quoted)


def _result(result: Mapping[str, Any]) -> Iterator[str]:
    """A workload's table, its notes and projections."""
    yield f"## {escape(result['workload'])}: {escape(result['title'])}"
    yield f"batch {result['batch']}, {result['precision']}, n = {result['rounds']} rounds"
    headers = ("way", result["unit"], "least", "most", "speed of ours ÷ this", "least", "most", "of ceiling")
    yield _table(headers, [_row(row) for row in result["rows"]])
    notes = [*result["notes"], *map(_projected, result["projections"])]
    yield "\n".join(f"- {escape(note)}" for note in notes)


def _row(row: Mapping[str, Any]) -> tuple[str, ...]:
    share = f"{100 * row['share']['median']:.3g} %" if row["share"] else ""
    return row["name"], *_spread(row["value"]), *_spread(row["ratio"]), share


def _spread(found: Mapping[str, float] | None) -> Iterator[str]:
    """The median, the least and the most; empty cells if nothing was measured."""
    for end in ("median", "least", "most"):
        yield f"{found[end]:.4g}" if found else ""


def _projected(one: Mapping[str, Any]) -> str:
    return f"projected, not measured: {one['name']}: {duration(one['seconds'])} ({one['basis']})"


def _table(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    cells = [[escape(cell) for cell in row] for row in rows]
    return tabulate(cells, headers=list(headers), tablefmt="github", disable_numparse=True)
