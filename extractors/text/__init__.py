"""What a word is, in every script: its spellings, its terms in an index and a query, its hashed vector."""
