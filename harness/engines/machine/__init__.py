"""Workers of one machine: their processes, GPUs, turns and training speed."""
