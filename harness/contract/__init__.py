"""What every room may use: trials, sessions, devices, effects, errors, and the formatting of values."""
