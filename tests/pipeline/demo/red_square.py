"""Facts of a video that is easy to measure: a red square on a plain wall moves slowly to the left."""

from dataclasses import replace

from pipeline.demo.ground_truth import sample_facts

RED_SQUARE = replace(
    sample_facts("demo_000", "train", 1, 0, (2.0, 2.0)),
    color="red",
    shape="square",
    scene="plain wall",
    thing=None,
    direction="left",
    speed="slow",
    word=None,
    face=None,
)
