"""Generates English captions of demo videos, each mentioning one to three channels."""

import random
from collections.abc import Callable

from pipeline.demo.ground_truth import Facts

CHANNEL_WEIGHTS = {
    "rgb": 1.0,
    "scene": 3.5,
    "thing": 2.0,
    "flow": 1.1,
    "audio": 1.2,
    "face": 3.5,
    "ocr": 1.6,
    "speech": 1.5,
}
"""Weights for the choice of channels: higher for rare ones, so that all are mentioned about equally often overall."""

SHAPE_NAMES = {
    "circle": ("circle", "circle", "disc"),
    "square": ("square", "square", "box"),
    "triangle": ("triangle",),
    "star": ("star",),
    "cross": ("cross", "cross", "plus sign"),
    "heart": ("heart",),
}
SCENE_NAMES = {
    "brick wall": ("a brick wall", "a wall of bricks"),
    "striped curtain": ("a striped curtain", "a curtain with stripes"),
    "chequered floor": ("a chequered floor", "a floor of checks"),
    "starry night": ("a starry night", "a night sky full of little lights"),
    "wavy water": ("wavy water", "water with waves"),
    "grass field": ("a grass field", "a field of grass"),
    "plain wall": ("a plain wall", "a bare wall"),
    "polka dots": ("a wallpaper with polka dots", "a dotted wallpaper"),
}
THING_NAMES = {
    "cat": ("a cat", "a striped cat", "a tabby cat with green eyes"),
    "coffee": ("a cup of coffee", "an espresso in a red cup", "coffee on a saucer"),
    "rocket": ("a rocket", "a space rocket", "a rocket on its launch pad"),
    "motorcycle": ("a motorcycle", "a red motorbike", "a motorcycle in a garage"),
    "coins": ("old coins", "rows of ancient coins", "a collection of coins"),
    "moon": ("the moon", "craters on the moon", "the surface of the moon"),
    "photographer": ("a man with a camera", "a photographer", "a cameraman with a tripod"),
    "temple": ("a Chinese temple", "a pagoda", "a temple with curved roofs"),
    "flower": ("an orange flower", "a dahlia", "a flower with many petals"),
    "officer": ("a navy officer", "an officer in uniform", "a woman in naval uniform"),
}
BACKGROUND_FORMS = {
    "scene": ("the background is {}", "{} fills the background", "the scene shows {}"),
    "thing": ("there is {} in the background", "{} can be seen in the background", "the scene shows {}"),
}
WAYS = {
    "left": ("to the left", "leftwards", "from right to left"),
    "right": ("to the right", "rightwards", "from left to right"),
    "up": ("up", "upwards"),
    "down": ("down", "downwards"),
    "circles": ("in circles", "round and round"),
}
MOTIONS = {
    "slow": ("drifts slowly {}", "slowly moves {}", "moves {} at a slow pace", "glides slowly {}"),
    "fast": ("rushes {}", "quickly moves {}", "moves {} at high speed", "races fast {}"),
}
STILLNESS = ("stands still", "does not move", "stays in its place")
SOUND_NAMES = {
    "high beep": ("a high beep", "a high beeping tone"),
    "low beep": ("a low beep", "a deep beeping tone"),
    "hiss": ("a hiss", "hissing noise"),
    "siren": ("a siren", "a wailing siren"),
    "drum": ("a drum", "drum beats"),
    "chord": ("a long chord", "an organ chord"),
    "birdsong": ("birdsong", "chirping birds"),
    "bell": ("a bell", "a ringing bell"),
    "engine": ("an engine", "a humming engine"),
}
PORTRAITS = {
    "colour": ("a smiling woman's face", "a smiling astronaut", "a photo of a smiling woman"),
    "dim": ("a smiling woman's face in dim light", "a darkened photo of a smiling woman", "an astronaut in dim light"),
    "grey": (
        "a black-and-white photo of a smiling woman",
        "a smiling woman's face in black and white",
        "a black-and-white astronaut",
    ),
}
"""Smiling, because a photograph in the background may show a woman who does not smile."""
FACE_TIME_NAMES = {"throughout": "", "first half": " at first", "second half": " towards the end"}
REPORTS = {
    "train": ("the train is late", "their train is running late"),
    "rain": ("it will rain tomorrow", "there is rain coming tomorrow"),
    "soup": ("the soup is too hot", "the soup is very hot"),
    "dog": ("a dog ran away", "the dog has run away"),
    "birthday": ("it is a sister's birthday", "the sister has a birthday"),
    "football": ("they won the football match", "the football match was won"),
    "phone": ("the phone battery is empty", "a phone has no battery left"),
    "kitchen": ("the kitchen gets new paint", "they paint the kitchen"),
    "keys": ("the keys are lost", "somebody lost the keys"),
    "holiday": ("the holiday starts on Friday", "they go on holiday on Friday"),
    "bicycle": ("there is a new bicycle", "they have a new bicycle"),
    "tomatoes": ("the tomatoes are ripe", "there are ripe tomatoes"),
    "exam": ("the exam was hard", "it was a hard exam"),
    "moving": ("they move house next month", "they are moving next month"),
    "elephant": ("an elephant takes a bath", "the elephant has a bath"),
}


def write_captions(facts: Facts, count: int) -> list[tuple[str, tuple[str, ...]]]:
    """`count` different captions, each with the channels that it mentions."""
    rng = random.Random(f"{facts.key}/captions")
    captions: dict[str, tuple[str, ...]] = {}
    while len(captions) < count:
        # Half of them mention one channel only: these show what a single expert contributes.
        channels = _choose(facts.channels, rng.choice((1, 1, 2, 3)), rng)
        captions.setdefault(_caption(facts, channels, rng), channels)
    return list(captions.items())


def _choose(present: tuple[str, ...], count: int, rng: random.Random) -> tuple[str, ...]:
    """Weighted sample of `count` channels without replacement (Efraimidis and Spirakis 2006)."""
    ranks = {channel: rng.random() ** (1 / CHANNEL_WEIGHTS[channel]) for channel in present}
    chosen = sorted(present, key=lambda channel: ranks[channel])[-count:]
    return tuple(channel for channel in present if channel in chosen)


def _caption(facts: Facts, channels: tuple[str, ...], rng: random.Random) -> str:
    clauses = [clause(facts, rng) for channel, clause in CLAUSES.items() if channel in channels]
    if {"rgb", "scene", "thing", "flow"} & set(channels):
        clauses.append(_picture(facts, channels, rng))
    rng.shuffle(clauses)
    links = (" and ", ", and ", " while ") if len(clauses) == 2 else (" and ", ", and ")
    text = rng.choice(links).join(filter(None, (", ".join(clauses[:-1]), clauses[-1])))
    return text[0].upper() + text[1:] + rng.choice(("", "."))


def _picture(facts: Facts, channels: tuple[str, ...], rng: random.Random) -> str:
    """The clause about shape, motion and background, as far as they are among the channels."""
    background = _background(facts, rng)
    if not {"rgb", "flow"} & set(channels):
        return rng.choice(BACKGROUND_FORMS["thing" if facts.thing else "scene"]).format(background)
    subject = _shape(facts, rng) if "rgb" in channels else rng.choice(("something", "an object", "a shape"))
    verb = _motion(facts, rng) if "flow" in channels else rng.choice(("is shown", "can be seen", "appears"))
    if not {"scene", "thing"} & set(channels):
        return f"{subject} {verb}"
    return rng.choice(("{0} {1} in front of {2}", "in front of {2} {0} {1}", "{0} {1} before {2}")).format(
        subject, verb, background
    )


def _background(facts: Facts, rng: random.Random) -> str:
    return rng.choice(THING_NAMES[facts.thing] if facts.thing else SCENE_NAMES[facts.scene or ""])


def _shape(facts: Facts, rng: random.Random) -> str:
    article = "an" if facts.color[0] in "aeiou" else "a"
    return f"{article} {facts.color} {rng.choice(SHAPE_NAMES[facts.shape])}"


def _motion(facts: Facts, rng: random.Random) -> str:
    if facts.direction == "still":
        return rng.choice(STILLNESS)
    return rng.choice(MOTIONS[facts.speed]).format(rng.choice(WAYS[facts.direction]))


def _sound(facts: Facts, rng: random.Random) -> str:
    name = rng.choice(SOUND_NAMES[facts.sound or ""])
    return rng.choice(("you hear {}", "we hear {}", "there is the sound of {}", "one can hear {}")).format(name)


def _face(facts: Facts, rng: random.Random) -> str:
    portrait = rng.choice(PORTRAITS[facts.face or ""]) + rng.choice((" is in the corner", " is visible"))
    return portrait + rng.choice(("", FACE_TIME_NAMES[facts.face_time]))


def _sign(facts: Facts, rng: random.Random) -> str:
    forms = ("a sign reads {}", "the word {} is written on a board", "a sign says {}", "you can read {} on a board")
    return rng.choice(forms).format(facts.word)


def _speech(facts: Facts, rng: random.Random) -> str:
    report = rng.choice(REPORTS[facts.topic or ""])
    return rng.choice(("somebody says {}", "a voice says that {}", "a speaker tells us {}")).format(report)


CLAUSES: dict[str, Callable[[Facts, random.Random], str]] = {
    "audio": _sound,
    "face": _face,
    "ocr": _sign,
    "speech": _speech,
}
"""Channels with a separate clause; rgb, scene, thing and flow share one."""
