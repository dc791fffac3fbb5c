"""What runs trials: the runner that asks plans what is missing, and this machine's cores and GPUs."""
