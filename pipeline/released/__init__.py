"""Feature archives that the authors of papers released, and their import into stores."""
