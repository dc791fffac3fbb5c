"""A claim's section: its sentence, what is drawn and folded, the numbers next to it; smoke has none."""

from __future__ import annotations

import csv
import io
import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path

import pytest

from harness.contract.effect import Effect, Interval
from harness.contract.trial import Status
from harness.paper.catalogue import CLAIMS, claim
from harness.paper.claims import Claim, Kind, Metric
from harness.paper.titles import MEASURED
from harness.plans.experiment import Finding, Table
from harness.reporting import effect_tables, run_tables, tables, wording
from harness.reporting.claims import arms, downloads, phrases, runs, strip
from harness.reporting.claims.entries import Entry, Fold, entries, further_table
from harness.reporting.claims.sections import Section
from harness.reporting.figures.drawing.axis import Axis
from harness.reporting.front import overview
from harness.reporting.latex import latex
from harness.reporting.pages import render
from harness.reporting.report import Report
from harness.verdicts.trained_enough import OUTCOMES
from harness.verdicts.verdict import Outcome, Qualifier, Verdict
from tests.fakes.evidence import sections as made
from tests.fakes.evidence.runs import run, tuned

NONE, PROXY = Qualifier.NONE, Qualifier.PROXY
SVG = "{http://www.w3.org/2000/svg}"
NOISY = Effect(
    "top-1 error", "points", 3, -0.787, None, Interval(-3.487, 1.912, 0.95), n_to_decide=23.0, counts=(3, 3)
)


def of(
    about: Claim, effect: Effect, outcome: Outcome, qualifier: Qualifier = NONE, protocol: str = "imagenet"
) -> Section:
    """A section of the claim with this effect and verdict, at a protocol."""
    base = made.renamed(made.complete(), about)
    assert base.evidence
    evidence = replace(base.evidence, protocol=replace(base.evidence.protocol, name=protocol))
    verdict = Verdict(about.id, protocol, outcome, ("the reason",), qualifier)
    return made.changed(base, evidence=evidence, verdict=verdict, finding=Finding({about.id: (effect,)}))


def test_an_inconclusive_claim_says_how_far_it_is_from_a_verdict() -> None:
    section = of(claim("lrn"), NOISY, Outcome.INCONCLUSIVE, PROXY, "cifar10-converged")
    assert phrases.finding(section) == (
        "Here the gain from normalisation was −0.8 points of top-1 error (95 % CI −3.5 to 1.9 points, 3 runs "
        "an arm): too noisy to tell at a smaller scale; about 23 seeds would show the direction."
    )


@pytest.mark.parametrize(
    ("outcome", "qualifier", "said"),
    [
        (Outcome.REPRODUCED, NONE, "this agrees with the paper (1.4 points)."),
        (Outcome.DIRECTIONAL, Qualifier.WEAKER, "in the paper's direction, but weaker (paper: 1.4 points)."),
        (Outcome.DIRECTIONAL, PROXY, "at a smaller scale that says nothing about the size."),
        (Outcome.NOT_REPRODUCED, NONE, "this contradicts the paper (1.4 points)."),
        (
            Outcome.NOT_REPRODUCED,
            PROXY,
            "opposite to the paper's direction, at a smaller scale.",
        ),
        (Outcome.INVALID, NONE, "these runs cannot test it, because the reason."),
        (Outcome.REPORTED, NONE, "shown beside the paper's figure (1.4 points), not judged."),
    ],
)
def test_every_outcome_has_its_words(outcome: Outcome, qualifier: Qualifier, said: str) -> None:
    assert phrases.finding(of(claim("lrn"), NOISY, outcome, qualifier)).endswith(said)


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (1.5, 1.9, "this is in the band around the paper's figure (1.4 points), and above that figure."),
        (0.8, 1.3, "this is in the band around the paper's figure (1.4 points), and below that figure."),
        (1.1, 1.9, "this agrees with the paper (1.4 points)."),
    ],
)
def test_an_interval_beside_the_paper_s_figure_is_not_said_to_agree(
    low: float, high: float, said: str
) -> None:
    effect = replace(NOISY, estimate=(low + high) / 2, ci95=Interval(low, high, 0.95))
    assert phrases.finding(of(claim("lrn"), effect, Outcome.REPRODUCED)).endswith(said)


@pytest.mark.parametrize(
    ("n", "said"), [(2, "too few runs for a verdict, which needs 3."), (5, "the reason.")]
)
def test_runs_without_a_spread_are_not_called_too_few(n: int, said: str) -> None:
    effect = replace(NOISY, n=n, ci95=None, counts=())
    assert phrases.finding(of(claim("lrn"), effect, Outcome.INCONCLUSIVE)).endswith(f": {said}")


def test_every_claim_that_can_be_measured_has_a_sentence_of_its_own() -> None:
    measured = {one.id for one in CLAIMS if not one.needs and one.kind is not Kind.EXACT}
    assert measured == set(MEASURED)
    assert all("{" in told for told in MEASURED.values())


def test_smoke_shows_only_that_it_ran(tmp_path: Path) -> None:
    page, text = render(Report([made.smoke()]), tmp_path)
    (entry,) = entries([made.smoke()])
    assert entry.figures == ()
    assert not entry.files
    assert not (tmp_path / "figures").exists()
    assert {fold.title for fold in entry.folded} == {"Attempts", "How the arms differ"}
    for file in (page, text):
        said = file.read_text(encoding="utf-8").split("relu-smoke", 2)[-1]
        assert "2 of 2 runs finished" in said
        section = said[said.index("This shows only") :]
        assert "1.3×" not in section


def test_a_count_without_a_figure_of_the_paper_neither_agrees_nor_disagrees() -> None:
    layers, neurons = Metric("layers", "", 8.0), Metric("neurons", "")
    about = replace(claim("architecture"), metrics=(layers, neurons))
    section = of(about, Effect("layers", "", 1, 8.0, None, None), Outcome.INCONCLUSIVE)
    found = Finding({about.id: (section.effects[0], Effect("neurons", "", 1, 650.0, None, None))})
    assert phrases.finding(made.changed(section, finding=found)) == "1 of 1 counts agree with the paper's."


def test_a_conjunction_says_what_agrees_and_what_does_not() -> None:
    about = claim("architecture")
    counts = (60_965_224, 659_272, 5, 3, 1.452)
    effects = tuple(
        Effect(m.name, m.unit, 1, count, None, None) for m, count in zip(about.metrics, counts, strict=True)
    )
    section = made.renamed(made.complete(), about)
    section = made.changed(section, finding=Finding({about.id: effects}))
    assert phrases.finding(section) == (
        "4 of 5 counts agree with the paper's, but not the largest share of a convolution (1.452 %, "
        "where the paper has ≤ 1 %)."
    )
    (table,) = Entry((section,)).tables
    assert [row[-1] for row in table.rows] == [True, True, True, True, False]


def drawn(*sections: Section) -> ElementTree.Element:
    drawing = strip.strip("one", sections, "")
    assert drawing
    return ElementTree.fromstring(drawing.svg)


def shaded(svg: ElementTree.Element) -> int:
    return sum(box.attrib["fill"] == strip.BAND for box in svg.iter(f"{SVG}rect"))


def test_the_band_is_shaded_only_where_it_applies() -> None:
    proxy = of(claim("lrn"), NOISY, Outcome.INCONCLUSIVE, PROXY, "cifar10-converged")
    whole = of(claim("lrn"), NOISY, Outcome.INCONCLUSIVE)
    assert (shaded(drawn(proxy)), shaded(drawn(whole)), shaded(drawn(proxy, whole))) == (0, 1, 1)
    fills = [dot.attrib["fill"] for dot in drawn(proxy, whole).iter(f"{SVG}circle")]
    assert fills == [strip.PAPER, strip.COLOURS[Outcome.INCONCLUSIVE]], "hollow at a proxy"


def test_the_strip_has_a_row_a_protocol_and_a_diamond_for_each_other_figure() -> None:
    proxy = of(claim("lrn"), NOISY, Outcome.INCONCLUSIVE, PROXY, "cifar10-converged")
    words = [
        text.text or ""
        for text in drawn(proxy, of(claim("lrn"), NOISY, Outcome.INCONCLUSIVE)).iter(f"{SVG}text")
    ]
    assert words.count("−0.8 points [−3.5, 1.9]") == 2
    assert "the authors' run log" in words
    assert "caffenet-benchmark, 128 pixels" in words
    assert "no effect" in words


def test_a_very_wide_interval_is_cut_off_with_an_arrow() -> None:
    wide = replace(NOISY, ci95=Interval(-300.0, 300.0, 0.95))
    svg = drawn(of(claim("lrn"), wide, Outcome.INCONCLUSIVE))
    arrows = [path for path in svg.iter(f"{SVG}path") if " v8 " in path.attrib["d"]]
    assert len(arrows) == 2
    narrow = drawn(of(claim("lrn"), NOISY, Outcome.INCONCLUSIVE))
    assert not [path for path in narrow.iter(f"{SVG}path") if " v8 " in path.attrib["d"]]


def test_every_run_is_a_dot_of_what_is_judged_and_the_gap_has_its_threshold() -> None:
    about = claim("dropout-overfitting")
    finals = [
        (arm, seed, 12.0 + 9 * (arm == "without") + seed) for arm in ("with", "without") for seed in (0, 1)
    ]
    found = [
        replace(one, record=replace(one.record, metrics={"centre_top1": 20 + gap, "train_top1": 20.0}))
        for one, gap in ((run(arm, seed, 0.01, 2.0), gap) for arm, seed, gap in finals)
    ]
    base = of(about, replace(NOISY, metric="gap"), Outcome.DIRECTIONAL, PROXY, "cifar10-scarce")
    assert base.evidence
    assert base.reproduction
    proof = replace(made.evidence(found), protocol=base.evidence.protocol)
    section = replace(
        made.changed(base, evidence=proof), reproduction=replace(base.reproduction, overfitting_arm="without")
    )
    (drawing,) = runs.runs("one", section, "", "")
    svg = ElementTree.fromstring(drawing.svg)
    dots = [dot[0].text for dot in svg.iter(f"{SVG}circle")]
    assert dots == [f"seed {seed}: {gap:g} points" for _, seed, gap in finals]
    words = [text.text for text in svg.iter(f"{SVG}text")]
    assert {"mean 12.50 points", "mean 21.50 points", "10: minimum for overfitting"} <= set(words)


def test_an_axis_has_round_ticks_within_its_ends() -> None:
    assert Axis(-3.9, 4.2, 0, 100).ticks == [-2, 0, 2, 4]
    assert Axis(0.9, 11.0, 0, 100, log=True).ticks == [1, 2, 5, 10]
    assert Axis(0.0, 10.0, 0, 100).at(5.0) == 50.0
    assert Axis(1.0, 100.0, 0, 100, log=True).at(10.0) == pytest.approx(50.0)
    assert Axis.over([3.0], 0, 100).holds(3.0)


def test_every_number_leads_to_its_record(tmp_path: Path) -> None:
    section = made.complete()
    page, text = render(Report([section], records="../records"), tmp_path)
    html, said = (file.read_text(encoding="utf-8") for file in (page, text))
    assert section.evidence
    again = section.records[-1].key  # of the trial whose first attempt failed
    runs_of, _, _ = html[html.index("Final runs, seed by seed") :].partition("</table>")
    for one in section.evidence.final():
        name = f"{one.record.key}-{1 + (one.record.key == again)}.json"
        assert f'<a href="../records/{name}">{one.record.key[:12]}</a>' in runs_of
        assert f"[{one.record.key[:12]}](../records/{name})" in said


def test_the_numbers_of_a_figure_lie_beside_it(tmp_path: Path) -> None:
    render(Report([made.complete()]), tmp_path)
    rows = list(
        csv.DictReader(io.StringIO((tmp_path / "figures/relu-speedup.csv").read_text(encoding="utf-8")))
    )
    assert [(r["metric"], float(r["estimate"]), float(r["low95"])) for r in rows] == [
        ("epochs", 5.857, 5.61), ("CPU seconds", 5.12, 4.6),
    ]  # fmt: skip
    ran = list(
        csv.DictReader(io.StringIO((tmp_path / "figures/relu-speedup-runs.csv").read_text(encoding="utf-8")))
    )
    assert len(ran) == 10
    assert {row["arm"] for row in ran} == {"relu", "tanh"}
    row = (tmp_path / "figures/relu-speedup.tex").read_text(encoding="utf-8")
    assert r"& 6$\times$ & 5.86$\times$ [5.61, 6.12] & n = 5 & reproduced \\" in row


def test_latex_has_no_markup_in_a_cell() -> None:
    assert latex("25 % & a_b − 6×") == r"25 \% \& a\_b $-$ 6$\times$"
    assert latex("> 1 point, time ratio < 1") == "$>$ 1 point, time ratio $<$ 1"


def test_a_column_that_says_nothing_is_left_out() -> None:
    table = Table("x", ("arm", "a", "b"), (("one", None, 1), ("two", "", 2)))
    assert tables.trimmed(table).columns == ("arm", "b")
    assert tables.trimmed(table).rows == (("one", 1), ("two", 2))


def test_a_column_of_numbers_has_as_many_decimals_in_every_row() -> None:
    section = made.invalid()
    assert section.evidence
    table = run_tables.seed_table(section.evidence)
    assert table
    column = [row[table.columns.index("top1 error")] for row in table.rows]
    assert column == ["0.4100", "0.4140", "0.4180"] * 2


def test_intervals_are_widened_for_looks_only_where_looks_were_used() -> None:
    effect = replace(NOISY, interim90=Interval(-4.0, 2.0, 0.93), interim95=Interval(-5.0, 3.0, 0.97))
    assert "interim looks" in effect_tables.effect_table(claim("lrn"), [effect], interim=True).note
    assert "interim looks" not in effect_tables.effect_table(claim("lrn"), [effect]).note
    tested = [replace(effect, p_student=0.03)]
    notes = [
        effect_tables.effect_table(claim("lrn"), tested, interim=looked).note for looked in (True, False)
    ]
    assert "p, Student: of this look alone; a look asks for .0190." in notes[0]
    assert "from the intervals' t" not in notes[0]
    assert "p, Student: from the intervals' t." in notes[1]
    assert "[−5.0, 3.0]" not in effect_tables.effect_table(claim("lrn"), [effect]).note


def test_at_a_look_every_form_has_the_interval_that_counts_and_rounds_by_it() -> None:
    """By its plain interval the estimate would be 1.24, by that of the look 1.246."""
    area = Effect(
        "area", "×", 3, 1.2456, None, Interval(1.0941, 1.4181, 0.95), log=True,
        interim90=Interval(1.0774, 1.4401, 0.9594), interim95=Interval(1.0038, 1.5457, 0.981),
    )  # fmt: skip
    section = made.changed(of(claim("bias-init"), area, Outcome.DIRECTIONAL, PROXY), interim=True)
    assert wording.estimate(area) == "1.25×"
    ends = ["1.246", "1.004", "1.546"]
    (found,) = overview.ours(section)
    table = effect_tables.effect_table(section.claim, section.effects, interim=True)
    row = dict(zip(table.columns, table.rows[0], strict=True))
    for said in (
        phrases.finding(section),
        found.line,
        downloads.latex_row(section),
        f"{row['estimate']} {row['95 % interval']}",
        " ".join(map(str, further_table([section]).rows[0])),  # type: ignore[union-attr]
    ):
        assert re.findall(r"1\.\d+", said)[:3] == ends, said
    marked = (downloads.latex_row(section), str(further_table([section]).rows[0][-1]))  # type: ignore[union-attr]
    assert all("n = 3, at a look" in said for said in marked)
    (numbers,) = csv.DictReader(io.StringIO(downloads.effects([section])))
    assert (numbers["low95"], numbers["high95"], numbers["at_looks"]) == ("1.0038", "1.5457", "True")


def test_every_quantity_that_is_compared_has_its_unit() -> None:
    units = {name: runs.judged(claim("lrn"), name).unit for name in OUTCOMES}  # type: ignore[union-attr]
    assert units == {
        "gap": "points", "area": "nats · epochs", "training error": "%", "training loss": "nats",
        "loss": "nats",
    }  # fmt: skip


def test_what_cannot_be_seen_is_marked_wherever_words_enter_a_page(tmp_path: Path) -> None:
    """A bell, terminal colours, reversed text, a zero-width space, half a surrogate pair."""
    unseen = "\x00\x1b\u202e\u2066\u200b\ud800\x7f"
    section = made.complete()
    failed = replace(section.records[0], status=Status.FAILED, error=f"before{unseen}after", metrics={})
    hostile = replace(section, records=(*section.records, failed))
    for file in render(Report([hostile], {f"na{unseen}me": f"val{unseen}ue"}, [f"note{unseen}"]), tmp_path):
        text = file.read_text(encoding="utf-8")
        assert not set(unseen) & set(text)
        marks = len(unseen) * "\N{REPLACEMENT CHARACTER}"
        assert all(said in text for said in (f"before{marks}after", f"note{marks}", f"val{marks}ue"))


def test_no_two_regions_have_one_name_and_no_header_is_empty(tmp_path: Path) -> None:
    sections = [made.complete(), made.censored(), made.invalid()]
    html = render(Report(sections), tmp_path)[0].read_text(encoding="utf-8")
    names = re.findall(r'role="region" aria-label="([^"]*)"', html)
    assert len(names) == len(set(names)) > 10
    assert not re.findall(r"<th[^>]*></th>", html)


def test_a_long_error_is_shortened_and_its_record_linked(tmp_path: Path) -> None:
    section = made.complete()
    failed = replace(section.records[0], status=Status.FAILED, error="word\n" * 5_000, metrics={})
    page, text = render(Report([replace(section, records=(*section.records, failed))]), tmp_path)
    for file in (page, text):
        said = file.read_text(encoding="utf-8")
        assert "word word …" in said
        assert len(max(re.findall(r"(?:word )+", said), key=len)) <= wording.LONGEST + 1


def test_settings_have_the_names_that_people_use() -> None:
    assert [arms.named(path) for path in (
        "network.layers.conv1/AcrossMaps", "network.layers.conv1/AcrossMaps.size",
        "network.layers.fc6/Dropout.rate",
        "network.layers.conv2.bias", "network.layers.conv3/Activate.function", "schedule.rate",
        "augmentation.colour.sigma", "network.layers.conv1/Pool#2",
    )] == [
        "normalisation after conv1", "normalisation after conv1: window", "dropout after fc6: rate",
        "conv2: first bias", "nonlinearity after conv3", "learning rate", "colour noise: sigma",
        "pooling after conv1 (2)",
    ]  # fmt: skip


def test_a_layer_that_an_arm_lacks_is_one_line() -> None:
    settings = {
        "network.layers.fc6/Dropout.is": ("Dropout", None),
        "network.layers.fc6/Dropout.rate": (0.5, None),
        "rate": (0.01, 0.02),
        "batch": (128, 128),
    }
    assert list(arms._differing(settings)) == [
        ("network.layers.fc6/Dropout", ("yes", "none")), ("rate", (0.01, 0.02)),
    ]  # fmt: skip


def test_a_table_without_rows_opens_no_fold() -> None:
    full, empty = (Table(name, ("arm", "n"), rows) for name, rows in (("full", (("a", 1),)), ("empty", ())))
    assert Fold("both", (full, empty, None)).shown == (full,)
    assert Fold("none", (empty,)).shown == ()


def test_an_interval_stands_at_most_twice_in_what_is_read_at_once(tmp_path: Path) -> None:
    page, _ = render(Report([made.complete()]), tmp_path)
    html = page.read_text(encoding="utf-8")
    section = html[html.index('<section id="relu-speedup"') :]
    read = re.sub(r"<details.*?</details>|<desc.*?</desc>", "", section, flags=re.DOTALL)
    assert len(re.findall(r"5\.61(?:×| to|,)", read)) == 2


@pytest.mark.parametrize(
    ("settings", "rate"),
    [
        ({"rate": 0.1}, 0.1),
        ({"schedule": {"rate": 0.02}}, 0.02),
        ({"of": {"settings": {"schedule": {"rate": 0.04}}}, "queries": 30}, 0.04),  # of a trained network
        ({"schedule": "odd"}, None),
        ({}, None),
    ],
)
def test_the_rate_is_the_settings_own_or_its_schedules_first(
    settings: dict[str, object], rate: float | None
) -> None:
    assert run_tables.learning_rate(settings) == rate


@pytest.mark.parametrize(
    ("own", "said"),
    [
        (0.002, ()),
        (0.0005, ("The lowest learning rate tried was chosen for relu: a better one may lie beyond.",)),
        (0.004, ("The highest learning rate tried was chosen for relu: a better one may lie beyond.",)),
    ],
)
def test_a_rate_at_the_edge_of_those_tried_is_a_deviation(own: float, said: tuple[str, ...]) -> None:
    evidence = made.evidence([*tuned("relu", 5.0), *(run("relu", seed, own, 5.0) for seed in range(3))])
    assert run_tables.at_edge(evidence) == said
    assert (
        made.changed(made.complete(), evidence=evidence).deviations[2:] == said
    )  # after two that were declared
