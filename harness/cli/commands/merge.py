"""`repro merge`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from harness.cli.terminal.progress import Progress
from harness.cli.terminal.tables import Row, print_json, print_rows, say
from harness.contract.formatting import NOTHING, number, p_value
from harness.contract.progress import Tracker
from harness.records import merge
from harness.records.merge import LaboratoryStore
from harness.records.record import Record
from harness.reporting import sides
from harness.reporting.wording import estimate, words
from harness.verdicts.comparing.laboratories import Agreement, agreements, repeats


def show(into: Path, folders: Sequence[str], as_json: bool, console: Console, progress: Progress) -> None:
    """Merges the stores, then shows who measured what and where laboratories disagree."""
    merged = merge.merge(into, [LaboratoryStore.parse(text) for text in folders])
    records = merge.laboratories(into)
    with progress as tracker:
        found = _agreements(into, records, tracker)
    again = repeats(records)
    if as_json:
        whose = {name: len(own) for name, own in records.items()}
        effects = [asdict(one) for one in found]
        print_json({"merged": merged, "laboratories": whose, "repeats": again, "effects": effects})
        return
    print_rows(
        [{"from": one.name, "new": one.new, "already there": one.known} for one in merged], False, console
    )
    held = ", ".join(f"{name} ({len(own)})" for name, own in records.items())
    say(console, f"\n{into} holds the records of {held}")
    if again.trials:
        say(
            console,
            f"{again.trials} trials were run by several laboratories, {again.alike} of them with results "
            "identical to the bit",
        )
    if found:
        say(console, "\nLaboratories side by side: Cochran's Q and I² of one effect measured in each", "bold")
        print_rows([_row(one) for one in found], False, console)


def _agreements(into: Path, records: dict[str, list[Record]], tracker: Tracker) -> list[Agreement]:
    """Judges every laboratory by its own records alone."""
    if len(records) < 2:
        return []
    own = {name: sides.of_store(sides.part(into, those), tracker).rows for name, those in records.items()}
    return list(agreements(own))


def _row(one: Agreement) -> Row:
    first, q = next(iter(one.rows.values())), one.heterogeneity
    each = (f"{name} {estimate(row.effect)} (n = {row.n})" for name, row in one.rows.items())
    return {
        "claim": first.claim,
        "protocol": first.protocol,
        "effect": words(first.metric),
        "laboratories": "; ".join(each),
        "Q": f"{number(q.q)} (df {q.df})" if q else NOTHING,
        "p, Welch": p_value(q.p) if q else NOTHING,
        "I²": f"{100 * q.i2:.0f} %" if q else one.reason,
    }
