"""What the paper says: each claim as data, with everything declared about it before anything runs."""
