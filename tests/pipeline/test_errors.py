import pytest

from pipeline import errors
from pipeline.errors import PipelineError

KINDS = [value for value in vars(errors).values() if isinstance(value, type) and value is not PipelineError]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_error_is_one_that_a_user_is_shown_in_one_line(kind):
    assert issubclass(kind, PipelineError)
    assert str(kind("what, where, what to do")) == "what, where, what to do"


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

    back = pickle.loads(pickle.dumps(kind("clip.mp4: no video")))
    assert type(back) is kind
    assert str(back) == "clip.mp4: no video"
