"""Text that people bring: its encoding, and what its language is called."""
