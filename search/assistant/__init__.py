"""A collection as tools of an assistant, over the Model Context Protocol: search, moments and frames."""
