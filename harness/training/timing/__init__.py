"""How long training takes: the time of a step and of its parts, on one device and on several."""
