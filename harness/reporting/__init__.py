"""The report on a store: sections, tables and figures, as a page and as Markdown."""
