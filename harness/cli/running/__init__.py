"""What an invocation of `run` does, with what, and how the terminal shows it."""
