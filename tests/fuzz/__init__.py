"""Damaged files of all kinds, through the whole way from a folder to the stores."""
