"""Training as in 2012: streams of randomness, the update rule, and the one training loop."""
