"""What is expected was counted by hand in small files of the owners' format."""

import pytest

from pipeline.datasets.readers import lsmdc
from pipeline.errors import AnnotationError
from tests.pipeline.datasets.readers import sample_files
from tests.pipeline.datasets.readers.sample_files import by_split, texts


def test_lsmdc_names_keep_their_dots_and_each_clip_has_its_sentence(tmp_path):
    clip = "0001_American_Beauty_00.00.51.926-00.00.54.129"
    sample_files.lsmdc(
        tmp_path, train=[(clip, "SOMEONE  smiles.")], val=[("b_1-2", 'He\'s "gone".')], test=[("c", "x")]
    )
    annotations = lsmdc.read(tmp_path, "challenge")
    assert by_split(annotations) == {"train": [clip], "val": ["b_1-2"], "test": ["c"]}
    assert (texts(annotations, clip), texts(annotations, "b_1-2")) == (["SOMEONE smiles."], ['He\'s "gone".'])


def test_an_lsmdc_table_with_commas_is_told(tmp_path):
    sample_files.lsmdc(tmp_path, train=[], val=[], test=[])
    sample_files.write(tmp_path, "LSMDC16_annos_val.csv", "a,b,c\n")
    with pytest.raises(AnnotationError, match=r"annos_val\.csv: expected 6 columns with tabs between, found 'a,b,c'"):
        lsmdc.read(tmp_path, "challenge")
