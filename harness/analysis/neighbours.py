"""Figure 4: the training images nearest to a test image, by the last hidden layer and by pixels.

By pixels, images are compared as the network receives them: centre crops less the mean.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from pkgutil import resolve_name
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn

from harness.analysis.settings import Neighbours
from harness.contract.session import Session, TrialResult
from harness.contract.trial import Status, Trial
from harness.data.augmentation import Views
from harness.data.images import even
from harness.data.inputs.selection import Inputs
from harness.models.description import Dense
from harness.models.network import Net
from harness.records.image_bits import packed
from harness.training import artifacts

CHUNK = 500
Features = Callable[[Tensor], Tensor]


def run(trial: Trial[Neighbours], session: Session) -> TrialResult:
    """The share of nearest training images with the query's class, in percent, by features and by pixels."""
    settings = trial.settings
    trained = settings.of.settings
    device = torch.device(session.device)
    read = resolve_name(trained.reader.implementation)
    inputs: Inputs = read(trained, 0, session.data, device)
    net = artifacts.network(session.artifacts.trained(settings.of), trained.network).to(device)
    before = Net(trained.network).initialise(settings.of.seed).eval().to(device)
    train, test = inputs.sample, inputs.test
    total = len(test.images)
    some = even(min(settings.queries, total), total).to(device)
    by = {"features": net_features(net), "pixels": _pixels, "untrained": net_features(before)}
    found = {
        name: nearest(_all(features, train), _all(features, test, some), settings)
        for name, features in by.items()
    }
    labels = test.images.labels[some]
    same = {name: train.images.labels[near] == labels[:, None] for name, near in found.items()}
    metrics: dict[str, float | None] = {
        **{name: 100 * float(flags.float().mean()) for name, flags in same.items()},
        "pixel_rank": pixel_rank(_all(_pixels, train), _all(_pixels, test, some), found["features"]),
        "queries": float(len(some)),
        "searched": float(len(train.images)),
    }
    shown = {name: found[name] for name in ("features", "pixels")}
    bits = {name: packed(flags.flatten().cpu().numpy()) for name, flags in same.items()}
    kept = {"queries": len(some), "nearest": settings.nearest, **bits}
    details = {"same_class": kept, **_picture(net, inputs, some, shown, settings)}
    return TrialResult(Status.OK, metrics, details=details)


def net_features(net: Net) -> Features:
    """Outputs of the last hidden layer, after its nonlinearity: (N, units) from inputs (N, 3, side, side)."""
    last = max(i for i, layer in enumerate(net.description.layers) if isinstance(layer, Dense))
    hidden = nn.Sequential(*list(net.layers)[:last])
    return lambda x: torch.flatten(hidden(x), 1)


def _pixels(x: Tensor) -> Tensor:
    return x.flatten(1)


@torch.no_grad()
def _all(features: Features, views: Views, chosen: Tensor | None = None) -> Tensor:
    """Features (N, numbers) of the centre views of the chosen images, or of all."""
    device = views.mean.device
    chosen = torch.arange(len(views.images), device=device) if chosen is None else chosen
    return torch.cat([features(views.see(part, views.centre)).float() for part in torch.split(chosen, CHUNK)])


def nearest(searched: Tensor, queries: Tensor, settings: Neighbours) -> Tensor:
    """Indices (queries, nearest) into `searched` by Euclidean distance, nearest first."""
    parts = torch.split(queries, CHUNK)
    near = (_distances(some, searched).topk(settings.nearest, largest=False) for some in parts)
    return torch.cat([found.indices for found in near])


def pixel_rank(searched: Tensor, queries: Tensor, near: Tensor) -> float:
    """Median rank of the images `near` (queries, n) by distance to their query, in percent of all searched.

    50 if `near` has nothing to do with these distances, 0 if it holds the nearest by these distances.
    """
    ranks = []
    for some, chosen in zip(torch.split(queries, CHUNK), torch.split(near, CHUNK), strict=True):
        apart = _distances(some, searched)
        closer = apart[:, None, :] < apart.gather(1, chosen)[:, :, None]
        ranks.append(closer.float().mean(2).flatten())
    return 100 * float(torch.cat(ranks).median())


def _distances(queries: Tensor, searched: Tensor) -> Tensor:
    """Euclidean distances; not by expanding the square, which loses small ones among large features."""
    return torch.cdist(queries, searched, compute_mode="donot_use_mm_for_euclid_dist")


def _picture(
    net: Net, inputs: Inputs, some: Tensor, found: dict[str, Tensor], settings: Neighbours
) -> dict[str, Any]:
    """What Figure 4 shows for some queries: the image, its most probable classes, its nearest images.

    The queries shown are at even distances in `some`; `found` has the nearest images of all in `some`.
    """
    test, train = inputs.test, inputs.sample
    places = even(min(settings.shown, len(some)), len(some))
    shown = some[places.to(some.device)]
    with torch.no_grad():
        probabilities = net(test.see(shown, test.centre)).softmax(1).cpu()
    best = probabilities.topk(min(5, probabilities.shape[1]))
    queries = [
        {
            "image": _png(test, image),
            "label": int(test.images.labels[image]),
            "classes": best.indices[number].tolist(),
            "probabilities": [round(p, 4) for p in best.values[number].tolist()],
            **{name: _list(train, near[place]) for name, near in found.items()},
        }
        for number, (image, place) in enumerate(zip(shown.tolist(), places.tolist(), strict=True))
    ]
    return {"queries": queries}


def _list(views: Views, chosen: Tensor) -> list[dict[str, Any]]:
    return [{"image": _png(views, i), "label": int(views.images.labels[i])} for i in chosen.tolist()]


def _png(views: Views, index: int) -> str:
    """The image's centre as PNG in base64."""
    at, side = views.centre, views.how.side
    pixels = views.images.pixels[index, at.top : at.top + side, at.left : at.left + side]
    file = io.BytesIO()
    Image.fromarray(pixels.cpu().numpy()).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()
