"""The ground truth of each demo video: facts in eight channels, each sampled independently from a seed."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")

COLORS = ("red", "blue", "green", "yellow", "purple", "orange", "white", "black")
SHAPES = ("circle", "square", "triangle", "star", "cross", "heart")
SCENES = (
    "brick wall",
    "striped curtain",
    "chequered floor",
    "starry night",
    "wavy water",
    "grass field",
    "plain wall",
    "polka dots",
)
THINGS = ("cat", "coffee", "rocket", "motorcycle", "coins", "moon", "photographer", "temple", "flower", "officer")
"""What the photographs show that are the background in place of a scene."""
DIRECTIONS = ("left", "right", "up", "down", "circles")
SPEEDS = ("slow", "fast")
SOUNDS = ("high beep", "low beep", "hiss", "siren", "drum", "chord", "birdsong", "bell", "engine")
FACES = ("colour", "dim", "grey")
FACE_TIMES = ("throughout", "first half", "second half")
WORDS = (
    "BAKERY",
    "BOOKS",
    "BRIDGE",
    "CASTLE",
    "CINEMA",
    "COFFEE",
    "DOCTOR",
    "FLOWER",
    "GARDEN",
    "HARBOR",
    "HOTEL",
    "ISLAND",
    "MARKET",
    "MUSEUM",
    "MUSIC",
    "PIZZA",
    "POLICE",
    "SCHOOL",
    "TAXI",
    "TICKET",
)
SUBTITLES = {
    "train": ("The train will be late again today.", "Our train is running late.", "I am sorry, the train is late."),
    "rain": (
        "There will be heavy rain tomorrow.",
        "Tomorrow it is going to rain.",
        "Bring a coat, rain comes tomorrow.",
    ),
    "soup": ("The soup is still far too hot.", "Careful, this soup is very hot.", "Wait, the soup is too hot to eat."),
    "dog": ("Our little dog ran away.", "The dog ran away this morning.", "Have you seen my dog? It ran away."),
    "birthday": ("Happy birthday to my sister!", "It is my sister's birthday today.", "My sister has her birthday."),
    "football": ("We won the football match!", "What a football match, and we won.", "Football was great, we won."),
    "phone": ("My phone battery is empty.", "The phone has no battery left.", "Sorry, my phone battery died."),
    "kitchen": ("We are painting the kitchen.", "The kitchen needs new paint.", "I will paint the kitchen this week."),
    "keys": ("I lost my keys again.", "Where are my keys? I lost them.", "She lost her keys on the way home."),
    "holiday": ("Our holiday starts on Friday.", "On Friday we go on holiday.", "The holiday begins this Friday."),
    "bicycle": ("I bought a new bicycle.", "My new bicycle is very light.", "Look at this new bicycle."),
    "tomatoes": ("The tomatoes are ripe now.", "Pick the ripe tomatoes, please.", "These tomatoes are nice and ripe."),
    "exam": ("The exam was really hard.", "I studied for the hard exam.", "That was a hard exam for everybody."),
    "moving": ("We are moving house next month.", "Next month we move house.", "The moving van comes next month."),
    "elephant": ("The elephant takes a bath.", "An elephant is having its bath.", "Elephants love a long bath."),
}
"""Topic of the speech -> sentences that can be the subtitle."""

ABSENT = (None,)
MOVES = (*((direction, speed) for direction in DIRECTIONS for speed in SPEEDS), *(("still", "") for _ in range(2)))


@dataclass(frozen=True)
class Facts:
    """Everything that can be seen, heard and read in one video; None in a channel without content."""

    name: str
    """The file stem."""
    split: str
    key: str
    """Seed of all random choices in this video, unique to it."""
    duration_s: float
    color: str
    shape: str
    scene: str | None
    """The texture in the background; None where a photograph is there."""
    thing: str | None
    """What the photograph in the background shows."""
    direction: str
    """One of DIRECTIONS, or `still`."""
    speed: str
    """One of SPEEDS, empty when still."""
    sound: str | None
    """None: the video has no audio stream."""
    face: str | None
    face_time: str
    word: str | None
    topic: str | None
    subtitle: str | None
    subtitle_embedded: bool
    """True: the subtitle is a track in the video; False: it is an .srt file beside it."""

    @property
    def channels(self) -> tuple[str, ...]:
        """The channels in which this video has content."""
        facts = {
            "rgb": self.shape,
            "scene": self.scene,
            "thing": self.thing,
            "flow": self.direction,
            "audio": self.sound,
            "face": self.face,
            "ocr": self.word,
            "speech": self.topic,
        }
        return tuple(channel for channel, fact in facts.items() if fact is not None)


def sample_facts(name: str, split: str, seed: int, index: int, duration_s: tuple[float, float]) -> Facts:
    """The facts of video `index` of a split; they do not depend on the numbers of videos.

    `duration_s` is the shortest and the longest duration.
    """
    deck = f"{seed}/{split}"
    rng = random.Random(f"{deck}/{index}")
    direction, speed = _deal(MOVES, f"{deck}/flow", index)
    background = _deal((*SCENES, *THINGS), f"{deck}/background", index)
    topic = _deal((*SUBTITLES, *ABSENT * 5), f"{deck}/speech", index)
    return Facts(
        name=name,
        split=split,
        key=f"{deck}/{index}",
        duration_s=round(rng.uniform(*duration_s), 2),
        color=_deal(COLORS, f"{deck}/color", index),
        shape=_deal(SHAPES, f"{deck}/shape", index),
        scene=background if background in SCENES else None,
        thing=background if background in THINGS else None,
        direction=direction,
        speed=speed,
        sound=_deal((*SOUNDS, *ABSENT), f"{deck}/audio", index),
        face=_deal((*FACES, *ABSENT * 3), f"{deck}/face", index),
        face_time=_deal(FACE_TIMES, f"{deck}/face time", index),
        word=_deal((*WORDS, *ABSENT * 7), f"{deck}/ocr", index),
        topic=topic,
        subtitle=rng.choice(SUBTITLES[topic]) if topic else None,
        subtitle_embedded=_deal((True, False), f"{deck}/subtitle", index),
    )


def _deal(cards: Sequence[T], deck: str, index: int) -> T:
    """Card `index` of a deck that is reshuffled when it runs out: cards are equally frequent in small sets too."""
    round_index, place = divmod(index, len(cards))
    shuffled = list(cards)
    random.Random(f"{deck}/{round_index}").shuffle(shuffled)
    return shuffled[place]
