"""From records to estimates: intervals over seeds and images, exact p-values and censored times."""
