"""How often verdicts are wrong when the truth is known: simulated experiments, judged like real ones."""
