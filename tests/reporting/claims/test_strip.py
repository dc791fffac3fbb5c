"""The strip of a claim's experiments: what may stand on the paper's axis, and names that stay on it."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

from harness.contract.effect import Effect, Interval
from harness.paper.catalogue import claim
from harness.reporting.claims import strip
from harness.reporting.claims.sections import Section
from harness.verdicts.verdict import Outcome, Qualifier
from tests.fakes.evidence import sections as made
from tests.reporting.claims.test_entries import NOISY, PROXY, SVG, of

ERROR = claim("error-rate")
LEVEL = Effect("top-1 error", "%", 5, 36.94, None, Interval(36.87, 37.01, 0.95))


def words(*sections: Section) -> list[str]:
    drawing = strip.strip("one", sections, "")
    assert drawing
    return [text.text or "" for text in ElementTree.fromstring(drawing.svg).iter(f"{SVG}text")]


def caption(*sections: Section) -> str:
    drawing = strip.strip("one", sections, "")
    assert drawing
    return drawing.caption


def test_a_level_of_another_scale_is_not_drawn_beside_the_papers() -> None:
    proxy = of(ERROR, LEVEL, Outcome.REPORTED, PROXY, "cifar10-scarce")
    assert strip.strip("one", [proxy], "") is None
    both = [of(ERROR, LEVEL, Outcome.REPRODUCED), proxy]
    said = words(*both)
    assert "paper 37.5 %" in said
    assert not [word for word in said if word.startswith("cifar10-scarce")]
    assert "Hollow" not in caption(*both)


def test_a_cost_at_another_scale_is_not_called_a_direction() -> None:
    about = claim("training-time")
    took = Effect("training time", "days", 3, 11.2, None, Interval(11.0, 11.4, 0.95))
    said = caption(of(about, took, Outcome.REPORTED, PROXY, "other"))
    assert "Hollow: not at the paper's scale, not comparable." in said
    assert "direction" not in said
    lrn = of(claim("lrn"), NOISY, Outcome.INCONCLUSIVE, PROXY, "cifar10-converged")
    assert "which shows a direction only" in caption(lrn)


def test_an_interval_of_a_look_is_marked_among_plain_ones() -> None:
    plain = of(claim("lrn"), NOISY, Outcome.INCONCLUSIVE)
    effect = replace(NOISY, interim95=Interval(-5.0, 3.0, 0.97))
    looked = made.changed(of(claim("lrn"), effect, Outcome.INCONCLUSIVE), interim=True)
    labels = [word for word in words(plain, looked) if "n = 3" in word]
    assert [label.endswith("n = 3, at a look") for label in labels] == [False, True]


def test_a_name_beside_another_does_not_leave_the_drawing() -> None:
    """The paper's figure lies at the right end, close to a line of no effect."""
    effect = Effect("top-1 error", "points", 3, -20.0, None, Interval(-20.1, -19.9, 0.95))
    section = of(claim("depth"), effect, Outcome.NOT_REPRODUCED)
    drawing = strip.strip("one", [section], "")
    assert drawing
    places = {}
    for text in ElementTree.fromstring(drawing.svg).iter(f"{SVG}text"):
        x, wide = float(text.attrib["x"]), strip.LETTER * len(text.text or "")
        anchor = text.attrib.get("text-anchor", "start")
        begins = x - {"start": 0.0, "middle": wide / 2, "end": wide}[anchor]
        places[text.text] = (begins, begins + wide)
    paper, none = places["paper 2 points"], places["no effect"]
    assert paper[1] <= strip.WIDTH
    assert none[1] <= paper[0], "nor does it cover the other name"


def test_one_more_experiment_is_one() -> None:
    sections = [of(claim("lrn"), NOISY, Outcome.INCONCLUSIVE, Qualifier.NONE, f"p{i}") for i in range(10)]
    assert "1 more experiment is in the table below." in caption(*sections[: strip.MOST_ROWS + 1])
    assert "2 more experiments are in the table below." in caption(*sections)


def test_a_long_label_leaves_room_for_the_figures() -> None:
    long = of(claim("lrn"), NOISY, Outcome.INCONCLUSIVE, PROXY, "imagenette-converged-and-very-much-more")
    drawing = strip.strip("one", [long], "")
    assert drawing
    (room,) = re.findall(r'textLength="([\d.]+)"', drawing.svg)
    assert float(room) + strip.LETTER * len("−0.8 points [−3.5, 1.9]") < strip.WIDTH
