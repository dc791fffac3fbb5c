"""Evidence of several places set against each other: effects as rows, laboratories, the same networks."""
