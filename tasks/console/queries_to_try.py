"""Prints queries to try on the demo."""

from pipeline.demo.queries import QUERIES
from tasks.console.terminal import say


def print_queries() -> None:
    """Prints a line for each query: what to type, and what it shows."""
    say("Queries to try, whose words are in no caption:")
    for query in QUERIES:
        say(f'    --query "{query.text}"{"":{12 - len(query.text)}}{query.why}')
