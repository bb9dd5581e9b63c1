from pipeline.demo.queries import QUERIES
from tasks.console.queries_to_try import print_queries


def test_a_line_says_what_to_type_and_what_it_shows(capsys):
    print_queries()
    title, *lines = capsys.readouterr().out.splitlines()
    assert title == "Queries to try, whose words are in no caption:"
    assert [line.split('"')[1] for line in lines] == [query.text for query in QUERIES]
    assert all(line.endswith(query.why) for line, query in zip(lines, QUERIES, strict=True))
