"""How much each step does: what a GPU is worth waiting for, and the least that shows that a step works."""

from dataclasses import dataclass

SEVEN = ("rgb", "flow", "audio", "face", "ocr", "speech", "scene")
"""The experts of the paper."""


@dataclass(frozen=True)
class Sizes:
    """Of one run."""

    tests: tuple[str, ...]
    """What pytest is told beside the files."""
    experts: tuple[str, ...]
    """In the order in which they are measured."""
    fused: tuple[str, ...]
    most_items: int
    """In a batch, whatever the expert's own is."""
    clips: int
    """Copies of one clip of MSR-VTT's size, that each expert is measured on at least."""
    most_clips: int
    pass_s: float
    """Seconds that the networks of an expert take in its pass, if so many clips are enough for it."""
    clip_s: float
    fused_clips: int
    """Of the same size, for all experts in one pass."""
    wide_clips: int
    """Of 720p."""
    wide_clip_s: float
    least_s: float
    """Seconds that networks are at work on frames made beforehand, at least."""
    workers: int
    """Decode workers; 0: one a core."""
    training_experts: tuple[str, ...]
    """Empty: the nine with which the released models were trained."""
    training_videos: int
    training_batches: tuple[int, ...]
    training_precisions: tuple[str, ...]
    metrics_videos: int
    """Each with 20 captions."""
    search_videos: int
    search_queries: int


FULL = Sizes(
    tests=("-m", "gpu", "-n", "8", "--dist", "loadgroup"),
    experts=(
        *SEVEN, "motion", "motion_mvit", "clip", "audio_ast", "rgb_resnet50", "scene_resnet50", "motion_ig65m",
        "clip_siglip2", "face_light", "rgb_instagram",
    ),
    fused=SEVEN, most_items=1 << 20, clips=32, most_clips=480, pass_s=4.0, clip_s=15.0, fused_clips=112, wide_clips=24,
    wide_clip_s=10.0, least_s=1.0, workers=0,
    training_experts=(), training_videos=6513, training_batches=(64, 128), training_precisions=("fp32", "tf32", "bf16"),
    metrics_videos=2990, search_videos=1_000_000, search_queries=200,
)  # fmt: skip

SMALL = Sizes(
    tests=("-m", "not slow", "-k", "test_a_step_on_it"),
    experts=("audio",), fused=("audio", "rgb_light"), most_items=4,
    clips=2, most_clips=4, pass_s=0.1, clip_s=2.0, fused_clips=4, wide_clips=4, wide_clip_s=1.0, least_s=0.1, workers=1,
    training_experts=("face",), training_videos=24, training_batches=(8,), training_precisions=("bf16",),
    metrics_videos=50, search_videos=2000, search_queries=5,
)  # fmt: skip
