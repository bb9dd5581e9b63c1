import subprocess
import sys

import pyarrow as pa
import pytest

from pipeline.datasets.arrow_arrays import array_of

CAPTION = pa.struct([("text", pa.string()), ("tags", pa.list_(pa.string()))])
COLUMNS = {
    "string": (pa.string(), ["", "ä b", "港口", "x" * 300]),
    "bool": (pa.bool_(), [True, False, True] * 7),
    "int64": (pa.int64(), [0, -1, 2**62]),
    "float64": (pa.float64(), [0.1, -2.5, 1e300]),
    "list": (pa.list_(pa.int64()), [(), (1, 2), (3,)]),
}


@pytest.mark.parametrize("name", COLUMNS)
@pytest.mark.parametrize("count", [0, 1, 3])
def test_an_array_is_the_one_that_pyarrow_makes(name, count):
    kind, values = COLUMNS[name]
    made = array_of(values[:count], kind)
    made.validate(full=True)
    assert made.equals(pa.array(values[:count], kind))


def test_structs_in_lists_are_made_of_tuples():
    made = array_of([[("one", ("a", "b")), ("two", ())], [], [("three", ("c",))]], pa.list_(CAPTION))
    made.validate(full=True)
    plain = [[{"text": "one", "tags": ["a", "b"]}, {"text": "two", "tags": []}], [], [{"text": "three", "tags": ["c"]}]]
    assert made.equals(pa.array(plain, pa.list_(CAPTION)))


def test_a_table_of_videos_is_written_without_pandas():
    script = (
        "import sys\n"
        "from pipeline.datasets.video_columns import pack\n"
        "from tests.pipeline.datasets.some_videos import some\n"
        "assert len(pack(some(3))) == 3\n"
        "sys.exit('pandas' in sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
