"""Names of the classes that classifiers tell apart, and how many of them an expert keeps."""
