"""The harness: everything between a claim of the AlexNet paper and the verdict on it."""
