"""Training by a recipe (§5) to the end of its schedule, and what is measured of the network then (§6)."""
