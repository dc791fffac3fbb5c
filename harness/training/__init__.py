"""Training as in 2012: the update rule, the schedules, evaluation, and the only training loop."""
