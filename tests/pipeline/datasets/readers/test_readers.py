"""Each reader on small files in the form of their owners; what is expected was counted by hand."""

import json

import pytest

from pipeline.datasets.readers import activitynet, didemo, lsmdc, msrvtt, msvd, youcook2
from pipeline.errors import AnnotationError
from tests.pipeline.datasets.readers import sample_files


def by_split(said):
    return {split: [name for name, one in said.items() if one.split == split] for split in ("train", "val", "test")}


def texts(said, name):
    return [caption.text for caption in said[name].captions]


ALL = [
    (msrvtt, "full"), (msrvtt, "1k-a"), (msrvtt, "1k-b"), (lsmdc, "challenge"), (msvd, "official"),
    (didemo, "paragraph"), (activitynet, "val1"), (youcook2, "paragraph"),
]  # fmt: skip


@pytest.mark.parametrize(("reader", "variant"), ALL)
def test_a_folder_without_the_files_gives_nothing_and_other_splits_are_refused(reader, variant, tmp_path):
    assert reader.read(tmp_path, variant) is None
    assert reader.FILES
    with pytest.raises(AnnotationError, match=r"annotations\.variant '2k-c': there are"):
        reader.read(tmp_path, "2k-c")


def test_msrvtt_full_has_the_splits_of_its_files_and_gathers_scattered_sentences(tmp_path):
    sample_files.msrvtt(tmp_path)
    said = msrvtt.read(tmp_path, "full")
    assert by_split(said) == {
        "train": [f"video{i}" for i in range(6)],
        "val": ["video6", "video7"],
        "test": [f"video{i}" for i in range(8, 12)],
    }
    assert texts(said, "video9") == ["9 says 0", "9 says 1", "9 says 2"]


def test_msrvtt_in_one_file_is_the_same(tmp_path):
    sample_files.msrvtt(tmp_path / "two")
    whole = {"videos": [], "sentences": []}
    for path in (tmp_path / "two").glob("*.json"):
        part = json.loads(path.read_text())
        whole = {key: whole[key] + part[key] for key in whole}
    sample_files.write(tmp_path / "one", "MSRVTT_data.json", json.dumps(whole))
    assert msrvtt.read(tmp_path / "one", "full") == msrvtt.read(tmp_path / "two", "full")


def test_msrvtt_1k_a_tests_the_listed_videos_with_the_given_sentence_and_trains_on_all_others(tmp_path):
    sample_files.msrvtt(tmp_path)
    sample_files.jsfusion(tmp_path, [("video9", "a chosen, one"), ("video11", "9  says 0")])
    said = msrvtt.read(tmp_path, "1k-a")
    assert by_split(said)["test"] == ["video9", "video11"]
    assert len(by_split(said)["train"]) == 10
    assert (texts(said, "video9"), texts(said, "video11")) == (["a chosen, one"], ["9 says 0"])
    assert len(texts(said, "video8")) == 3


def test_msrvtt_1k_b_takes_the_first_caption_of_the_listed_videos_and_leaves_the_unlisted_out(tmp_path):
    sample_files.msrvtt(tmp_path)
    sample_files.lists(tmp_path, train_list_miech=["video0", "video1", "video6"], test_list_miech=["video2", "video9"])
    said = msrvtt.read(tmp_path, "1k-b")
    assert by_split(said) == {"train": ["video0", "video1", "video6"], "val": [], "test": ["video2", "video9"]}
    assert (texts(said, "video2"), len(texts(said, "video0"))) == (["2 says 0"], 3)


@pytest.mark.parametrize("variant", ["1k-a", "1k-b"])
def test_a_missing_list_is_told_with_what_it_is(tmp_path, variant):
    sample_files.msrvtt(tmp_path)
    with pytest.raises(AnnotationError, match=r"(JSFUSION_test\.csv|train_list_miech\.txt): no such file; it"):
        msrvtt.read(tmp_path, variant)


def test_a_list_of_another_dataset_is_told(tmp_path):
    sample_files.msrvtt(tmp_path)
    sample_files.jsfusion(tmp_path, [("video7777", "x")])
    with pytest.raises(AnnotationError, match=r"JSFUSION_test\.csv: video7777 is in no JSON file of MSR-VTT"):
        msrvtt.read(tmp_path, "1k-a")


def test_lsmdc_names_keep_their_dots_and_each_clip_has_its_sentence(tmp_path):
    clip = "0001_American_Beauty_00.00.51.926-00.00.54.129"
    sample_files.lsmdc(
        tmp_path, train=[(clip, "SOMEONE  smiles.")], val=[("b_1-2", 'He\'s "gone".')], test=[("c", "x")]
    )
    said = lsmdc.read(tmp_path, "challenge")
    assert by_split(said) == {"train": [clip], "val": ["b_1-2"], "test": ["c"]}
    assert (texts(said, clip), texts(said, "b_1-2")) == (["SOMEONE smiles."], ['He\'s "gone".'])


def test_an_lsmdc_table_with_commas_is_told(tmp_path):
    sample_files.lsmdc(tmp_path, train=[], val=[], test=[])
    sample_files.write(tmp_path, "LSMDC16_annos_val.csv", "a,b,c\n")
    with pytest.raises(AnnotationError, match=r"annos_val\.csv: expected 6 columns with tabs between, found 'a,b,c'"):
        lsmdc.read(tmp_path, "challenge")


MSVD_TEXT = """# Some words on where this comes from.

mv89psg6zh4_33_46 A bird in a sink.
-4wsuPCjDBc_5_15 a squirrel eats
mv89psg6zh4_33_46 a parakeet   bathes
zzz_1_2 not in any split
"""


def test_msvd_reads_one_caption_a_line_and_the_lists(tmp_path):
    sample_files.write(tmp_path, "AllVideoDescriptions.txt", MSVD_TEXT)
    sample_files.lists(
        tmp_path, train_list=["mv89psg6zh4_33_46"], val_list=["-4wsuPCjDBc_5_15"], test_list=["silent_0_1"]
    )
    said = msvd.read(tmp_path, "official")
    assert {name: len(one.captions) for name, one in said.items()} == {
        "mv89psg6zh4_33_46": 2, "-4wsuPCjDBc_5_15": 1, "silent_0_1": 0,
    }  # fmt: skip
    assert texts(said, "mv89psg6zh4_33_46") == ["A bird in a sink.", "a parakeet bathes"]


def test_msvd_splits_by_the_numbers_of_the_mapping_as_everyone_does(tmp_path):
    sample_files.write(tmp_path, "AllVideoDescriptions.txt", MSVD_TEXT)
    sample_files.write(tmp_path, "youtube_mapping.txt", "".join(f"clip_{n}_{n + 9} vid{n}\n" for n in range(1, 1971)))
    split = by_split(msvd.read(tmp_path, "official"))
    assert {name: len(clips) for name, clips in split.items()} == {"train": 1200, "val": 100, "test": 670}
    assert (split["train"][-1], split["val"][0], split["test"][0]) == (
        "clip_1200_1209", "clip_1201_1210", "clip_1301_1310",
    )  # fmt: skip


def test_msvd_takes_the_english_captions_of_the_corpus_in_many_languages(tmp_path):
    rows = ["VideoID,Start,End,WorkerID,Source,AnnotationTime,Language,Description"]
    rows += ['a,1,2,7,clean,5,English,"a man, walking"', "a,1,2,7,clean,5,Slovene,moz hodi", "a,1,2,8,clean,5,English,"]
    sample_files.write(tmp_path, "corpus.csv", "\n".join(rows))
    sample_files.lists(tmp_path, train_list=["a_1_2"], val_list=[], test_list=[])
    assert texts(msvd.read(tmp_path, "official"), "a_1_2") == ["a man, walking"]


def test_didemo_gathers_moments_by_the_name_before_the_first_dot(tmp_path):
    moments = [("12@N00_34_5f.avi", "a dog"), ("12@N00_34_5f.avi", "it runs"), ("98@N02_1_aa.mov.mp4", "x")]
    for name, part in (("train", moments[:2]), ("val", []), ("test", moments[2:])):
        body = [{"video": video, "description": text, "times": [[0, 0]], "num_segments": 6} for video, text in part]
        sample_files.write(tmp_path, f"{name}_data.json", json.dumps(body))
    said = didemo.read(tmp_path, "paragraph")
    assert by_split(said) == {"train": ["12@N00_34_5f"], "val": [], "test": ["98@N02_1_aa"]}
    assert texts(said, "12@N00_34_5f") == ["a dog", "it runs"]


def test_activitynet_trains_on_train_and_tests_on_val1(tmp_path):
    one = {"duration": 82.73, "timestamps": [[0.8, 19.8], [17.3, 60.8]], "sentences": [" A boy. ", "He rows."]}
    sample_files.write(tmp_path, "train.json", json.dumps({"v_QOlSCBRmfWY": one}))
    sample_files.write(tmp_path, "val_1.json", json.dumps({"v_uqiMw7tQ1Cc": one, "v_bXdq2zI1Ms0": one}))
    said = activitynet.read(tmp_path, "val1")
    assert by_split(said) == {"train": ["v_QOlSCBRmfWY"], "val": [], "test": ["v_uqiMw7tQ1Cc", "v_bXdq2zI1Ms0"]}
    assert texts(said, "v_QOlSCBRmfWY") == ["A boy.", "He rows."]


def test_youcook2_tests_on_its_validation_subset(tmp_path):
    steps = [{"segment": [90, 102], "id": 0, "sentence": "spread margarine"}, {"segment": [1, 2], "sentence": "eat"}]
    body = {name: {"subset": subset, "annotations": steps} for name, subset in (("a", "training"), ("b", "validation"))}
    sample_files.write(tmp_path, "youcookii_annotations_trainval.json", json.dumps({"database": body}))
    said = youcook2.read(tmp_path, "paragraph")
    assert by_split(said) == {"train": ["a"], "val": [], "test": ["b"]}
    assert texts(said, "b") == ["spread margarine", "eat"]


@pytest.mark.parametrize("text", ["", "{", "[1, 2]", '{"videos": [{"video_id": "video0"}], "sentences": []}', '"x"'])
def test_files_that_are_cut_or_built_otherwise_are_told_with_what_to_do(tmp_path, text):
    files = {
        msrvtt: ["MSRVTT_data.json"], didemo: ["train_data.json", "val_data.json", "test_data.json"],
        activitynet: ["train.json", "val_1.json"], youcook2: ["youcookii_annotations_trainval.json"],
    }  # fmt: skip
    for reader, names in files.items():
        folder = tmp_path / reader.__name__
        for name in names:
            sample_files.write(folder, name, text)
        with pytest.raises(AnnotationError, match=r"\.json: .*get the file again") as caught:
            reader.read(folder, reader.VARIANTS[0])
        assert "\n" not in str(caught.value)
