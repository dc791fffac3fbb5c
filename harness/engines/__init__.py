"""Running trials: the runner, which asks plans what is missing, and this machine's cores and GPUs."""
