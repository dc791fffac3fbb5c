"""A declaration that would let any result count as the paper's is refused, as is one of the wrong type."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.contract.errors import BadValue
from harness.paper import declaration
from harness.paper.catalogue import CLAIMS, claim
from harness.paper.claims import Band, Claim, Metric, Side
from harness.paper.papers import ALEXNET, Paper

RATIO = claim("relu-speedup")


def check(*claims: Any, **texts: Any) -> None:
    declaration.check(Paper("Doe 1999", "On coins", claims, **texts))


def test_alexnets_own_declaration_is_sound() -> None:
    declaration.check(ALEXNET)


@given(st.sampled_from([c for c in CLAIMS if c.kind in declaration.SIDED]), st.data())
def test_no_claim_with_a_direction_passes_without_it(about: Claim, data: st.DataObject) -> None:
    lacking = data.draw(st.sampled_from([{"null": None}, {"side": None}, {"side": str(about.side)}]))
    with pytest.raises(BadValue, match=about.id):
        check(replace(about, **lacking))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: replace(c, side=None), "is a ratio without side: declare both"),
        (lambda c: replace(c, side="above"), "has side='above', a text: use a harness.paper.claims.Side"),
        (lambda c: replace(c, kind="ratios"), "has a value of the wrong type"),
        (lambda c: replace(c, section=4.2), "Expected `str`, got `float` - at `$.section`"),
        (lambda c: replace(c, null=0.0), "is a ratio with null=0: no effect is 1"),
        (lambda c: replace(c, side=Side.BELOW), "has a band that reaches beyond null=1 to the other side"),
        (lambda c: replace(c, metrics=()), "has no metric"),
        (
            lambda c: replace(c, metrics=(Metric("epochs", "×", 6.0, Band(7.0, 9.0)),)),
            "has the paper's epochs of 6 outside its own band",
        ),
        (lambda c: replace(c, metrics=(Metric("epochs", "×", 6.0, (4.0, 9.0)),)), "wrong type"),  # type: ignore[arg-type]
        (lambda _: replace(claim("error-rate"), side=Side.BELOW), "is a level, which has no side"),
    ],
)
def test_what_is_wrong_is_named(change: Callable[[Claim], Claim], said: str) -> None:
    with pytest.raises(BadValue) as error:
        check(change(RATIO))
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ({"titles": None}, "its titles are not texts"),
        ({"measured": {"relu-speedup": 6}}, "its measured are not texts"),
        ({"measured": {"relu-speedup": "{} of {} in {}"}}, "'relu-speedup' has other braces"),
        ({"measured": {"relu-speedup": "{effect}"}}, "'relu-speedup' has other braces"),
    ],
)
def test_texts_must_be_usable(texts: dict[str, Any], said: str) -> None:
    with pytest.raises(BadValue, match=said.replace("{", r"\{")):
        check(RATIO, **texts)
