"""What a call of `run` is to do, with what, and how it shows on the terminal."""
