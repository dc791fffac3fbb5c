"""Figures 3 and 4: drawings of kernels and neighbours, read back from the SVG and its pixels."""

from __future__ import annotations

import base64
import io
import re
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from harness.contract.trial import Trial
from harness.data.datasets import CIFAR10
from harness.plans.experiment import Finding, Planned, Role, Run
from harness.reporting.figures import kernels, neighbours, selection
from harness.reporting.figures.drawing import pictures
from harness.reporting.figures.drawing.frame import ARMS, MUTED, Drawing
from harness.reporting.pages import render
from harness.reporting.report import Report
from tests.fakes.evidence import sections as made
from tests.fakes.evidence.runs import record

SVG = "{http://www.w3.org/2000/svg}"
SIDE = 3
AREA = SIDE * SIDE


@dataclass(frozen=True)
class Measured:
    """Settings of a measurement of a trained network."""

    dataset: str = "cifar10"


def measured(details: dict[str, Any], seed: int = 0, dataset: str = "cifar10") -> Run:
    trial = Trial(Measured(dataset), seed)
    return Run(Planned(trial, "paper", Role.FINAL), replace(record(trial, [], None), details=details))


def drawn(figure: str, runs: list[Run], protocol: str = "cifar10") -> list[Drawing]:
    proof = made.evidence(runs, protocol)
    return selection.FIGURES[figure]("one", proof, "What was found", selection.caveat(proof))


def parsed(drawing: Drawing) -> ElementTree.Element:
    return ElementTree.fromstring(drawing.svg)


def pixel(image: ElementTree.Element, x: int, y: int) -> tuple[int, ...]:
    data = image.attrib["href"].removeprefix("data:image/png;base64,")
    found = Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB").getpixel((x, y))
    assert isinstance(found, tuple)
    return tuple(found)


def kernel(red: float, blue: float) -> list[float]:
    """Zero except for red in the first pixel and blue in the last."""
    values = [0.0] * (3 * AREA)
    values[0], values[3 * AREA - 1] = red, blue
    return values


FILTERS = {
    "kernels": [kernel(1.0, -1.0), kernel(5.0, -5.0), kernel(2.0, 0.0), [0.5] * (3 * AREA)],
    "side": SIDE,
    "chroma": [0.1, 0.3, 0.8, 0.6],
    "columns": 2,
}


def test_every_kernel_is_drawn_in_its_order_and_scaled_to_its_own_range() -> None:
    (drawing,) = drawn("kernels", [measured(FILTERS)])
    first, second = parsed(drawing).findall(f"{SVG}image")
    assert [pixel(first, x, 0) for x in (0, SIDE + 1)] == [(255, 128, 128), (255, 128, 128)]
    assert [pixel(second, x, 0) for x in (0, SIDE + 1)] == [(255, 0, 0), (128, 128, 128)]
    assert pixel(first, SIDE - 1, SIDE - 1) == (128, 128, 0)
    assert pixel(second, 1, 1) == (0, 0, 0)
    assert float(first.attrib["x"]) < float(second.attrib["x"]), "columns stand side by side"


def test_the_more_colourful_column_stands_at_the_right_whichever_it_is() -> None:
    turned = FILTERS | {"chroma": [0.8, 0.6, 0.1, 0.3]}
    (drawing,) = drawn("kernels", [measured(turned)])
    words = [text.text for text in parsed(drawing).findall(f"{SVG}text")]
    assert words == ["What was found", "network 0", "mean chroma 0.200", "mean chroma 0.700"]
    found = kernels.read(turned, 0)
    assert found
    assert found.columns == (tuple(FILTERS["kernels"][2:]), tuple(FILTERS["kernels"][:2]))


@pytest.mark.parametrize(("count", "in_a_row"), [(12, 12), (16, 8), (24, 12), (48, 12), (1, 1)])
def test_kernels_stand_in_even_rows(count: int, in_a_row: int) -> None:
    found = kernels.read({"kernels": [[0.0, 1.0, 2.0]] * 2 * count, "side": 1, "columns": 2}, 0)
    assert found
    assert found.in_a_row == in_a_row
    assert [len(column) for column in found.columns] == [count, count]
    wide = kernels.LABEL + 2 * found.in_a_row * found.cell + kernels.BETWEEN
    assert wide <= kernels.WIDTH


def test_every_network_that_shows_its_kernels_is_drawn_and_a_broken_record_is_not() -> None:
    broken = [{}, {**FILTERS, "side": 4}, {"kernels": [], "side": 3}, {"kernels": [[1.0]]}]
    assert [drawn("kernels", [measured(one)]) for one in broken] == [[]] * 4
    (drawing,) = drawn("kernels", [measured({}, 0), measured(FILTERS, 1), measured(FILTERS, 2)], "smoke")
    words = [text.text for text in parsed(drawing).findall(f"{SVG}text")]
    assert [word for word in words if word and word.startswith("network")] == ["network 1", "network 2"]
    assert ">SMOKE</text>" in drawing.svg


def picture(shade: int, side: int = 4) -> str:
    file = io.BytesIO()
    Image.new("RGB", (side, side), (shade, 0, 0)).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def query(features: list[int], pixels: list[int], label: int = 3, **changes: Any) -> dict[str, Any]:
    near = {
        name: [{"image": picture(i), "label": x} for i, x in enumerate(labels)]
        for name, labels in {"features": features, "pixels": pixels}.items()
    }
    classes = {"classes": [8, 3, 0, 1, 2], "probabilities": [0.5, 0.25, 0.125, 0.1, 0.025]}
    return {"image": picture(200), "label": label, **classes, **near, **changes}


QUERIES = {"queries": [query([3, 3, 5, 3, 0, 3], [8, 0, 3, 8, 8, 8]), query([0] * 6, [3] * 6, label=0)]}


def frames(drawing: Drawing) -> list[str]:
    """Colours of the neighbours' frames, in the order in which they are drawn."""
    boxes = [box.attrib for box in parsed(drawing).findall(f"{SVG}rect")]
    return [box["stroke"] for box in boxes if box.get("stroke") in (ARMS[2], MUTED)]


def test_neighbours_are_framed_by_whether_the_class_is_the_querys() -> None:
    (drawing,) = drawn("neighbours", [measured(QUERIES)])
    said = {ARMS[2]: "x", MUTED: "."}
    assert "".join(said[colour] for colour in frames(drawing)) == "xx.x.x" + "..x..." + "xxxxxx" + "......"
    assert len(parsed(drawing).findall(f"{SVG}image")) == 2 * 13
    assert "10 of 12 by the last hidden layer, 1 of 12 by pixels" in drawing.caption
    assert drawing.wide


def test_what_all_queries_come_to_stands_above_the_few_that_are_shown() -> None:
    """Six queries with the same share would tell nothing: two networks found 40 and 44 % by features."""
    runs = [measured(QUERIES, seed) for seed in (0, 1)]
    shares = [{"features": 40.0, "pixels": 12.0}, {"features": 44.0, "pixels": 10.0}]
    told = [
        replace(run, record=replace(run.record, metrics={**found, "queries": 1000.0}))
        for run, found in zip(runs, shares, strict=True)
    ]
    said = "all 1,000 queries (mean of 2 networks): 42.0 % by the last hidden layer and 11.0 % by pixels"
    (drawing,) = drawn("neighbours", told)
    assert said in drawing.caption
    assert said in " ".join(text.text or "" for text in parsed(drawing).findall(f"{SVG}text"))
    (untold,) = drawn("neighbours", runs)
    assert "queries (mean" not in untold.caption


def test_the_bars_are_as_long_as_the_probabilities_and_that_of_the_class_is_green() -> None:
    (drawing,) = drawn("neighbours", [measured({"queries": QUERIES["queries"][:1]})])
    bars = [box.attrib for box in parsed(drawing).findall(f"{SVG}rect[@class='bar']")]
    assert [float(bar["width"]) / neighbours.BAR for bar in bars] == [0.5, 0.25, 0.125, 0.1, 0.025]
    assert [bar["fill"] == ARMS[2] for bar in bars] == [False, True, False, False, False]
    words = [text.text for text in parsed(drawing).findall(f"{SVG}text")]
    assert [w for w in words if w in neighbours.CIFAR10][:6] == [
        "cat", "ship", "cat", "airplane", "automobile", "bird",
    ]  # fmt: skip
    assert "50%" in words


def test_classes_without_names_are_numbers() -> None:
    (drawing,) = drawn("neighbours", [measured(QUERIES, dataset="imagenet-2010")])
    assert "class 8" in drawing.svg
    assert "ship" not in drawing.svg
    assert neighbours.class_name(12, CIFAR10) == "class 12"
    assert neighbours.CIFAR10 == CIFAR10


def test_only_pictures_are_taken_from_a_record() -> None:
    hostile = ["javascript:alert(1)", base64.b64encode(b"<svg onload='x'/>").decode(), None, 7]
    assert [pictures.stored(one) for one in hostile] == [None] * 4
    named = query([3] * 6, [3] * 6, image=hostile[0], classes=["<b>", 1, 2, 3, 4])
    assert drawn("neighbours", [measured({"queries": [named]})]) == []
    (drawing,) = drawn("neighbours", [measured({"queries": [query([3], [3], image=hostile[1]), {}]})])
    assert len(parsed(drawing).findall(f"{SVG}image")) == 2
    assert "onload" not in base64.b64decode("".join(re.findall(r"base64,([^\"]+)", drawing.svg)[:1])).decode(
        "latin-1"
    )


def test_photographs_are_made_small() -> None:
    small = pictures.stored(picture(9, side=224))
    assert small
    data = base64.b64decode(small.removeprefix("data:image/png;base64,"))
    assert Image.open(io.BytesIO(data)).size == (pictures.LARGEST, pictures.LARGEST)
    assert pictures.stored(picture(9, side=24)) == f"data:image/png;base64,{picture(9, side=24)}"


def test_a_page_with_pictures_loads_nothing_else(tmp_path: Path) -> None:
    whole = made.complete()
    proof = made.evidence([measured(QUERIES | FILTERS)])
    for figure in ("kernels", "neighbours"):
        changed = made.changed(whole, evidence=proof, finding=Finding())
        section = replace(changed, reproduction=made.reproduction(proof, figure=figure))
        page, text = render(Report([section]), tmp_path / figure)
        html = page.read_text(encoding="utf-8")
        assert re.search(
            r"default-src 'none'; script-src 'sha256-[^']+'; style-src 'unsafe-inline'; img-src data:", html
        )
        sources = re.findall(r'(?:<image [^>]*href|src)="([^#"][^"]*)"', html)
        assert sources
        assert all(re.fullmatch(r"data:image/png;base64,[A-Za-z0-9+/=]+", source) for source in sources)
        assert "(figures/relu-speedup.svg)" in text.read_text(encoding="utf-8")
        assert "<image " in (tmp_path / figure / "figures/relu-speedup.svg").read_text(encoding="utf-8")
