"""Where a data set is below a data folder. Only paths, no numpy."""

from __future__ import annotations

from pathlib import Path

from harness.data.catalogue import DATA_SETS

INDEX = "index.json"


def candidates(dataset: str, root: Path) -> list[Path]:
    """Every place below `root` where the data set would be found, in order, a pack first."""
    known = DATA_SETS[dataset]
    packs = (known.pack,) if known.photographs else ()
    return [root / name for name in (*packs, *known.folders)]


def located(dataset: str, root: Path) -> Path | None:
    """The pack, the folder of image files or of CIFAR-10's batches below `root`, or None."""
    photographs = DATA_SETS[dataset].photographs
    return next((path for path in candidates(dataset, root) if _holds(path, photographs)), None)


def _holds(path: Path, photographs: bool) -> bool:
    return (path / INDEX).is_file() or (path / "train").is_dir() if photographs else path.is_dir()


def packed(place: Path) -> bool:
    """Whether a located folder is a pack."""
    return place.suffix == ".pack"
