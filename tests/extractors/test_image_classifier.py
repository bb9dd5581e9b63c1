import numpy as np
import pytest
import timm
import torch
import yaml
from safetensors.torch import save_file

from extractors import image_classifier
from extractors.image_classifier import Expert, Params
from extractors.networks.pixels import normalise_pixels
from pipeline.errors import WeightsError
from pipeline.weights.files import WeightOptions, WeightSource
from pipeline.weights.seeded import fill
from tests.extractors.packaged import packaged_expert
from tests.extractors.reference import (
    REFERENCE,
    distance,
    items,
    items_of,
    of_peer,
    picture,
    relative_l2,
    seeded,
    with_reference,
)  # fmt: skip
from tests.extractors.run_experts import EXPERTS

SMALL = {"network": "torchvision/resnet18.IMAGENET1K_V1", "dim": 512, "resize_px": 64, "crop_px": 64}
PICTURES = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3)).astype(np.uint8)


def test_resnet50_gives_the_features_of_video_features():
    expert = seeded(image_classifier, network="torchvision/resnet50.IMAGENET1K_V1", dim=2048)
    frames = items_of(expert, [picture(index, 240, 427) for index in range(4)])
    assert relative_l2(expert.embed(frames).values, of_peer("resnet50")) < 1e-5


@pytest.mark.slow
@with_reference
def test_resnet50_gives_the_features_of_the_reference(media):
    expert = seeded(image_classifier, network="torchvision/resnet50.IMAGENET1K_V1", dim=2048, fps=981 / 50)
    frames = items(expert, media / "videos" / "v_GGSY1Qvo990.mp4", num_frames=64)
    assert len(frames) == len(np.load(REFERENCE / "resnet50_native__v_GGSY1Qvo990_first64.npy")) == 64
    pixels = normalise_pixels(torch.from_numpy(frames[:1]), expert.params.mean, expert.params.std)[0]
    np.testing.assert_array_equal(pixels, np.load(REFERENCE / "v_GGSY_frame0_resnet_input.npy"))
    assert distance(expert.embed(frames).values, "resnet50_native__v_GGSY1Qvo990_first64.npy") < 1e-5


def test_the_file_of_a_network_that_a_library_knows_is_known():
    (file,) = Expert(Params(**SMALL)).weight_files().values()
    assert file.cached_as.rpartition("/")[2] == "resnet18-f37072fd.pth"
    assert Expert(Params(**SMALL)).weights == {"network": SMALL["network"]}


@pytest.mark.parametrize("shipped", ["rgb_dinov3", "rgb_radio", "rgb_tipsv2"])
def test_a_backbone_without_classes_gives_what_timm_gives(shipped):
    told = yaml.safe_load((EXPERTS / f"{shipped}.yaml").read_text(encoding="utf-8"))["params"]
    tiny = {"depth": 1, "embed_dim": 32, "num_heads": 2, "img_size": 64}
    small = {"dim": 32, "resize_px": 64, "crop_px": 64, "arguments": {**tiny, "patch_size": 16}}
    expert = seeded(image_classifier, **(told | small))
    network = timm.create_model(told["network"].removeprefix("timm/"), num_classes=0, **small["arguments"])
    pixels = (
        torch.from_numpy(PICTURES).permute(0, 3, 1, 2) / 255 - torch.tensor(expert.params.mean)[:, None, None]
    ) / (torch.tensor(expert.params.std)[:, None, None])
    with torch.inference_mode():
        expected = fill(network).eval()(pixels).numpy()
    np.testing.assert_allclose(expert.embed(PICTURES).values, expected, atol=1e-5)
    assert np.ptp(expected) > 0.1


@pytest.mark.parametrize(
    "wrong",
    [{"network": "keras/resnet"}, {"fps": 0.0}, {"dim": 0}, {"crop_px": 300, "resize_px": 256}, {"classes": 0}],
)
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match=r"must"):
        Params(**({"network": "torchvision/resnet18.x", "dim": 512} | wrong))


def test_the_packaged_weights_of_rgb_lite_know_what_photographs_show():
    """The last layer of the same file, on the features, names the class."""
    import skimage.data
    from PIL import Image
    from timm.data import ImageNetInfo

    expert = packaged_expert("rgb_lite")
    path, side_px = expert.weight_path("network"), expert.params.crop_px
    *_, weight, bias = (tensor.numpy() for tensor in torch.load(path, weights_only=True).values())
    seen = {}
    camera = np.repeat(skimage.data.camera()[..., None], 3, axis=2)
    pictures = {"cat": skimage.data.chelsea(), "coffee": skimage.data.coffee(), "camera": camera}
    for name, photograph in pictures.items():
        frame = Image.fromarray(photograph).resize((side_px, side_px), Image.Resampling.BICUBIC)
        scores = expert.embed(np.array(frame)[None]).values[0] @ weight.T + bias
        seen[name] = ImageNetInfo().index_to_description(int(scores.argmax()))
    assert seen["cat"] in {"Egyptian cat", "tabby, tabby cat", "tiger cat"}
    assert (seen["coffee"], seen["camera"]) == ("espresso", "tripod")


@pytest.mark.parametrize("classes", [0, 1000])
@pytest.mark.parametrize("change", ["missing", "unused"])
def test_a_tensor_that_is_missing_or_one_too_many_is_refused_by_name(tmp_path, classes, change):
    params = Params("timm/test_vit.r160_in1k", 64, resize_px=160, crop_px=160, classes=classes)
    expert = Expert(params, WeightSource(WeightOptions(tmp_path, offline=True)))
    path = tmp_path / expert.published_file("network").cached_as
    path.parent.mkdir(parents=True)
    tensors = timm.create_model("test_vit.r160_in1k", num_classes=classes).state_dict()
    name = "norm.weight" if change == "missing" else "norm.extra"
    kept = {one: tensor for one, tensor in tensors.items() if one != name}
    save_file(kept | ({name: torch.zeros(3)} if change == "unused" else {}), path)
    with pytest.raises(WeightsError, match=f"not the weights of this network: (.|\n)*{name}"):
        expert.build()
