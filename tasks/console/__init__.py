"""What is printed: lines, progress bars, tables, help, error messages; and the preparation of a process for a run."""
