"""From numbers to intervals and p-values: usable for any experiment, and independent of records."""
