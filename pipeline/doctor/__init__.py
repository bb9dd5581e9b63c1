"""What of this machine and this installation can keep the program from working, and what to do about it."""
