"""What the Ray engine rests on: the connection, the cluster's nodes, and what is done on each of them."""
