"""What a run will do: what is selected, what the data folder holds, and recipe, folder and status of each result."""
