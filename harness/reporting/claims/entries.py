"""A claim's place in the report: all of its evidence under one heading, drawn and tabled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from harness.contract.formatting import NOTHING, interval
from harness.paper.claims import Kind
from harness.plans.experiment import Table
from harness.reporting import effect_tables, run_tables, tables
from harness.reporting.claims import declared, downloads, phrases, replication, runs
from harness.reporting.claims.arms import arms_table
from harness.reporting.claims.attempts import TROUBLE, attempts, keys, trial_table, trouble_table
from harness.reporting.claims.sections import Section
from harness.reporting.claims.strip import strip
from harness.reporting.figures import selection
from harness.reporting.figures.drawing.frame import Drawing
from harness.reporting.wording import estimate

SHORT = 24  # letters: longer statements of the paper are left out of a heading


@dataclass(frozen=True)
class Fold:
    """Tables folded behind one line, which names them."""

    title: str
    tables: tuple[Table | None, ...]

    @cached_property
    def shown(self) -> tuple[Table, ...]:
        """The non-empty tables, without their empty columns."""
        return tuple(tables.trimmed(table) for table in self.tables if table and table.rows)

    @property
    def rows(self) -> int:
        """How many rows they have in total."""
        return sum(len(table.rows) for table in self.shown)


@dataclass(frozen=True)
class Entry:
    """A claim's sections with everything drawn: figures to look at, and tables to unfold."""

    sections: tuple[Section, ...]  # the best evidence first

    @property
    def section(self) -> Section:
        """The one with the best evidence."""
        return self.sections[0]

    @property
    def slug(self) -> str:
        """Its identifier in the page, and the stem of its files."""
        return self.section.claim.id

    @property
    def finding(self) -> str:
        """What was found, as one sentence."""
        return phrases.finding(self.section)

    @cached_property
    def declared(self) -> str:
        """Whether what is judged was declared before the final runs, as far as this clone can tell."""
        return declared.since(self.section)

    @cached_property
    def figures(self) -> tuple[Drawing, ...]:
        """What is judged, and one interval per protocol."""
        between = strip(f"{self.slug}-intervals", self.sections, selection.caveat(self.section.evidence))
        return (*self._own[:1], *([between] if between else []))

    @property
    def further(self) -> tuple[Drawing, ...]:
        """Figures to unfold."""
        return self._own[1:]

    @cached_property
    def _own(self) -> tuple[Drawing, ...]:
        """The figures of the best evidence; none for smoke runs."""
        section, evidence = self.section, self.section.evidence
        if section.smoke or evidence is None:
            return ()
        named = section.reproduction.figure if section.reproduction else None
        said, caveat = self._heading, selection.caveat(evidence)
        judged = [] if named in selection.OF_WHAT_IS_JUDGED else runs.runs(self.slug, section, said, caveat)
        stem = f"{self.slug}-curves" if judged else self.slug
        own = selection.FIGURES[named](stem, evidence, said, caveat) if named else []
        return (*judged, *own)

    @property
    def _heading(self) -> str:
        """The result and the paper's figure, for a drawing seen alone; a level's figure only at its scale."""
        found, paper = phrases.headline(self.section), phrases.paper(self.section)
        comparable = self.section.claim.kind is not Kind.LEVEL or not self.section.proxy
        figure = comparable and len(paper) <= SHORT and any(map(str.isdigit, paper))
        there = f" (paper: {paper})" if figure else ""
        return f"{found[:1].upper()}{found[1:]}{there}" if found else ""

    @cached_property
    def tables(self) -> tuple[Table, ...]:
        """Tables shown unfolded: counts have no drawing."""
        counted = self.section.claim.kind is Kind.EXACT and self.section.effects
        return (effect_tables.counts_table(self.section.claim, self.section.effects),) if counted else ()

    @cached_property
    def folded(self) -> tuple[Fold, ...]:
        """Tables to unfold, without empty columns."""
        section, evidence = self.section, self.section.evidence
        tried, known = attempts(evidence, section.records, section.files), [evidence] if evidence else []
        found = (
            Fold(TROUBLE, (trouble_table(tried),)),
            Fold("Effects", tuple(self._effects())),
            Fold("Runs", tuple(self._runs())),
            Fold("Details", self._details()),
            Fold("Tuning", tuple(map(run_tables.tuning_table, known))),
            Fold("How the arms differ", tuple(map(arms_table, known))),
            Fold("Other experiments", tuple(self._others())),
            Fold("Attempts", (trial_table(tried),)),
            Fold(
                "Stale records", (run_tables.stale_table(section.stale, keys(section.stale, section.files)),)
            ),
        )
        return tuple(fold for fold in found if fold.shown)

    def _effects(self) -> Iterator[Table | None]:
        section = self.section
        if section.effects and not section.smoke and not self.tables:
            proxy, interim = section.proxy, section.interim
            yield effect_tables.effect_table(
                section.claim, section.effects, section.adjusted_p, proxy, interim
            )
            yield replication.panel(section.claim, section.assessment)

    def _runs(self) -> Iterator[Table | None]:
        if self.section.evidence and not self.section.smoke:
            yield run_tables.seed_table(self.section.evidence, keys(self.section.records, self.section.files))

    def _details(self) -> tuple[Table | None, ...]:
        """Tables that the reproduction itself adds."""
        return self.section.finding.tables if self.section.finding and not self.section.smoke else ()

    def _others(self) -> Iterator[Table | None]:
        yield further_table(self.sections[1:])
        for other in self.sections[1 : 1 + run_tables.MOST_UNFOLDED]:
            if other.evidence and not other.smoke:
                yield run_tables.seed_table(
                    other.evidence, keys(other.records, other.files), f", {other.scale}"
                )

    @property
    def files(self) -> Mapping[str, str]:
        """Every file beside the page, by name: figures and their numbers."""
        drawn = {f"figures/{d.name}.svg": d.svg for d in (*self.figures, *self.further)}
        return drawn | {f"figures/{name}": text for name, text in self.numbers.items()}

    def beside(self, drawing: Drawing) -> list[str]:
        """The files with a figure's numbers."""
        of_runs = {name: name.endswith("-runs.csv") for name in self.numbers}
        first, last = drawing is self.figures[0], drawing is self.figures[-1]
        return [name for name, runs in of_runs.items() if (first if runs else last)]

    @cached_property
    def numbers(self) -> Mapping[str, str]:
        """The numbers behind the figures, for every run and every experiment; none for smoke runs."""
        if self.section.smoke or not self.section.effects:
            return {}
        found = {f"{self.slug}.csv": downloads.effects(self.sections)}
        found[f"{self.slug}.tex"] = downloads.latex_row(self.section)
        if self.section.evidence and self.section.evidence.final():
            found[f"{self.slug}-runs.csv"] = downloads.runs(self.section.evidence)
        return found


def entries(sections: Sequence[Section]) -> list[Entry]:
    """An entry for each claim with anything to show."""
    by_claim: dict[str, list[Section]] = {}
    for section in sections:
        if section.examined:
            by_claim.setdefault(section.claim.id, []).append(section)
    return [Entry(tuple(found)) for found in by_claim.values()]


def further_table(sections: Sequence[Section]) -> Table | None:
    """Every other experiment on the claim: where it ran, what it found, and what that says."""
    rows = tuple(_further_row(section) for section in sections if not section.smoke)
    columns = ("protocol", "verdict", "effect", "95 % interval", "runs")
    return Table("Other experiments on this claim", columns, rows) if rows else None


def _further_row(section: Section) -> tuple[object, ...]:
    effect = section.effects[0] if section.effects and section.effects[0].n else None
    if effect is None:
        return section.scale, section.verdict.headline, None, None, None
    shown = interval(effect.ci95, effect.unit) if effect.ci95 else NOTHING
    runs_of = f"{phrases.sample(effect)}{phrases.look(section)}"
    return section.scale, section.verdict.headline, estimate(effect), shown, runs_of
