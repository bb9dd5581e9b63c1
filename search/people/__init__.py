"""People of a collection: faces in clusters, the names that the user gave them, and the search for them."""
