"""Comparisons of evidence from several places: effects as rows, laboratories, the same networks."""
