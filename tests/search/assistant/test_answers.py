import pytest

from search.assistant import answers

KINDS = [kind for kind in vars(answers).values() if isinstance(kind, type) and issubclass(kind, answers.Told)]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_no_answer_has_a_field_for_a_path_or_address(kind):
    assert not {name for name in kind.model_fields if "path" in name or "url" in name or "key" in name}


def test_what_a_field_means_is_in_the_schema():
    schema = answers.Hits.model_json_schema()
    assert schema["properties"]["num_found"]["description"] == "How many videos fit in all."
    assert schema["$defs"]["Hit"]["properties"]["best"]["description"] == "The moment to look at first."
