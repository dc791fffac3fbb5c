"""How often verdicts err when the truth is known: made-up experiments, judged as real ones are."""
