"""The layers that networks are built of, a file for each kind."""
