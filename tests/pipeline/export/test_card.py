from collections import Counter
from dataclasses import replace

import yaml

from pipeline.export import card
from tests.pipeline.export import samples


def test_stand_ins_are_called_that_and_an_unknown_licence_is_not_made_up():
    source = replace(samples.source(), weights={"network": "seeded"}, licences="")
    text = card.text("tiny", "videos", [(source, 1, Counter(present=1))])
    (row,) = [line for line in text.splitlines() if line.startswith("| seen_light |")]
    assert "network stand-ins: these vectors mean nothing" in row
    assert "| not stated |" in row


def test_without_weights_there_is_no_licence_to_state():
    text = card.text("tiny", "videos", [(replace(samples.source(), weights={}, licences=""), 1, Counter())])
    assert "| no weights | 0123456789ab | none |" in text


def test_where_no_expert_has_a_row_only_the_videos_are_read():
    text = card.text("tiny", "videos", [(samples.source(), 0, Counter(absent=1))])
    assert [one["config_name"] for one in yaml.safe_load(text.split("---\n")[1])["configs"]] == ["videos"]
    assert "vectors =" not in text and 'split="videos")\n```\n' in text


def test_names_with_signs_of_their_own_keep_the_header_and_the_table_whole():
    source = replace(samples.source(), model="a|b\nc")
    text = card.text("tiny: {x}", "videos", [(source, 1, Counter())])
    assert yaml.safe_load(text.split("---\n")[1])["pretty_name"] == "Features of tiny: {x}"
    assert "| a\\|b c |" in text
