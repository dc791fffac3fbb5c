"""What the site has beside the files of docs/: pages made when it is built, and pages of other folders."""

from __future__ import annotations

from typing import TYPE_CHECKING

import claims
import commands
import links
import notebook
from mkdocs.structure.files import File

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds what is made here, what lies outside docs/, and the claims' places in the menu."""
    made = {**claims.pages(), "commands.md": commands.page(), **notebook.pages()}
    for uri, content in made.items():
        files.append(File.generated(config, uri, content=content))
    for path, uri in links.OUTSIDE.items():
        files.append(File.generated(config, uri, abs_src_path=str(links.ROOT / path)))
    for group in config.nav or ():
        if "Claims" in group:
            group["Claims"] = ["claims/index.md", *(uri for uri in made if uri in claims.uris())]
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Links as they hold in the site; those of pages that are made hold there already."""
    source = links.source(page.file.src_uri)
    return markdown if source is None else links.rewritten(markdown, source, config.repo_url or "")
