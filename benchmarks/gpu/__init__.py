"""One command on a machine with a GPU: what it runs, how long each step may take, and what is kept of it."""
