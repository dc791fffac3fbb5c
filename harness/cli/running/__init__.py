"""What a call of `run` does, with what, and how it is shown."""
