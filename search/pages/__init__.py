"""The search page with its JSON API, and the page of rankings."""
