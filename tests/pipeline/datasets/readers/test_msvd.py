"""What is expected was counted by hand in small files of the owners' format."""

from pipeline.datasets.readers import msvd
from tests.pipeline.datasets.readers import sample_files
from tests.pipeline.datasets.readers.sample_files import by_split, texts

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
    annotations = msvd.read(tmp_path, "official")
    assert {name: len(one.captions) for name, one in annotations.items()} == {
        "mv89psg6zh4_33_46": 2, "-4wsuPCjDBc_5_15": 1, "silent_0_1": 0,
    }  # fmt: skip
    assert texts(annotations, "mv89psg6zh4_33_46") == ["A bird in a sink.", "a parakeet bathes"]


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
