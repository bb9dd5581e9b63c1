"""The form of the lines is that of the owners' files, which were read once with this reader: 7,218, 1,550 and 1,542
queries on 10,148 videos with 18,367 windows, as the paper counts them. What is expected here is how each line was made.
"""

import json

import pytest

from pipeline.datasets.annotations import Caption
from pipeline.datasets.readers import qvhighlights
from pipeline.errors import AnnotationError
from tests.pipeline.datasets.readers import sample_files
from tests.pipeline.datasets.readers.sample_files import by_split


def line(qid, vid, windows=None, query="Some are dancing"):
    """A line as the owners write it; of the test split without what is to be found."""
    row = {"qid": qid, "query": f"{query} ", "duration": 150, "vid": vid}
    if windows is not None:
        clips = [clip for start, end in windows for clip in range(start // 2, end // 2)]
        row |= {"relevant_clip_ids": clips, "saliency_scores": [[4, 2, 1]] * len(clips), "relevant_windows": windows}
    return json.dumps(row)


def write(folder, with_truth=False):
    train = [line(8737, "bP5KfdFJzC4_660.0_810.0", [[0, 16], [30, 44]]), line(2, "a_b_0_60.0_210.0", [[4, 8]], "A cat")]
    train.append(line(3, "bP5KfdFJzC4_660.0_810.0", [[100, 150]], "Two  men"))
    sample_files.write(folder, "highlight_train_release.jsonl", "\n".join(train) + "\n")
    sample_files.write(folder, "highlight_val_release.jsonl", line(4, "v_0.0_150.0", [[0, 150]]))
    sample_files.write(folder, "highlight_test_release.jsonl", line(5, "t_0.0_150.0"))
    if with_truth:
        sample_files.write(folder, "highlight_test_with_gt.jsonl", line(5, "t_0.0_150.0", [[2, 6]]))


def test_a_query_is_a_caption_with_its_windows_and_a_video_may_have_several(tmp_path):
    write(tmp_path)
    found = qvhighlights.read(tmp_path, "official")
    assert by_split(found) == {
        "train": ["bP5KfdFJzC4_660.0_810.0", "a_b_0_60.0_210.0"], "val": ["v_0.0_150.0"], "test": ["t_0.0_150.0"],
    }  # fmt: skip
    assert found["bP5KfdFJzC4_660.0_810.0"].captions == (
        Caption("Some are dancing", id="8737", windows_s=((0.0, 16.0), (30.0, 44.0))),
        Caption("Two men", id="3", windows_s=((100.0, 150.0),)),
    )


def test_the_test_split_has_windows_once_the_file_with_them_is_there(tmp_path):
    write(tmp_path)
    assert qvhighlights.read(tmp_path, "official")["t_0.0_150.0"].captions[0].windows_s == ()
    write(tmp_path, with_truth=True)
    assert qvhighlights.read(tmp_path, "official")["t_0.0_150.0"].captions[0].windows_s == ((2.0, 6.0),)


GOOD = line(1, "x", [[2, 4]])


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        ("{", "cannot be read"), ("[]", "in braces"), ('{"qid": 1}', "not built as"),
        (line(1, "x", [[8, 2]]), "no window"), (GOOD.replace("[[2, 4]]", "[[2]]"), "not built as"),
        (GOOD.replace("[[2, 4]]", '[[2, "a"]]'), "not built as"), (GOOD.replace("[[2, 4]]", "7"), "not built as"),
        (line(1, "v_0.0_150.0", [[2, 4]]), "in the train split too"),
    ],
)  # fmt: skip
def test_a_line_that_is_not_the_owners_is_told_with_its_number(bad, told, tmp_path):
    write(tmp_path)
    sample_files.write(tmp_path, "highlight_train_release.jsonl", f"{line(1, 'y', [[0, 2]])}\n{bad}\n")
    with pytest.raises(AnnotationError, match=f"jsonl:[12]: .*{told}.*get the files? again") as caught:
        qvhighlights.read(tmp_path, "official")
    assert "\n" not in str(caught.value)


def test_a_query_without_words_is_no_caption_and_its_video_stays(tmp_path):
    write(tmp_path)
    sample_files.write(tmp_path, "highlight_val_release.jsonl", line(4, "v_0.0_150.0", [[0, 150]], query=" "))
    assert by_split(qvhighlights.read(tmp_path, "official"))["val"] == ["v_0.0_150.0"]
    assert qvhighlights.read(tmp_path, "official")["v_0.0_150.0"].captions == ()
