"""The recipes against what the paper, the 2012 source and Caffe's solver say (CLAIMS.md §3, §6)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.contract.errors import UnknownName
from harness.data.views import Augmentation, ColourNoise, MeanCrop, Spread, offsets
from harness.models.description import Dropout, Weighted
from harness.records.keys import canonical
from harness.training.scheduled.recipes import CAFFE, PAPER, RECIPES, SOURCE_2012, Recipe, recipe
from harness.training.schedules import LOGGED, Plateau, Steps


def weighted(made: Recipe) -> list[Weighted]:
    return [layer for layer in made.network.layers if isinstance(layer, Weighted)]


def test_the_three_recipes_side_by_side() -> None:
    """Batch, momentum, bias factor, bias decay, images that share a crop, colour reading, divisor, mean."""
    table = {
        "paper": (128, 0.9, 1.0, True, 1, Spread.EIGENVALUE, 1.0, MeanCrop.OWN),
        "source-2012": (128, 0.9, 2.0, False, 32, Spread.DEVIATION, 1.1, MeanCrop.CENTRE),
        "caffe": (256, 0.9, 2.0, False, 1, None, None, MeanCrop.OWN),
    }
    assert set(table) == set(RECIPES)
    for name, row in table.items():
        made = recipe(name)
        how = made.augmentation
        colours = (how.colour.spread, how.colour.divisor) if how.colour else (None, None)
        found = (made.batch_size, made.momentum, made.bias_rate_factor, made.bias_decay, how.sharing)
        assert (*found, *colours, how.mean) == row
        assert how.crops
        assert how.flips
        assert how.colour is None or how.colour.sigma == 0.1


def test_schedules() -> None:
    assert isinstance(PAPER.schedule, Plateau)
    assert (PAPER.schedule.rate, PAPER.schedule.drops, PAPER.schedule.max_epochs) == (0.01, 3, 90)
    assert SOURCE_2012.schedule == LOGGED
    assert CAFFE.schedule == Steps(0.01, 10.0, 100_000, 450_000)


@pytest.mark.parametrize("name", RECIPES)
def test_what_belongs_to_the_layers(name: str) -> None:
    made = recipe(name)
    layers = weighted(made)
    assert made.network.name == name
    assert {layer.decay for layer in layers} == {5e-4}
    assert [layer.rate for layer in made.network.layers if isinstance(layer, Dropout)] == [0.5, 0.5]
    inits = {
        "paper": [0.01] * 8,
        "source-2012": [0.01, 0.01, 0.03, 0.03, 0.03, 0.01, 0.01, 0.01],
        "caffe": [0.01] * 5 + [0.005, 0.005, 0.01],
    }
    assert [layer.init for layer in layers] == inits[name]
    one = 0.1 if name == "caffe" else 1
    assert [layer.bias for layer in layers] == [0, one, 0, one, one, one, one, 0]


def test_crops_of_256() -> None:
    """The text counts 32 × 32 × 2; 33 × 33 × 2 fit. Caffe's 227 leave 30 × 30 × 2."""
    counts = {name: offsets(256, made.augmentation.side) ** 2 * 2 for name, made in RECIPES.items()}
    assert counts == {"paper": 2178, "source-2012": 2178, "caffe": 1800}


def test_recipes_are_plain_data() -> None:
    assert len({canonical(made) for made in RECIPES.values()}) == 3
    reading = replace(PAPER, augmentation=replace(PAPER.augmentation, colour=ColourNoise(white=255.0)))
    assert canonical(reading) != canonical(PAPER)


def test_parts_that_do_not_fit_are_refused() -> None:
    with pytest.raises(UnknownName, match="nearest: source-2012"):
        recipe("source-2011")
    with pytest.raises(ValueError, match="crops of 227"):
        replace(PAPER, augmentation=Augmentation(side=227))
    later = tuple(replace(stage, frozen=("conv-1",)) for stage in LOGGED.stages)
    with pytest.raises(ValueError, match="conv-1"):
        replace(SOURCE_2012, schedule=replace(LOGGED, stages=later))
