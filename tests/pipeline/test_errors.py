import inspect
from pathlib import Path

import pytest

from pipeline import errors
from pipeline.errors import PipelineError

KINDS = [kind for kind in vars(errors).values() if inspect.isclass(kind) and kind.__module__ == errors.__name__]
KINDS.remove(PipelineError)
OF_A_RESULT = (errors.DamagedError, errors.NewerVersionError)


def made(kind):
    """An error of this kind, and what it says."""
    if kind in OF_A_RESULT:
        error = kind(Path("store/part-1.zarr"), "its index is empty")
        return error, str(error)
    return kind("clip.mp4: no video; look at it"), "clip.mp4: no video; look at it"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_error_is_one_that_a_user_is_shown_in_one_line(kind):
    error, told = made(kind)
    assert isinstance(error, PipelineError)
    assert str(error) == told
    assert "\n" not in told


@pytest.mark.parametrize("kind", OF_A_RESULT, ids=lambda kind: kind.__name__)
def test_an_error_of_a_result_names_its_path_and_the_reason(kind):
    error, told = made(kind)
    assert error.path == Path("store/part-1.zarr")
    assert "store/part-1.zarr" in told
    assert "its index is empty" in told


@pytest.mark.parametrize(
    ("kind", "builtin"),
    [
        (errors.ConfigError, ValueError),
        (errors.AnnotationError, ValueError),
        (errors.DecodeError, OSError),
        (errors.StoreError, OSError),
        (errors.ExtractionError, RuntimeError),
        (errors.TrainingError, RuntimeError),
    ],
)
def test_an_error_can_be_caught_as_the_builtin_that_it_is(kind, builtin):
    with pytest.raises(builtin):
        raise kind("x")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_error_survives_the_way_out_of_a_worker_process(kind):
    import pickle

    error, told = made(kind)
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is kind
    assert str(back) == told
    assert vars(back) == vars(error)


def test_an_error_of_several_lines_is_told_in_one():
    """As OpenCV's are."""
    error = ValueError("OpenCV(4.11.0) resize.cpp:4208:\nerror: (-215) inv_scale_x > 0\n in function 'resize'\n")
    assert errors.in_one_line(error) == (
        "ValueError: OpenCV(4.11.0) resize.cpp:4208: error: (-215) inv_scale_x > 0 in function 'resize'"
    )
