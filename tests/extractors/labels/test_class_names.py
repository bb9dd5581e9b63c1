import pytest

from extractors.labels.class_names import known, shipped


@pytest.mark.slow
def test_imagenet_is_called_as_timm_calls_it():
    from timm.data import ImageNetInfo

    info, classes = ImageNetInfo(), shipped("imagenet1k")
    assert classes.names == tuple(info.index_to_description(index) for index in range(1000))
    assert classes.descriptions == tuple(info.index_to_description(index, detailed=True) for index in range(1000))


def test_imagenet_is_in_the_order_of_torchvision():
    """Whose names are a first synonym, a few of them of its own making, to tell two cranes apart."""
    from torchvision.models import get_weight

    theirs = get_weight("ResNet50_Weights.IMAGENET1K_V1").meta["categories"]
    ours = shipped("imagenet1k").names
    same = sum(their in [word.strip() for word in our.split(",")] for their, our in zip(theirs, ours, strict=True))
    assert same >= 990


@pytest.mark.parametrize("weights", ["MViT_V2_S_Weights.KINETICS400_V1", "S3D_Weights.KINETICS400_V1"])
def test_kinetics_is_called_as_torchvision_calls_it(weights):
    from torchvision.models import get_weight

    assert list(shipped("kinetics400").names) == get_weight(weights).meta["categories"]
    assert shipped("kinetics400").descriptions == shipped("kinetics400").names


def test_audioset_begins_and_ends_as_its_owners_list_does():
    names = shipped("audioset").names
    assert len(names) == len(set(names)) == 527
    assert (names[0], names[1], names[137], names[526]) == (
        "Speech", "Male speech, man speaking", "Music", "Field recording",
    )  # fmt: skip


def test_places_are_365_in_alphabetical_order():
    names = shipped("places365").names
    assert len(set(names)) == 365
    assert (names[0], names[8], names[364]) == ("airfield", "apartment building (outdoor)", "zen garden")
    assert sorted(name[0] for name in names) == [name[0] for name in names]


def test_a_list_that_is_not_shipped_is_refused_by_name():
    assert known() == ["audioset", "imagenet1k", "kinetics400", "places365"]
    for wrong in ("imagenet", "../lists/audioset", ""):
        with pytest.raises(ValueError, match="there are: audioset, imagenet1k, kinetics400, places365"):
            shipped(wrong)
