"""Text to tokens, and tokens to hashed vectors."""
