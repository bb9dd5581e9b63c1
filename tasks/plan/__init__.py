"""What a run will do: the selection, what is there, recipes and where results lie, status."""
