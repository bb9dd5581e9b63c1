"""The index of a collection as files: videos, words, vectors."""
