"""Where photographs lie below a data folder: packed, or as folders of image files. Paths alone, no numpy."""

from __future__ import annotations

from pathlib import Path

# What `data prepare` makes, and the image folders that a data set is unpacked to; a pack goes first.
PACKS = {name: f"{name}.pack" for name in ("imagenette", "imagenet", "imagenet-2010")}
RAW = {"imagenette": ("imagenette", "imagenette2", "imagenette2-320", "imagenette2-160")}
INDEX = "index.json"


def candidates(dataset: str, root: Path) -> list[Path]:
    """Every place below `root` where the data set would be found, in order."""
    return [root / name for name in (PACKS[dataset], *RAW.get(dataset, ()))]


def located(dataset: str, root: Path) -> Path | None:
    """The pack or the folder of image files below `root`, or None."""
    for path in candidates(dataset, root):
        if (path / INDEX).is_file() or (path / "train").is_dir():
            return path
    return None


def packed(path: Path) -> bool:
    """Whether a located folder is a pack."""
    return path.suffix == ".pack"
