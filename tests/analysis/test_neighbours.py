"""Nearest images against brute force, and features against a forward pass written out."""

from __future__ import annotations

import base64
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor
from torch.nn import functional

from harness.analysis import neighbours
from harness.analysis.neighbours import nearest, net_features, pixel_rank
from harness.analysis.settings import Neighbours
from harness.contract.session import Artifacts, Session, TrialResult
from harness.contract.trial import Status, Trial
from harness.data.images import load
from harness.data.inputs import resident
from harness.models.network import Net
from harness.plans.ablation import BASELINE, training
from harness.plans.protocols import SMOKE
from harness.records.image_bits import unpacked
from harness.training import artifacts

SMALL = training(SMOKE, BASELINE, 0)
TRAINED = replace(SMALL, settings=replace(SMALL.settings, images=128, test_images=20, sample=60))
SETTINGS = Neighbours(TRAINED, queries=12, nearest=4, shown=3)


def brute_force(searched: Tensor, queries: Tensor, count: int) -> np.ndarray:
    a, b = queries.double().numpy(), searched.double().numpy()
    distances = ((a[:, None] - b[None]) ** 2).sum(2)
    found: np.ndarray = distances.argsort(1, kind="stable")[:, :count]
    return found


@given(st.integers(0, 2**31), st.integers(6, 80), st.integers(1, 40))
@settings(max_examples=25, deadline=None)
def test_nearest_is_brute_force(seed: int, count: int, width: int) -> None:
    draw = torch.Generator().manual_seed(seed)
    searched, queries = (torch.randn(n, width, generator=draw) for n in (count, 5))
    found = nearest(searched, queries, replace(SETTINGS, nearest=6))
    assert np.array_equal(found.numpy(), brute_force(searched, queries, 6))


def test_nearest_holds_for_many_pixels_of_any_size() -> None:
    """As large as for pixels: 1,728 numbers from 0 to 255."""
    draw = torch.Generator().manual_seed(0)
    searched, queries = (255 * torch.rand(n, 1728, generator=draw) - 128 for n in (600, 30))
    found = nearest(searched, queries, SETTINGS)
    assert np.array_equal(found.numpy(), brute_force(searched, queries, 4))


def test_nearest_holds_where_all_are_near_one_another() -> None:
    """As for features of positive numbers: distances are a hundredth of their size."""
    draw = torch.Generator().manual_seed(0)
    searched, queries = (1 + 0.01 * torch.randn(n, 128, generator=draw) for n in (600, 30))
    found = nearest(searched, queries, SETTINGS)
    assert np.array_equal(found.numpy(), brute_force(searched, queries, 4))


@given(st.integers(0, 2**31), st.integers(6, 60))
@settings(max_examples=25, deadline=None)
def test_pixel_rank_is_the_median_share_that_is_nearer(seed: int, count: int) -> None:
    draw = torch.Generator().manual_seed(seed)
    searched, queries = (torch.randn(n, 8, generator=draw) for n in (count, 5))
    near = torch.randint(count, (5, 3), generator=draw)
    order = brute_force(searched, queries, count).tolist()
    ranks = sorted(order[i].index(j) for i, row in enumerate(near.tolist()) for j in row)
    assert pixel_rank(searched, queries, near) == pytest.approx(100 * ranks[7] / count, rel=1e-5)


def test_neighbours_by_pixels_rank_first_and_random_ones_in_the_middle() -> None:
    """More queries than are compared with all images at once; the four nearest have ranks 0 to 3."""
    draw = torch.Generator().manual_seed(0)
    searched, queries = (torch.randn(n, 16, generator=draw) for n in (400, 501))
    assert pixel_rank(searched, queries, nearest(searched, queries, SETTINGS)) == pytest.approx(100 / 400)
    by_chance = torch.randint(400, (501, 4), generator=draw)
    assert pixel_rank(searched, queries, by_chance) == pytest.approx(50, abs=4 * 50 / 2004**0.5)
    farthest = torch.cdist(queries, searched).topk(4).indices
    assert pixel_rank(searched, queries, farthest) == pytest.approx(100 * 397 / 400)


def test_features_are_the_last_hidden_layer_s_outputs() -> None:
    """Everything up to fc7, its nonlinearity, and 2012's factor of a half in testing."""
    net = Net(TRAINED.settings.network).initialise(1).eval()
    x = 50 * torch.randn(4, 3, 24, 24)
    weights = {layer.name: (weight, bias) for layer, weight, bias in net.weighted()}
    with torch.no_grad():
        found = net_features(net)(x)
        for module, layer in zip(net.layers, net.description.layers, strict=True):
            if getattr(layer, "name", "") == "fc6":
                break
            x = module(x)
        for name in ("fc6", "fc7"):
            x = 0.5 * functional.relu(x.flatten(1) @ weights[name][0].T + weights[name][1])
        logits = x @ weights["fc8"][0].T + weights["fc8"][1]
        torch.testing.assert_close(found, x)
        torch.testing.assert_close(net.layers[-1](found), logits)
    assert found.shape == (4, 256 // 2)


def drawn() -> Net:
    """A network whose features are far apart: no biases, which would be the same for all images."""
    net = Net(TRAINED.settings.network).initialise(1).eval()
    with torch.no_grad():
        for _, _, bias in net.weighted():
            bias.zero_()
    return net


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> TrialResult:
    folder = tmp_path_factory.mktemp("neighbours")
    path = folder / "net.safetensors"
    artifacts.save(path, drawn(), {})
    session = Session("cpu", None, folder / "none.pt", Artifacts(of=lambda trial: path))
    return neighbours.run(Trial(SETTINGS, 0), session)


QUERIES = [0, 1, 3, 5, 6, 8, 10, 11, 13, 15, 16, 18]  # twelve of twenty at even distances
SHOWN = [0, 4, 8]  # three of these


def crops(train: bool) -> tuple[np.ndarray, np.ndarray]:
    """Centre crops of the images searched, or of the queries, and their labels."""
    chosen = load("cifar10", None, train).first(128 if train else 20)
    if train:
        chosen = chosen.first(60)
    pixels, labels = chosen.pixels[:, 4:28, 4:28].numpy(), chosen.labels.numpy()
    return (pixels, labels) if train else (pixels[QUERIES], labels[QUERIES])


def test_the_share_by_pixels_is_brute_force(outcome: TrialResult) -> None:
    """The mean image cancels out in differences."""
    (seen, labels), (asked, wanted) = crops(True), crops(False)
    flat = [torch.tensor(x.reshape(len(x), -1)) for x in (seen, asked)]
    near = brute_force(flat[0], flat[1], 4)
    assert outcome.status is Status.OK
    assert outcome.metrics["pixels"] == pytest.approx(100 * (labels[near] == wanted[:, None]).mean())
    assert (outcome.metrics["queries"], outcome.metrics["searched"]) == (12, 60)


def test_a_bit_is_kept_for_each_neighbour_of_each_query(outcome: TrialResult) -> None:
    kept = outcome.details["same_class"]
    assert (kept["queries"], kept["nearest"]) == (12, 4)
    for name in ("features", "pixels", "untrained"):
        assert 100 * unpacked(kept[name], 48).mean() == pytest.approx(outcome.metrics[name])
    (seen, labels), (asked, wanted) = crops(True), crops(False)
    flat = [torch.tensor(x.reshape(len(x), -1)) for x in (seen, asked)]
    same = labels[brute_force(flat[0], flat[1], 4)] == wanted[:, None]
    assert (unpacked(kept["pixels"], 48).reshape(12, 4) == same).all()


def decoded(picture: dict[str, str]) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(picture["image"]))))


def features_of(net: Net) -> list[Tensor]:
    """Features of the searched images, and of the queries."""
    inputs, features = resident.inputs(TRAINED.settings, 0, None, torch.device("cpu")), net_features(net)
    with torch.no_grad():
        return [
            features(views.see(torch.tensor(list(chosen)), views.centre))
            for views, chosen in ((inputs.sample, range(60)), (inputs.test, QUERIES))
        ]


@pytest.mark.parametrize("seed", [0, 3])
def test_the_untrained_network_is_the_one_that_training_began_with(tmp_path: Path, seed: int) -> None:
    """It depends on the training's seed, and not on the trained weights or the measurement's own seed."""
    path = tmp_path / "net.safetensors"
    artifacts.save(path, drawn(), {})
    session = Session("cpu", None, tmp_path / "none.pt", Artifacts(of=lambda trial: path))
    asked = replace(SETTINGS, of=replace(TRAINED, seed=seed))
    found = neighbours.run(Trial(asked, 7), session).metrics["untrained"]
    near = nearest(*features_of(Net(TRAINED.settings.network).initialise(seed).eval()), SETTINGS)
    labels, wanted = crops(True)[1], crops(False)[1]
    assert found == pytest.approx(100 * (labels[near.numpy()] == wanted[:, None]).mean())


def test_the_pixel_rank_is_that_of_the_nearest_by_features(outcome: TrialResult) -> None:
    (seen, _), (asked, _) = crops(True), crops(False)
    flat = [torch.tensor(x.reshape(len(x), -1)) for x in (seen, asked)]
    near, order = brute_force(*features_of(drawn()), 4), brute_force(flat[0], flat[1], 60).tolist()
    ranks = sorted(order[i].index(j) for i, row in enumerate(near.tolist()) for j in row)
    assert outcome.metrics["pixel_rank"] == pytest.approx(100 * ranks[(len(ranks) - 1) // 2] / 60)


def test_the_picture_shows_the_queries_and_their_nearest(outcome: TrialResult, tmp_path: Path) -> None:
    (seen, labels), (asked, wanted) = crops(True), crops(False)
    asked, wanted, queries = asked[SHOWN], wanted[SHOWN], outcome.details["queries"]
    assert len(queries) == 3
    by_pixels = brute_force(*(torch.tensor(x.reshape(len(x), -1)) for x in (seen, asked)), 4)
    for i, query in enumerate(queries):
        assert np.array_equal(decoded(query), asked[i])
        assert query["label"] == wanted[i]
        assert len(query["classes"]) == len(set(query["classes"])) == 5
        assert query["probabilities"] == sorted(query["probabilities"], reverse=True)
        assert len(query["features"]) == 4
        for shown, index in zip(query["pixels"], by_pixels[i], strict=True):
            assert shown["label"] == labels[index]
            assert np.array_equal(decoded(shown), seen[index])


def test_the_pictures_by_features_are_the_nearest_by_features(outcome: TrialResult) -> None:
    near = brute_force(*features_of(drawn()), 4)
    labels, wanted = crops(True)[1], crops(False)[1]
    assert outcome.metrics["features"] == pytest.approx(100 * (labels[near] == wanted[:, None]).mean())
    for query, indices in zip(outcome.details["queries"], near[SHOWN], strict=True):
        assert [shown["label"] for shown in query["features"]] == labels[indices].tolist()
