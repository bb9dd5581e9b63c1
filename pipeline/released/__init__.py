"""Features that the authors of papers released: their archives, and the import into stores."""
