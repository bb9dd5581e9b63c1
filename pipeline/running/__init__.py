"""Running on one machine: worker processes with deadlines, Ctrl-C, CPU cores and memory."""
