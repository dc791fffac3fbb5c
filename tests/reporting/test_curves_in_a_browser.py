"""Curve figures in a browser: the values are those of the records, and arms and seeds can be hidden."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness.plans.experiment import Run
from harness.reporting.pages import render
from harness.reporting.report import Report
from tests.fakes.browser import copied, left_in_title, needed
from tests.fakes.evidence import sections as made
from tests.fakes.evidence.runs import ENVIRONMENT, run

pytestmark = needed

# Reads the first curve figure as a reader would: by keys, by pointer, and with an arm and a seed hidden.
CURVES = """<script>addEventListener('load', () => {
const figure = document.querySelector('figure:has(svg[data-axes])'), svg = figure.querySelector('svg');
const plot = figure.querySelector('.plot'), box = figure.querySelector('.readout');
const said = () => box.hidden ? null : [...box.children].map(part => part.innerText);
const press = key => plot.dispatchEvent(new KeyboardEvent('keydown', { key }));
const button = name => [...figure.querySelectorAll('.toggles button')].find(one => one.textContent === name);
const hidden = () => [...svg.querySelectorAll('[data-arm]')].filter(part => part.style.display === 'none')
  .map(part => [part.dataset.arm, part.dataset.seed ?? '']);
const seen = { focusable: plot.tabIndex, before: said() };
press('Home');
seen.first = said();
press('ArrowRight');
seen.second = said();
press('End');
seen.last = said();
press('Escape');
seen.escaped = said();
const place = svg.getBoundingClientRect();
const at = { clientX: place.left + 0.6 * place.width, clientY: place.top + place.height / 2, bubbles: true };
svg.dispatchEvent(new PointerEvent('pointermove', at));
seen.pointed = said();
button('tanh').click();
seen.alone = said();
seen.pressed = button('tanh').getAttribute('aria-pressed');
button('tanh').click();
button('seed 1').click();
seen.without = said();
seen.hidden = hidden();
button('seed 1').click();
seen.again = hidden();
document.title = JSON.stringify(seen);
})</script>"""


# The error on the sample by epoch, in percent, of every arm and seed.
ERRORS = {("relu", 0): (40.0, 30.0, 24.0), ("relu", 1): (42.0, 32.0, 20.0),
          ("tanh", 0): (60.0, 50.0, 44.0), ("tanh", 1): (62.0, 54.0, 46.0)}  # fmt: skip


def looked_at(arm: str, seed: int, errors: tuple[float, ...]) -> Run:
    rows = [{"epoch": e, "running_error": None, "sample_error": y / 100} for e, y in enumerate(errors, 1)]
    one = run(arm, seed, 0.02, 3.0)
    return replace(one, record=replace(one.record, curve=tuple(rows)))


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the first curve figure of a page said while it was driven."""
    out = tmp_path_factory.mktemp("curves")
    proof = made.evidence([looked_at(*which, errors) for which, errors in ERRORS.items()])
    whole = made.complete()
    section = made.section(whole.claim, proof, whole.verdict, whole.effects)
    page, _ = render(Report([section], ENVIRONMENT), out)
    return left_in_title(copied(page, "curves", CURVES), out / "profile")


def test_keys_read_the_values_of_every_arm_and_seed(seen: dict[str, Any]) -> None:
    assert (seen["focusable"], seen["before"], seen["escaped"]) == (0, None, None)
    epoch, relu, tanh = seen["first"]
    assert epoch == "epoch 1"
    assert relu == "ReLU\nerror on a fixed sample 41.0 % seeds 0: 40.0, 1: 42.0"
    assert tanh.endswith("61.0 % seeds 0: 60.0, 1: 62.0")
    assert [said[0] for said in (seen["second"], seen["last"])] == ["epoch 2", "epoch 3"]
    assert "22.0 %" in seen["last"][1]


def test_a_pointer_reads_the_nearest_epoch(seen: dict[str, Any]) -> None:
    """The second of three epochs is the nearest to a point right of the middle."""
    assert seen["pointed"] == seen["second"]


def test_arms_and_seeds_are_hidden_and_no_longer_read(seen: dict[str, Any]) -> None:
    assert [said.split()[0] for said in seen["alone"]] == ["epoch", "ReLU"]
    assert seen["pressed"] == "false"
    assert seen["without"][1].endswith("31.0 % seed 0: 30.0")
    assert {tuple(part) for part in seen["hidden"]} == {("ReLU", "1"), ("tanh", "1")}
    assert seen["again"] == []
