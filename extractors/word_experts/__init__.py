"""What experts whose rows are words share: reading them, and their vectors."""
