"""The layers that networks are built from, one file per kind."""
