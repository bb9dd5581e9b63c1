"""What a person reads at the terminal: lines, bars, tables, help, error messages."""
