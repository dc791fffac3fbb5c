"""What the paper says: each claim as data, with all that is declared of it before anything runs."""
