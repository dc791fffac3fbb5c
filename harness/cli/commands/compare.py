"""`repro compare`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console

from harness.cli import junit
from harness.cli.terminal.console import Output
from harness.cli.terminal.progress import Progress
from harness.cli.terminal.tables import FAILURE, WARNING, Row, print_json, print_rows, say
from harness.contract.errors import BadValue
from harness.contract.formatting import NOTHING, p_value, quantity, span
from harness.contract.progress import Tracker
from harness.contract.trial import Precision
from harness.paper import papers
from harness.paper.claims import Kind
from harness.reporting.sides import EvidenceSide, SideBySide, side, side_by_side
from harness.reporting.wording import estimate, words
from harness.verdicts.comparing.comparison import COUNTED, Change, Difference, Unmatched
from harness.verdicts.comparing.effect_rows import EffectRow
from harness.verdicts.comparing.same_nets import SameNet
from harness.verdicts.verdict import Fails

SAME_NETS = "The same networks, by the images that only one side got wrong (top-1, ten views; McNemar)"


@dataclass(frozen=True)
class CompareRequest:
    """What `compare` compares and when it fails; BadValue unless that is two sides."""

    first: Path
    second: Path | None
    precisions: bool = False
    claims: Sequence[str] = ()  # none: all
    fail_if: Fails | None = None
    junit: Path | None = None

    def __post_init__(self) -> None:
        """Checks the places and claims."""
        if self.precisions == (self.second is not None):
            raise BadValue("compare takes two places A and B, or one place and --precisions")
        for name in self.claims:
            papers.claim(name)


def show(asked: CompareRequest, as_json: bool, console: Console, progress: Progress) -> bool:
    """Compares and prints; returns whether a pipeline may go on, and prints to standard error why not."""
    with progress as tracker:
        compared = side_by_side(*(one.on(asked.claims) for one in _sides(asked, tracker)))
    _check_compared(asked, compared)
    if as_json:
        print_json(_data(compared))
    else:
        _print(compared, console)
    if asked.junit is not None:
        junit.write(compared.comparison, asked.fail_if or Fails.WORSE, asked.junit)
    failing = compared.comparison.failing(asked.fail_if) if asked.fail_if else []
    for row in failing:
        say(Output(stderr=True), f"--fail-if {asked.fail_if}: {row.experiment}, {row.metric}", FAILURE)
    return not failing


def _check_compared(asked: CompareRequest, compared: SideBySide) -> None:
    """BadValue if there is nothing that a pipeline could hold on to, in one precision if two are compared."""
    sides = [compared.first, compared.second] if asked.precisions else [compared.first]
    empty = [one.name for one in sides if not any(row.runs or not asked.precisions for row in one.rows)]
    if empty:
        about = f" about {', '.join(asked.claims)}" if asked.claims else ""
        raise BadValue(
            f"{' and '.join(empty)}: no result of today's code{about}, so nothing was compared; see "
            "'./repro.py status --why --results-dir DIR'"
        )


def _sides(asked: CompareRequest, tracker: Tracker) -> tuple[EvidenceSide, EvidenceSide]:
    first = side(asked.first, tracker)
    if asked.second is not None:
        return first, side(asked.second, tracker)
    return first.in_precision(Precision.FP32), first.in_precision(Precision.BF16)


def _print(compared: SideBySide, console: Console) -> None:
    """Prints every effect with its difference, effects without one and why, and changed verdicts."""
    for letter, one in (("A", compared.first), ("B", compared.second)):
        say(console, f"{letter}: {_measured(one)}")
        for notice in one.notices:
            say(console, notice, WARNING)
        if one.stale:
            say(console, f"not compared, as their records are of other code: {', '.join(one.stale)}", WARNING)
    known = compared.comparison.differences
    told = [one for one in known if one.contrast or one.reason == COUNTED]
    if told:
        say(console, f"\n{_legend(sum(one.adjusted_p is not None for one in known))}", "bold")
    for title, rows in _by_verdict(told):
        say(console, f"\n{title}")
        print_rows(rows, False, console)
    untold = [(one.first, one.reason) for one in known if one not in told]
    untold += [(one.row, _alone(one)) for one in compared.comparison.unmatched]
    for title, rows in (("Cannot be compared", _grouped(untold)), (SAME_NETS, list(_nets(compared.nets)))):
        if rows:
            say(console, f"\n{title}", "bold")
            print_rows(rows, False, console)
    for change in compared.comparison.changes:
        say(console, changed(change), FAILURE if change.worse else WARNING)


def _measured(one: EvidenceSide) -> str:
    return f"{one.name} (claims: {len({row.claim for row in one.rows})}, effects: {len(one.rows)})"


def _legend(family: int) -> str:
    effects = (
        "one effect that a verdict rests on" if family == 1 else f"{family} effects that verdicts rest on"
    )
    holm = f"; p, Holm is over the {effects}" if family else ""
    return f"B − A, or B ÷ A of ratios, with 95 % intervals of independent samples (Welch){holm}"


def _by_verdict(told: Sequence[Difference]) -> Iterator[tuple[str, list[Row]]]:
    """A table for each claim at a protocol, titled with its verdict, without empty columns."""
    together: dict[str, list[Difference]] = {}
    for one in told:
        together.setdefault(_verdict(one), []).append(one)
    for title, differences in together.items():
        rows = [_difference(one) for one in differences]
        said = [name for name in rows[0] if any(row[name] != NOTHING for row in rows)]
        yield title, [{name: row[name] for name in said} for row in rows]


def _verdict(one: Difference) -> str:
    before, after = one.first.verdict, one.second.verdict
    return f"{one.first.experiment}: {before if before == after else f'{before} → {after}'}"


def _difference(one: Difference) -> Row:
    first, second, apart = one.first, one.second, one.contrast
    return {
        "effect": words(first.metric),
        "A": _shown(first),
        "B": _shown(second),
        "B against A": f"{estimate(apart)} {span(apart.ci95)}" if apart else _counts(one),
        "p": p_value(apart.p_student) if apart and apart.p_student is not None else NOTHING,
        "p, Holm": NOTHING if one.adjusted_p is None else p_value(one.adjusted_p),
        "other": ", ".join(one.differs) or NOTHING,
    }


def _shown(row: EffectRow) -> str:
    said = estimate(row.effect)
    return said if row.kind is Kind.EXACT else f"{said} (n = {row.n})"


def _counts(one: Difference) -> str:
    before, after = one.first.estimate, one.second.estimate
    assert before is not None
    assert after is not None
    return "the same" if before == after else quantity(after - before, one.first.unit)


def _alone(one: Unmatched) -> str:
    here, there = ("A", "B") if one.first else ("B", "A")
    return f"only in {here} ({one.row.precision} on {one.row.device}); {there}: {one.reason}"


def _grouped(reasons: Sequence[tuple[EffectRow, str]]) -> list[Row]:
    """One row per experiment and reason, with the effects that the reason applies to."""
    effects: dict[tuple[str, str], list[str]] = {}
    for row, why in reasons:
        effects.setdefault((row.experiment, why), []).append(words(row.metric))
    return [
        {"experiment": experiment, "effects": names[0] if len(names) == 1 else f"{len(names)}", "why": why}
        for (experiment, why), names in effects.items()
    ]


def _nets(found: Sequence[SameNet]) -> Iterator[Row]:
    """One row per arm, with all its networks."""
    arms: dict[tuple[str, str], list[SameNet]] = {}
    for one in found:
        arms.setdefault((one.first.experiment, one.first.run.arm), []).append(one)
    for (experiment, arm), nets in arms.items():
        yield {
            "experiment": experiment,
            "arm": arm,
            "networks": len(nets),
            "images": nets[0].test.images,
            "A alone": sum(one.test.first_only for one in nets),
            "B alone": sum(one.test.second_only for one in nets),
            "different by Holm's p": f"{sum(one.unlike for one in nets)} of {len(nets)}",
            "other": ", ".join(dict.fromkeys(name for one in nets for name in one.differs)) or NOTHING,
        }


def _net(one: SameNet) -> Row:
    return {
        "experiment": one.first.experiment,
        "arm": one.first.run.arm,
        "seed": one.first.run.seed,
        "keys": [one.first.record.key, one.second.record.key],
        **asdict(one.test),
        "p, Holm": one.adjusted_p,
        "other": one.differs,
    }


def changed(change: Change) -> str:
    """A verdict's change in words."""
    before = change.first
    after = change.second.verdict if change.second else "none"
    worse = " (worse)" if change.worse else ""
    where = f"{before.experiment} on {before.device}, {before.precision}"
    return f"verdict on {where}: {before.verdict} → {after}{worse}"


def _data(compared: SideBySide) -> Row:
    comparison = compared.comparison
    return {
        "sides": {
            letter: {"name": one.name, "notices": one.notices, "stale": dict(one.stale or {})}
            for letter, one in (("A", compared.first), ("B", compared.second))
        },
        "differences": [{**asdict(one), "moved": one.moved} for one in comparison.differences],
        "only in one": [asdict(one) for one in comparison.unmatched],
        "verdicts": [
            {
                "claim": change.first.claim,
                "protocol": change.first.protocol,
                "A": change.first.verdict,
                "B": change.second.verdict if change.second else None,
                "worse": change.worse,
            }
            for change in comparison.changes
        ],
        "same networks": [_net(one) for one in compared.nets],
    }
