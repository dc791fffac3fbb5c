"""Training by a recipe (§5) to the end of its schedule, and measuring the trained network (§6)."""
