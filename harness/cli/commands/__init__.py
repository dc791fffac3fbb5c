"""One file per command: what it does once its options are parsed."""
