"""The report: pages, tables and figures drawn from records. Nothing here trains, estimates or judges."""
