"""Engines: what runs trials. `local` uses this machine's cores and GPUs."""
