"""From numbers to intervals and p-values: usable for any experiment, independent of records."""
