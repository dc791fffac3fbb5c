"""From numbers to intervals and p-values: what would serve any experiment, and knows of no record."""
