"""Running on one machine: worker processes with deadlines, signals, cores and memory."""
