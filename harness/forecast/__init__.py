"""What to run next: the cost of trials, and which of them decide or tell most for that cost."""
