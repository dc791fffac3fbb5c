"""The paper's own figures against the description: what is right, what is wrong, at no cost."""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest

from harness.models.alexnet import VARIANTS
from harness.paper.catalogue import CLAIMS
from harness.plans.experiment import Evidence, gather
from harness.reporting.figures.architecture import architecture_svg
from reproductions.architecture import REPRODUCTION


def evidence(name: str) -> Evidence:
    return gather(REPRODUCTION, REPRODUCTION.protocol(name), 1, lambda trial: None)


@pytest.mark.parametrize("protocol", ["smoke", "exact"])
def test_the_claim_s_effects(protocol: str) -> None:
    found = evidence(protocol)
    effects = REPRODUCTION.estimate(found).effects["architecture"]
    assert not found.plan.trials
    assert not found.missing
    claim = next(c for c in CLAIMS if c.id == "architecture")
    assert [(e.metric, e.unit) for e in effects] == [(m.name, m.unit) for m in claim.metrics]
    assert [e.estimate for e in effects][:4] == [60_965_224, 659_272, 5, 3]
    assert effects[4].estimate == pytest.approx(1.4518, abs=1e-4)
    inside = [
        m.band.low <= (e.estimate or 0) <= m.band.high
        for m, e in zip(claim.metrics, effects, strict=True)
        if m.band
    ]
    assert inside == [True, True, True, True, False]


def test_every_statement_is_adjudicated() -> None:
    own, others, layers = REPRODUCTION.estimate(evidence("exact")).tables
    verdicts = {row[0]: row[3] for row in (*own.rows, *others.rows)}
    unchecked = [quoted for quoted, said in verdicts.items() if said == "not checked"]
    assert unchecked == ["Caffe's model: 57.1 / 80.2 % accuracy"]  # nothing here computes it
    assert set(verdicts.values()) == {"right", "wrong", "not checked"}
    assert (own.note, others.note) == ("22 of 27 are right.", "0 of 10 are right; 1 is not checked.")
    wrong = [quoted for quoted in (row[0] for row in own.rows) if verdicts[quoted] == "wrong"]
    assert wrong == [
        "each convolution ≤ 1 % of the parameters",
        "224 pixels, 11×11 at stride 4: 55×55",
        "conv1: 253,440 neurons",
        "Fig. 2's layers, added: 622,312",
        "2048 crops and flips",
    ]
    assert [row[3] for row in others.rows].count("right") == 0
    assert all(row[4] for row in (*own.rows, *others.rows) if row[3] == "wrong")
    assert sum(row[4] for row in layers.rows if isinstance(row[4], int)) == 60_965_224
    for table in (own, others, layers):
        assert all(len(row) == len(table.columns) for row in table.rows)
    computed = {row[0]: row[2] for row in (*own.rows, *others.rows)}
    assert computed["error reduced by 15.3 %"] == "10.9 points, 42 %"
    assert computed["conv2 has kernels 5×5×3"] == "256 of 5×5×48"
    assert computed["2048 crops and flips"] == "2,178"


def test_it_needs_no_torch() -> None:
    code = "import sys, reproductions.architecture as a; a.tables(); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("name", VARIANTS)
def test_the_drawing_shows_every_layer(name: str) -> None:
    drawn = architecture_svg(VARIANTS[name])
    root = ET.fromstring(drawn)
    words = "".join(root.itertext())
    for layer in ("conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8", "1000"):
        assert layer in words
    lines = drawn.count("<line ")
    columns = 2 if name in ("paper", "source-2012", "caffe", "caffenet") else 1
    # Two columns: from the input 2, conv2 2, conv3 4, conv4 2, conv5 2, fc6 4, fc7 4, to fc8 2.
    assert lines == (22 if columns == 2 else 8)
    assert drawn.count("<rect ") == (7 * columns + 2)
    assert ("2 columns, which see each other in conv3, fc6, fc7, fc8" in words) == (columns == 2)
