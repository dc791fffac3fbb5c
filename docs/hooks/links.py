"""Links between files of the repository, as they hold in the site.

A file of docs/ links to others by relative paths, which hold on a code host. In the site those to files that
are no pages lead to the code host, where one is named, and else are plain text.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PUBLISHED = {  # the page of each published report, by its place in the site
    path.relative_to(ROOT).as_posix(): f"reports/{path.parent.name}.html"
    for path in sorted(ROOT.glob("reports/**/report.html"))
}


def figures(folder: Path) -> dict[str, str]:
    """What a published report drew, by name, as the site has it."""
    return {
        path.stem: f"reports/{folder.name}/{path.name}" for path in sorted((folder / "figures").glob("*.svg"))
    }


DRAWN = {
    f"{folder.relative_to(ROOT).as_posix()}/figures/{name}.svg": uri
    for folder in sorted((ROOT / path).parent for path in PUBLISHED)
    for name, uri in figures(folder).items()
}
OUTSIDE: Mapping[str, str] = {
    "README.md": "index.md",
    "ARCHITECTURE.md": "architecture.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "reports/README.md": "published.md",
    **PUBLISHED,
    **DRAWN,
}
MADE = {"docs/figure-1.ipynb": "figure-1.md"}
LINK = re.compile(r"\[([^\]]*)\]\(([^)\s#:]+)(#[^)\s]*)?\)")
FENCED = re.compile(r"^(```.*?^```)$", flags=re.MULTILINE | re.DOTALL)


def source(uri: str) -> str | None:
    """The file of the repository that a page of the site is; None of a page that is made."""
    outside = next((path for path, at in OUTSIDE.items() if at == uri), None)
    return outside or (f"docs/{uri}" if (ROOT / "docs" / uri).exists() else None)


def rewritten(markdown: str, source: str, repository: str) -> str:
    """The text of `source` with its links as the site has them; code is left as it is."""
    here = place(source) or source

    def link(found: re.Match[str]) -> str:
        words, target, anchor = found.group(1), found.group(2), found.group(3) or ""
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
        uri = place(path)
        if uri is not None:
            return f"[{words}]({posixpath.relpath(uri, posixpath.dirname(here) or '.')}{anchor})"
        return f"[{words}]({repository.rstrip('/')}/blob/HEAD/{path}{anchor})" if repository else words

    parts = FENCED.split(markdown)
    return "".join(part if part.startswith("```") else LINK.sub(link, part) for part in parts)


def place(path: str) -> str | None:
    """Where the site has a file or folder of the repository, if it has it."""
    known = OUTSIDE.get(path) or OUTSIDE.get(f"{path}/report.html") or MADE.get(path)
    return known or (path.removeprefix("docs/") if path.startswith("docs/") else None)
