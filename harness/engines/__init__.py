"""What runs trials: the runner, which asks plans what is missing, and the engines it uses."""
