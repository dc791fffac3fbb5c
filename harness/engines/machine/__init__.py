"""Workers of one machine: processes, the GPUs they are dealt, the turns they take, how fast they train."""
