"""What each reproduction estimates, as its docstring says: by claim, then by the effect's name."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

import numpy as np

from tests.recomputed import formulas
from tests.recomputed.formulas import Bracket, Images, Result
from tests.recomputed.raw import Arms, Numbers, Raw

Effects = dict[str, Result]
Measure = Mapping[str, int]  # metrics with their signs
SETS = {f"{view}_{k}": "images" for view in ("ten", "centre") for k in ("top1", "top5")}
SETS |= {"train_top1": "train_images", "train_top5": "train_images"}
GAP = {"centre_top1": 1, "train_top1": -1}


def value(raw: Raw, measure: Measure) -> float | None:
    found = [(raw.metric(name), sign) for name, sign in measure.items()]
    return None if any(x is None for x, _ in found) else sum(sign * (x or 0.0) for x, sign in found)


def known(arms: Arms, arm: str, measure: Measure) -> list[Raw]:
    return [raw for raw in arms.learned(arm) if value(raw, measure) is not None]


def values(runs: Sequence[Raw], measure: Measure) -> list[float]:
    return [x for raw in runs if (x := value(raw, measure)) is not None]


def image_sets(groups: Sequence[Sequence[Raw]], measure: Measure) -> list[Images]:
    """In percent; none at all if any run lacks the bits of any metric, or an arm has no run yet."""
    if not all(groups) or not all(name in SETS for name in measure):
        return []
    if any(raw.bits(name, SETS[name]) is None for runs in groups for raw in runs for name in measure):
        return []
    return [
        Images(tuple(np.stack([_cells(raw, measure, of) for raw in runs]) for runs in groups))
        for of in dict.fromkeys(SETS[name] for name in measure)
    ]


def _cells(raw: Raw, measure: Measure, of_set: str) -> Numbers:
    chosen = [(raw.bits(name, of_set), sign) for name, sign in measure.items() if SETS[name] == of_set]
    return np.sum([100.0 * sign * bits for bits, sign in chosen if bits is not None], axis=0)  # type: ignore[no-any-return]


def difference(arms: Arms, first: str, second: str, measure: Measure) -> Result:
    groups = [known(arms, arm, measure) for arm in (first, second)]
    return formulas.pooled(*(values(runs, measure) for runs in groups), image_sets(groups, measure))


def falls(arms: Arms, without: str, with_it: str, what: str = "") -> Effects:
    names = {"top-1 error": "ten_top1", "top-5 error": "ten_top5", "loss": "ten_loss"}
    return {
        f"{name}, {what}" if what else name: difference(arms, without, with_it, {metric: 1})
        for name, metric in names.items()
    }


def gains(arms: Arms, arm: str, before: str, after: str) -> Effects:
    found = {}
    for k, name in (("top1", "top-1 error"), ("top5", "top-5 error")):
        measure = {f"{before}_{k}": 1, f"{after}_{k}": -1}
        runs = known(arms, arm, measure)
        both = (values(runs, {metric: 1}) for metric in measure)
        found[name] = formulas.paired(*both, image_sets([runs], measure))
    return found


def levels(arms: Arms, arm: str = "paper") -> Effects:
    found = {}
    for k, name in (("top1", "top-1 error"), ("top5", "top-5 error")):
        measure = {f"ten_{k}": 1}
        runs = known(arms, arm, measure)
        found[name] = formulas.level(values(runs, measure), image_sets([runs], measure))
    return found


def by_seed(
    arms: Arms, pair: tuple[str, str], of: Callable[[Raw], object], dead: bool = False
) -> list[tuple]:  # type: ignore[type-arg]
    """Both arms' values over the seeds that have both."""
    found = [
        {raw.seed: of(raw) for raw in (arms.runs.get(arm, []) if dead else arms.learned(arm))} for arm in pair
    ]
    seeds = [s for s in sorted(found[0]) if found[0][s] is not None and found[1].get(s) is not None]
    return [(found[0][s], found[1][s]) for s in seeds]


def ratio(
    arms: Arms, pair: tuple[str, str], of: Callable[[Raw], object], dead: bool = False
) -> Result | None:
    pairs = by_seed(arms, pair, of, dead)
    return formulas.ratio(*zip(*pairs, strict=True)) if pairs else None


def named(**found: Result | None) -> Effects:
    return {name.replace("_", " "): one for name, one in found.items() if one is not None}


def step(raw: Raw) -> float | None:
    return raw.metric("step_seconds")


def area(raw: Raw) -> float | None:
    """Between chance's loss and the training loss, by trapezoids."""
    rows = [(row.get("epoch"), row.get("train_loss")) for row in raw.curve]
    if not rows or any(x is None or y is None or not math.isfinite(y) for x, y in rows):
        return None
    chance = math.log(raw.classes or 0)
    points = [(0.0, 0.0), *((float(x or 0), chance - float(y or 0)) for x, y in rows)]
    return sum((b[0] - a[0]) * (a[1] + b[1]) / 2 for a, b in pairwise(points))


def areas(arms: Arms, first: str, second: str) -> Result | None:
    pairs = [p for p in by_seed(arms, (first, second), area, dead=True) if min(p) > 0]
    return formulas.ratio(*zip(*pairs, strict=True)) if pairs else None


def plateau(raw: Raw) -> Bracket | None:
    """The last improvement by 1 % before five epochs without one, of the loss smoothed over three epochs.

    Looked for from the first epoch on in which that loss is below nine tenths of chance's.
    """
    losses = [x for row in raw.curve if (x := row.get("validation_loss")) is not None and math.isfinite(x)]
    best, at, begun = math.inf, 0, False
    for epoch in range(1, len(losses) + 1):
        recent = losses[max(0, epoch - 3) : epoch]
        mean = sum(recent) / len(recent)
        begun = begun or mean < 0.9 * math.log(raw.classes or math.inf)
        if not begun:
            continue
        if mean <= 0.99 * best:
            best, at = mean, epoch
        elif epoch - at >= 5:
            return at - 1.0, float(at)
    return (float(at if begun else len(losses)), None) if losses else None


def bracket(name: str) -> Callable[[Raw], Bracket | None]:
    def of(raw: Raw) -> Bracket | None:
        found = raw.content["metrics"]
        return (found[f"{name}_low"] or 0.0, found[f"{name}_high"]) if "reached" in found else None

    return of


def line(raw: Raw) -> float | None:
    """Where a least-squares line through the sample errors of the last two epochs meets the target."""
    seen = [(row["epoch"], row["sample_error"]) for row in raw.curve if row.get("sample_error") is not None]
    last = [(x, y) for x, y in seen if x > seen[-1][0] - 2.0]  # type: ignore[operator]
    if len(last) < 3:
        return None
    slope, height = np.polyfit(*zip(*last, strict=True), 1)
    return float((raw.settings["target"] - height) / slope) if slope < 0 else None


def times(
    arms: Arms, pair: tuple[str, str], of: Callable[[Raw], Bracket | None], dead: bool = False
) -> Result | None:
    pairs = by_seed(arms, pair, of, dead)
    return formulas.ratio_of_times(*zip(*pairs, strict=True)) if pairs else None


def relu_speedup(arms: Arms) -> Effects:
    pair = ("tanh", "relu")
    device = next(raw.content["conditions"]["device"] for runs in arms.runs.values() for raw in runs)
    found = named(epochs=times(arms, pair, bracket("epochs")))
    if device == "cpu":  # on a GPU, which trials share, only epochs are compared
        found |= named(CPU_seconds=times(arms, pair, bracket("cpu_seconds")))
    smoothed = ratio(arms, pair, line)
    return found | ({"epochs, by a line through the last evaluations": smoothed} if smoothed else {})


def lrn(arms: Arms) -> Effects:
    whole = arms.protocol == "imagenet"
    bare, still = "paper, no norm", "paper, constant"
    judged, beside = (bare, still) if whole else (still, bare)
    return {
        **falls(arms, judged, "paper"),
        **falls(arms, beside, "paper", f"against {beside}"),
        **falls(arms, "source, constant", "source", "the source's three norms against constants"),
        **falls(arms, "source, no norm", "source", "the source's three norms"),
        **falls(arms, "source, no norm", "source, spatial norm alone", "the source's spatial norm alone"),
    }


def bias_init(arms: Arms) -> Effects:
    wide = "σ = .03 in conv3–5"
    ones, zeros = "biases of 1", "biases of 0"
    found = {
        "area": areas(arms, ones, zeros),
        f"area, {wide}": areas(arms, f"{ones}, {wide}", f"{zeros}, {wide}"),
        f"area, σ = .03 ÷ σ = .01 with {zeros}": areas(arms, f"{zeros}, {wide}", zeros),
        f"area, σ = .03 ÷ σ = .01 with {ones}": areas(arms, f"{ones}, {wide}", ones),
    }
    return {name: one for name, one in found.items() if one is not None}


def depth(arms: Arms) -> Effects:
    top1 = {"ten_top1": 1}
    layers = [f"without conv{i}" for i in (2, 3, 4, 5)]
    found = {f"top-1 error, {arm}": difference(arms, arm, "all layers", top1) for arm in layers}
    if any(one.estimate is None for one in found.values()):
        return {}
    return {"top-1 error": formulas.smallest(list(found.values())), **found}


def colour(arms: Arms) -> Effects:
    none, text, source = "no colour noise", "colour noise", "the source's colour noise"
    shifted = {"shifted_top1": 1}
    return {
        **falls(arms, none, text),
        **falls(arms, none, source, "by the source's noise"),
        "top-1 error, shifted colours": difference(arms, none, text, shifted),
        "top-1 error, shifted colours, by the source's noise": difference(arms, none, source, shifted),
    }


def overfitting(without: str, with_it: str) -> Callable[[Arms], Effects]:
    return lambda arms: {"gap": difference(arms, without, with_it, GAP), **falls(arms, without, with_it)}


def pooling(arms: Arms) -> Effects:
    apart, overlapping = "2×2 windows", "3×3 windows"
    gap = difference(arms, apart, overlapping, GAP)
    return {**falls(arms, apart, overlapping), "gap between test and training error": gap}


def two_gpu_error(arms: Arms) -> Effects:
    two = "two columns"
    wide, apart = "one column, as many parameters", "two columns, no crossing"
    return {
        **falls(arms, "one column, half the kernels", two),
        **falls(arms, wide, two, "against one column of as many parameters"),
        **falls(arms, apart, two, "no crossing at conv3 against crossing"),
    }


def weight_decay(arms: Arms) -> Effects:
    none, some, more = "no decay", "decay", "four times the decay"
    return {
        "training loss": difference(arms, none, some, {"train_loss": 1}),
        "training error": difference(arms, none, some, {"train_top1": 1}),
        "training loss, four times the decay": difference(arms, none, more, {"train_loss": 1}),
        **falls(arms, none, some),
    }


def lrn_cifar(arms: Arms) -> Effects:
    top1 = {"ten_top1": 1}
    return {
        "top-1 error": difference(arms, "13pct", "13pct with norm", top1),
        "top-1 error, as released": difference(arms, "13pct", "11pct as released", top1),
    }


def neighbours(arms: Arms) -> Effects:
    runs = {
        name: known(arms, "paper", {name: 1}) for name in ("features", "pixels", "untrained", "pixel_rank")
    }
    found = {name: values(of, {name: 1}) for name, of in runs.items()}

    def level(name: str) -> Result:
        return formulas.level(found[name], queries(runs[name], {name: 1}))

    def apart(first: str, second: str) -> Result:
        both = queries(runs[first], {first: 1, second: -1})
        return formulas.paired(found[first], found[second], both)

    return {
        "same class": apart("features", "pixels"),
        "same class, by the last hidden layer": level("features"),
        "same class, by pixels": level("pixels"),
        "same class, trained − untrained features": apart("features", "untrained"),
        "median rank in pixels": formulas.level(found["pixel_rank"]),
    }


def queries(runs: Sequence[Raw], measure: Measure) -> list[Images]:
    """In percent, runs × queries; none at all if any run lacks the bits."""
    rows = [[raw.shares(name) for name in measure] for raw in runs]
    if not rows or any(one is None for row in rows for one in row):
        return []
    signs = np.array(list(measure.values()))
    return [Images((np.stack([100.0 * signs @ np.stack(row) for row in rows]),))]  # type: ignore[arg-type]


def kernels(arms: Arms) -> Effects:
    runs = arms.learned("paper")
    p, energy, ratios = (values(runs, {name: 1}) for name in ("permutation_p", "energy_p", "ratio"))
    return {
        "networks that specialise": formulas.share(sum(x < 0.05 for x in p), len(p)),
        "networks that specialise, by colours' energy": formulas.share(
            sum(x < 0.05 for x in energy), len(energy)
        ),
        "chroma ratio": formulas.ratio(ratios, np.ones(len(ratios))),  # type: ignore[arg-type]
    }


def training_time(arms: Arms) -> Effects:
    """Of the first arm: the plan's first."""
    rates = values(next(iter(arms.runs.values())), {"images_per_second": 1})
    days = [90 * 1_261_406 / rate / (24 * 60 * 60) for rate in rates]
    return {"training time": formulas.level(days), "throughput": formulas.level(rates)}


ESTIMANDS: Mapping[str, Callable[[Arms], Effects]] = {
    "augmentation-cost": lambda arms: named(step_time=ratio(arms, ("augmented", "plain"), step)),
    "bias-init": bias_init,
    "colour-augmentation": colour,
    "crop-flip": overfitting("centre crops", "crops and flips"),
    "depth": depth,
    "dropout-overfitting": overfitting("without dropout", "with dropout"),
    "dropout-iterations": lambda arms: named(
        epochs=times(arms, ("with dropout", "without dropout"), plateau, dead=True)
    ),
    "ensemble": lambda arms: gains(arms, "paper", "single", "average"),
    "error-rate": levels,
    "ten-view": lambda arms: gains(arms, "paper", "centre", "ten"),
    "error-rate-2012": levels,
    "feature-neighbours": neighbours,
    "kernel-specialisation": kernels,
    "lrn": lrn,
    "lrn-cifar": lrn_cifar,
    "overlapping-pooling": pooling,
    "relu-speedup": relu_speedup,
    "training-time": training_time,
    "two-gpu-error": two_gpu_error,
    "two-gpu-time": lambda arms: named(step_time=ratio(arms, ("two-gpu", "one-gpu"), step)),
    "weight-decay": weight_decay,
}
