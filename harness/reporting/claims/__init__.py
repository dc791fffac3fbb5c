"""A claim's section of the report: its evidence as figures, tables, sentences and downloads."""
