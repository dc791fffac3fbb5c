"""Runs × images against an analysis of variance written out, and against known truths."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as sp

from harness.contract.trial import Status, Trial
from harness.effects.by_seed import difference, gains, levels
from harness.effects.from_runs import gap, metric
from harness.effects.per_image import SETS, image_part
from harness.effects.statistics import intervals
from harness.effects.statistics.two_way import ImagePart, Term
from harness.plans.experiment import Evidence, Plan, Planned, Role, Run
from harness.plans.protocols import CONVERGED
from harness.records.image_bits import packed
from harness.records.record import Record, decode, encode
from harness.records.schema import Measured
from tests.fakes.evidence.trials import STAND_IN

M = Measured
Bits = np.ndarray


def run(arm: str, seed: int, **bits: Bits) -> Run:
    """A run that got these images wrong, by metric, with the errors in percent that follow from them."""
    wrong: dict[str, object] = {name: packed(flags) for name, flags in bits.items()}
    wrong |= {SETS[name]: len(flags) for name, flags in bits.items()}
    metrics = {name: 100 * float(flags.mean()) for name, flags in bits.items()}
    record = Record(
        f"{arm}-{seed}",
        "",
        {"settings": {}, "seed": seed, "precision": "fp32"},
        STAND_IN,
        "",
        Status.OK,
        metrics,
        details={"wrong": wrong},
    )
    return Run(Planned(Trial(None, seed), arm, Role.FINAL), record)


def arm(name: str, flags: Bits, of: str = "ten_top1") -> list[Run]:
    """One run for each row of flags (runs, images)."""
    return [run(name, seed, **{of: row}) for seed, row in enumerate(flags)]


def evidence(*runs: Run) -> Evidence:
    return Evidence(CONVERGED, Plan(tuple(r.planned for r in runs)), runs)


def anova(cells: Sequence[Sequence[float]]) -> tuple[float, float, float]:
    """Mean squares of runs, images and interaction, by loops over the cells."""
    n, count = len(cells), len(cells[0])
    mean = sum(sum(row) for row in cells) / (n * count)
    rows = [sum(row) / count for row in cells]
    columns = [sum(row[i] for row in cells) / n for i in range(count)]
    of_runs = count * sum((r - mean) ** 2 for r in rows) / (n - 1)
    of_images = n * sum((c - mean) ** 2 for c in columns) / (count - 1)
    rest = 0.0
    for r, row in enumerate(cells):
        for i, x in enumerate(row):
            rest += (x - rows[r] - columns[i] + mean) ** 2
    return of_runs, of_images, rest / ((n - 1) * (count - 1))


tables = st.tuples(st.integers(2, 5), st.integers(2, 12), st.integers(0, 2**32 - 1)).map(
    lambda size: np.random.default_rng(size[2]).random(size[:2]) < 0.4
)


@given(tables)
def test_one_arm_s_terms_are_those_of_the_analysis_of_variance(flags: Bits) -> None:
    n, count = flags.shape
    of_runs, of_images, rest = anova(100.0 * flags)
    part, lacking = image_part([arm("a", flags)], {M.TEN_TOP1: 1})
    assert part is not None
    assert (part.images, lacking) == (count, "")
    assert part.own == (Term(pytest.approx(of_images / (n * count)), count - 1),)
    assert part.twice == (Term(pytest.approx(rest / (n * count), abs=1e-9), (n - 1) * (count - 1)),)
    seeds = float((100 * flags.mean(1)).var(ddof=1)) / n
    assert seeds == pytest.approx(of_runs / (n * count), abs=1e-9)
    whole = (of_runs + of_images - rest) / (n * count)
    floor = max(of_runs, of_images) / (n * count)
    assert part.joined(seeds, n - 1)[0] == pytest.approx(max(whole, floor), abs=1e-9)


@given(tables, st.integers(2, 5), st.integers(0, 2**32 - 1))
def test_two_arms_share_their_images_and_add_up_their_interactions(flags: Bits, m: int, seed: int) -> None:
    n, count = flags.shape
    other = np.random.default_rng(seed).random((m, count)) < 0.3
    part, _ = image_part([arm("a", flags), arm("b", other)], {M.TEN_TOP1: 1})
    assert part is not None
    apart = [100.0 * (sum(flags[:, i]) / n - sum(other[:, i]) / m) for i in range(count)]
    mean = sum(apart) / count
    assert part.own[0].variance == pytest.approx(sum((x - mean) ** 2 for x in apart) / (count - 1) / count)
    rests = [anova(100.0 * cells)[2] / (len(cells) * count) for cells in (flags, other)]
    assert [term.variance for term in part.twice] == pytest.approx(rests, abs=1e-9)


@given(tables)
def test_exchange_of_arms_changes_the_sign_alone(flags: Bits) -> None:
    found = evidence(*arm("a", flags), *arm("b", ~flags[:, ::-1]), *arm("b", flags[:1]))
    one, two = (difference(found, *names, "x", metric(M.TEN_TOP1)) for names in (("a", "b"), ("b", "a")))
    assert one.estimate == pytest.approx(-(two.estimate or 0.0))
    assert (one.standard_error, one.df) == (pytest.approx(two.standard_error), pytest.approx(two.df))


def test_images_that_are_all_alike_leave_student_s_interval() -> None:
    """In each run one image in four is wrong, each time a different one: no image is harder than another."""
    flags = np.stack([np.roll([1, 0, 0, 0], k) for k in range(4)] + [np.array([1, 1, 1, 1])] * 2).astype(bool)
    effect = levels(evidence(*arm("a", flags)), "a", M.TEN_TOP1, M.TEN_TOP5)[0]
    plain = intervals.level("top-1 error", "%", effect.values)
    assert replace(effect, note="") == plain
    assert "over seeds and 4 images" in effect.note


@given(tables)
def test_the_whole_error_is_never_below_its_parts(flags: Bits) -> None:
    flags = np.tile(flags, 20)
    effect = levels(evidence(*arm("a", flags)), "a", M.TEN_TOP1, M.TEN_TOP5)[0]
    if effect.standard_error is not None and effect.seed_error is not None:
        assert effect.standard_error >= effect.seed_error
        assert effect.df is not None
        assert effect.df >= 0.99 * (len(flags) - 1)


def test_degrees_of_freedom_are_satterthwaite_s() -> None:
    """(4 + 1 − ½)² ÷ (4² / 4 + 1² / 99 + ½² / 396)."""
    part = ImagePart(100, (Term(1.0, 99),), (Term(0.5, 396),))
    assert part.joined(4.0, 4) == (4.5, pytest.approx(4.5**2 / (16 / 4 + 1 / 99 + 0.25 / 396)))
    assert ImagePart(100, (Term(1.0, 99),), (Term(1.5, 396),)).joined(4.0, 4) == (4.0, 4)
    assert ImagePart(100, (Term(5.0, 99),), (Term(4.5, 396),)).joined(4.0, 4) == (5.0, pytest.approx(99))


def test_the_gap_has_the_images_of_both_sets() -> None:
    stream = np.random.default_rng(1)
    test, train = (stream.random((4, n)) < p for n, p in ((30, 0.4), (50, 0.1)))
    runs = [run("a", s, centre_top1=test[s], train_top1=train[s]) for s in range(4)]
    part, _ = image_part([runs], gap.signs)
    alone = [
        image_part([arm("a", flags, name)], {measured: 1})[0]
        for flags, name, measured in (
            (test, "centre_top1", M.CENTRE_TOP1),
            (train, "train_top1", M.TRAIN_TOP1),
        )
    ]
    assert part is not None
    assert part.images == 80
    assert part.own == tuple(term for one in alone if one for term in one.own)
    assert [t.variance for t in part.twice] == pytest.approx(
        [t.variance for o in alone if o for t in o.twice]
    )
    effect = difference(
        evidence(*runs, run("b", 0, centre_top1=test[1], train_top1=train[2])), "a", "b", "gap", gap
    )
    assert "over seeds and 80 images" in effect.note


def test_ten_views_against_one_are_compared_image_by_image() -> None:
    """The same weights: what matters is on how many images the two differ, not how hard these are."""
    stream = np.random.default_rng(2)
    hard = stream.random(400) < 0.3
    ten = hard ^ (stream.random((3, 400)) < 0.02)
    centre = ten | (stream.random((3, 400)) < 0.05)
    runs = [run("a", s, centre_top1=centre[s], ten_top1=ten[s]) for s in range(3)]
    (top1, _) = gains(evidence(*runs), "a", (M.CENTRE_TOP1, M.CENTRE_TOP5), (M.TEN_TOP1, M.TEN_TOP5))
    part, _ = image_part([runs], {M.CENTRE_TOP1: 1, M.TEN_TOP1: -1})
    apart = 100.0 * (centre.astype(float) - ten)
    assert part is not None
    assert part.own[0].variance == pytest.approx(apart.mean(0).var(ddof=1) / 400)
    assert part.twice[0].variance == pytest.approx(anova(apart)[2] / 1200)
    assert top1.estimate == pytest.approx(apart.mean())
    assert top1.standard_error == pytest.approx(
        math.sqrt(part.joined(float(apart.mean(1).var(ddof=1)) / 3, 2)[0])
    )
    assert "over seeds and 400 images" in top1.note


def test_an_arm_without_runs_has_no_images() -> None:
    """As while an experiment runs: the baseline is there, with its bits, but the other arm is not yet."""
    done = arm("a", np.zeros((2, 4), bool))
    for arms in ([done, []], [[], done], [[]]):
        assert image_part(arms, {M.TEN_TOP1: 1}) == (None, "an arm has no runs")


def test_where_bits_are_lacking_the_note_says_so() -> None:
    flags = np.random.default_rng(0).random((3, 20)) < 0.5
    bare = [replace(r, record=replace(r.record, details={})) for r in arm("b", flags[::-1])]
    found = difference(evidence(*arm("a", flags), *bare), "a", "b", "x", metric(M.TEN_TOP1))
    assert found.note.endswith("over seeds alone, as 3 of 6 runs have no per-image bits")
    assert found.standard_error == found.seed_error
    fewer = difference(evidence(*arm("a", flags), *arm("b", flags[:, :9])), "a", "b", "x", metric(M.TEN_TOP1))
    assert fewer.note.endswith("as not all runs were tested on the same images")
    losses = [replace(r, record=replace(r.record, metrics={"ten_loss": s / 2})) for s, r in enumerate(bare)]
    loss = difference(evidence(*losses), "b", "b", "x", metric(M.TEN_LOSS))
    assert loss.note.endswith("over seeds alone, as it has no per-image bits")
    own = difference(evidence(*arm("a", flags)), "a", "a", "x", lambda run: float(run.seed))
    assert own.note.endswith("as it has no per-image bits")


def test_bits_of_a_stored_record_are_read(tmp_path: object) -> None:
    flags = np.random.default_rng(0).random((2, 100)) < 0.5
    made = arm("a", flags)
    stored = [replace(r, record=decode(encode(r.record))) for r in made]
    assert image_part([stored], {M.TEN_TOP1: 1}) == image_part([made], {M.TEN_TOP1: 1})


def crossed(
    stream: np.random.Generator, shift: Sequence[float], runs: Sequence[int], images: int
) -> list[Bits]:
    """Outcomes of arms: images differ in difficulty, and in how well they suit an arm; runs in their luck.

    The chance of an error is Φ(−1 + shift), over all runs and images there could be.
    """
    image, own, luck = 1.0, 0.7, 0.05
    scale = math.sqrt(image**2 + own**2 + luck**2 + 1)
    hard = stream.normal(0, image, images)
    cells = []
    for move, n in zip(shift, runs, strict=True):
        taste, lucky = stream.normal(0, own, images), stream.normal(0, luck, (n, 1))
        cells.append(stream.standard_normal((n, images)) < scale * (-1 + move) + hard + taste + lucky)
    return cells


@pytest.mark.parametrize(("runs", "images"), [((5, 15), 300), ((3, 3), 300), ((10, 15), 100)])
def test_intervals_cover_the_difference_over_seeds_and_images(runs: tuple[int, int], images: int) -> None:
    """In 95 % of experiments, while intervals over seeds alone cover it in far fewer."""
    stream, draws = np.random.default_rng(11), 1000
    truth = 100 * (sp.norm.cdf(-0.8) - sp.norm.cdf(-1.0))
    covered = {True: 0, False: 0}
    for _ in range(draws):
        first, second = crossed(stream, (0.2, 0.0), runs, images)
        values = [list(100 * cells.mean(1)) for cells in (first, second)]
        part, _ = image_part([arm("a", first), arm("b", second)], {M.TEN_TOP1: 1})
        for both in covered:
            found = intervals.pooled("x", "", *values, part if both else None).ci95
            assert found is not None
            covered[both] += found.low <= truth <= found.high
    slack = 3 * math.sqrt(0.05 * 0.95 / draws)
    assert 0.95 - slack < covered[True] / draws < 0.98
    assert covered[False] / draws < 0.94


def test_the_variance_is_that_of_repeated_experiments() -> None:
    stream, draws = np.random.default_rng(12), 1500
    seen, said = [], []
    for _ in range(draws):
        (cells,) = crossed(stream, (0.0,), (4,), 60)
        part, _ = image_part([arm("a", cells)], {M.TEN_TOP1: 1})
        assert part is not None
        errors = 100 * cells.mean(1)
        seen.append(errors.mean())
        own, twice = (sum(t.variance for t in terms) for terms in (part.own, part.twice))
        said.append(errors.var(ddof=1) / 4 + own - twice)
    assert np.mean(said) == pytest.approx(np.var(seen), rel=0.1)
