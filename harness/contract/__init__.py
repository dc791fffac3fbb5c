"""What every room may know: trials, sessions, devices, effects, errors, and how values are written."""
