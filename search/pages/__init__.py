"""The search page with its JSON API, and the page that shows the rankings of a model."""
