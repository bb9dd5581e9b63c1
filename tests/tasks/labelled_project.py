"""The tiny project with a classifier that keeps labels, and label words by an encoder without a network."""

from tests.tasks.project import Project

THINGS = ("red square, crimson square", "green square", "blue square", "white square")
CLASSIFIER = {
    "extractor": "image_classifier",
    "modality": "rgb",
    "params": {
        "network": "torchvision/resnet18.IMAGENET1K_V1", "dim": 512, "classes": len(THINGS), "fps": 2.0,
        "resize_px": 32, "crop_px": 32,
    },
    "weights": "seeded",
    "labels": {"names": list(THINGS), "keep": 3},
}  # fmt: skip


def add_labels(project: Project, text: str = "words_hashed") -> None:
    """Adds the expert `things` to the model, and names the sentence encoder `text`."""
    project.write_config("experts", "things", CLASSIFIER)
    project.edit("models", "tiny", experts=["rgb_light", "things"])
    project.edit("", "search", label_words__text=text)
