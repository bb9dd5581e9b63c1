"""Splits texts into words, and hashes words to vectors."""
