"""Videos that lie elsewhere: what is listed of them, and their bytes, read by ranges or fetched whole."""
