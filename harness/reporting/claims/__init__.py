"""A claim's section of the report: its evidence, drawn, tabled, told and given to download."""
