"""The loop against a textbook one, its clock, and epochs cut into parts."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from harness.contract.trial import Precision
from harness.data.images import Batches, load
from harness.models.cifar10 import nineteen
from harness.models.network import Net
from harness.training.loop import Loop, Parts
from harness.training.update import for_network


def test_training_equals_a_textbook_loop(images_place: Path | None) -> None:
    """Three steps against plain autograd and the update written out, in float64."""
    images = load("cifar10", images_place).first(384)
    batches = Batches(images, images.mean())
    net = Net(nineteen()).initialise(0)
    reference = Net(nineteen()).initialise(0).double()
    order = torch.arange(384)
    loop = Loop(net, for_network(net, 0.001, 2.0, 0.9), batches, Precision.FP32, 128)
    loss, error = loop.train(order)
    velocity = {name: torch.zeros_like(p) for name, p in reference.named_parameters()}
    decay = dict.fromkeys(velocity, 0.0)
    names = {id(p): name for name, p in reference.named_parameters()}
    decay |= {names[id(weight)]: layer.decay for layer, weight, _ in reference.weighted()}
    losses, wrong = [], 0
    pixels = images.pixels.double() - images.mean().double()
    for start in range(0, 384, 128):
        logits = reference(pixels[start : start + 128].permute(0, 3, 1, 2))
        labels = images.labels[start : start + 128]
        mean_loss = functional.cross_entropy(logits, labels)
        reference.zero_grad()
        mean_loss.backward()  # type: ignore[no-untyped-call]
        losses.append(mean_loss.item())
        wrong += int((logits.argmax(1) != labels).sum())
        with torch.no_grad():
            for name, p in reference.named_parameters():
                rate = 0.001 if name.endswith("weight") else 0.002
                assert p.grad is not None
                velocity[name] = 0.9 * velocity[name] - rate * (decay[name] * p + p.grad)
                p += velocity[name]
    assert loss == pytest.approx(sum(losses) / 3, rel=1e-4)
    assert error == wrong / 384
    for ours, theirs in zip(net.parameters(), reference.parameters(), strict=True):
        assert torch.allclose(ours.double(), theirs, rtol=1e-3, atol=1e-6)


def test_the_clock_stands_still_while_looking(tmp_path: Path) -> None:
    images = load("cifar10", None).first(512)
    net = Net(nineteen()).initialise(0)
    loop = Loop(net, for_network(net, 0.001, 2.0, 0.9), Batches(images, images.mean()), Precision.FP32, 128)
    loop.train(torch.arange(512))
    wall, cpu = loop.clock.wall, loop.clock.cpu
    assert wall > 0
    assert 0 <= loop.error(torch.arange(512)) <= 1
    assert (loop.clock.wall, loop.clock.cpu) == (wall, cpu)


@given(st.integers(1, 60), st.integers(1, 20), st.integers(1, 9), st.integers(0, 3))
def test_parts_are_the_epoch_cut_between_batches(images: int, size: int, most: int, epoch: int) -> None:
    parts = Parts(images, size, most)
    batches = -(-images // size)
    assert parts.count == min(most, batches)
    numbers = range(epoch * parts.count, (epoch + 1) * parts.count)
    order = parts.order(5, numbers[0])
    assert sorted(order.tolist()) == list(range(images))
    cuts = [parts.cut(order, part) for part in numbers]
    assert torch.equal(torch.cat(cuts), order)
    assert all(len(cut) > 0 for cut in cuts)
    assert all(len(cut) % size == 0 for cut in cuts[:-1])
    before = epoch * batches
    for part, cut in zip(numbers, cuts, strict=True):
        assert torch.equal(parts.order(5, part), order)
        assert parts.iteration(part) == before
        before += -(-len(cut) // size)


def test_every_epoch_and_seed_has_an_order_of_its_own() -> None:
    parts = Parts(512, 128, 4)
    assert not torch.equal(parts.order(0, 0), parts.order(0, 4))
    assert not torch.equal(parts.order(0, 0), parts.order(1, 0))
