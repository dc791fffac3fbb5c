"""How often verdicts err when the truth is known: experiments drawn at random, and judged as real ones are."""
