"""What the Ray engine builds on: the connection, the cluster's nodes, and the work on each node."""
