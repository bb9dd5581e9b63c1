"""Files inside of others: the members of tars and the cells of Parquet tables, listed without being read."""
