"""From records to estimates: arms paired by seed, intervals, exact p-values and censored times."""
