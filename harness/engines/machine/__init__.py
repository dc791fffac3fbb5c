"""Workers on one machine: their processes, the GPUs they are assigned, the turns they take, their speed."""
