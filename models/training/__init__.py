"""Training: losses, optimisers, epochs, checkpoints, history."""
