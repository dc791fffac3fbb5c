"""How to cite this: the version is the package's own."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_the_citation_names_the_packages_version_title_and_licence() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    cited = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    found = dict(re.findall(r"^(version|title|license): (.+)$", cited, re.MULTILINE))
    assert found == {"version": project["version"], "title": project["name"], "license": project["license"]}
