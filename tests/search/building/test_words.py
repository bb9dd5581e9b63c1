import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.datasets.videos import Listed
from pipeline.errors import DamagedError
from pipeline.stores import parts, store
from search import Collection
from search import config as search_config
from search.building import build, expert_words, words
from search.config import IndexSettings
from search.engines import fulltext
from search.index import made_of
from tests.search import small_collection
from tests.search.building.random_changes import FIRST, change
from tests.search.small_collection import CONFIGS, Clip

SPOKEN = ("river", "boat", "boats", "harbour", "train", "night", "rain", "soup", "café", "港口")


def clips(count=12) -> list[Clip]:
    rng = random.Random(5)
    found = []
    for number in range(count):
        said = {word: at / 2 for at, word in enumerate(rng.sample(SPOKEN, rng.randrange(5)))}
        signs = {word.upper(): 4.0 for word in rng.sample(SPOKEN[:8], rng.randrange(2))}
        found.append(Clip(f"clip{number:02}", sign=signs, speech=said, duration_s=5.0))
    return found


class Indexes:
    """Untrained indexes of one folder, of videos that are any of `clips`, under any name."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.sources, _ = small_collection.trained(root, clips())
        self.by_clip = {video.content: video for video in self.sources.manifest.videos}
        self.parent = root / "store" / "index" / "tiny"

    def index(self, name: str, videos: dict[str, str], parent: Path | None = None) -> Collection:
        """The index of videos: id -> clip."""
        listed = Listed(replace(self.by_clip[videos[one]], video_id=one) for one in sorted(videos))
        sources = replace(self.sources, manifest=replace(self.sources.manifest, videos=listed))
        folder = (parent or self.parent) / name
        inputs = small_collection.ingredients(self.root, sources, None)
        build.build_index(inputs, IndexSettings(), folder, {"stage": "index", "of": name})
        return Collection(folder, self.root, search_config.load(CONFIGS), small_collection.weights(self.root))


def answers(collection: Collection) -> list:
    """What is found for each word, and for pairs of words, with all that is told of a hit."""
    queries = [*SPOKEN, *(f"{one} and {other}" for one, other in zip(SPOKEN, SPOKEN[3:], strict=False))]
    found = [collection.search(query, k=50) for query in queries]
    told = [(one.num_found, [replace(hit, found_by={}) for hit in one.hits]) for one in found]
    ranks = [[{name: (of.rank, of.score) for name, of in hit.found_by.items()} for hit in one.hits] for one in found]
    return [told, ranks, [collection.words.words_of(row) for row in range(len(collection.videos))]]


@pytest.fixture
def indexes(tmp_path) -> Indexes:
    return Indexes(tmp_path)


@pytest.fixture
def read(monkeypatch):
    """The keys whose spoken words were read from the store."""
    keys, some = [], words.read_some

    def noted(stores, wanted):
        keys.extend(key for key in wanted["speech_light"] if key in WITH_SPEECH)
        return some(stores, wanted)

    monkeypatch.setattr(words, "read_some", noted)
    return keys


WITH_SPEECH = {clip.name for clip in clips() if clip.speech}


def all_spoken(videos: dict[str, str]) -> list[str]:
    return sorted(WITH_SPEECH & set(videos.values()))


def test_an_index_after_many_changes_answers_as_one_that_was_built_from_nothing(indexes, tmp_path):
    rng, videos = random.Random(1), dict(FIRST)
    indexes.index("0", videos)
    for step in range(1, 11):
        change(videos, rng)
        grown = indexes.index(str(step), videos)
        assert answers(grown) == answers(indexes.index("alone", videos, tmp_path / f"alone{step}")), (step, videos)


def test_an_index_beside_one_in_which_nobody_says_a_word_is_built_as_well(indexes, read, tmp_path):
    silent = {f"{clip.name}.mp4": clip.name for clip in clips() if not clip.speech and not clip.sign}
    assert silent
    indexes.index("one", silent)
    indexes.index("two", dict(list(silent.items())[1:] or silent))
    grown = indexes.index("three", silent | FIRST)
    assert sorted(read) == all_spoken(FIRST)
    assert answers(grown) == answers(indexes.index("alone", silent | FIRST, tmp_path / "alone"))


def test_only_the_words_of_new_videos_are_read(indexes, read):
    indexes.index("one", FIRST)
    assert sorted(read) == all_spoken(FIRST)
    read.clear()
    indexes.index("two", FIRST | {"00-first.mp4": "clip09", "renamed.mp4": "clip03"})
    assert sorted(read) == ["clip03", "clip09"]  # the first one is now there twice


def test_no_part_of_a_store_is_opened_for_videos_whose_words_are_known(indexes, monkeypatch):
    indexes.index("one", FIRST)
    monkeypatch.setattr(expert_words.parts, "read_array", lambda *_: pytest.fail("read"))
    keys = {name: sorted(FIRST.values()) for name in small_collection.EXPERTS}
    (indexes.parent / "two").mkdir()
    assert words.write(indexes.parent / "two", build.VERSION, indexes.sources.stores, keys) > 0


@pytest.mark.parametrize("file", [words.FILE, made_of.FILE, "recipe.json"])
def test_a_damaged_index_is_not_taken_from(indexes, read, tmp_path, file):
    indexes.index("one", FIRST)
    path = indexes.parent / "one" / file
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x40
    path.write_bytes(content)
    read.clear()
    grown = indexes.index("two", FIRST | {"more.mp4": "clip10"})
    assert sorted(read) == all_spoken(FIRST | {"more.mp4": "clip10"})
    assert answers(grown) == answers(indexes.index("alone", FIRST | {"more.mp4": "clip10"}, tmp_path / "alone"))


def test_an_index_of_another_version_or_store_is_not_taken_from(indexes, read, monkeypatch):
    indexes.index("one", FIRST)
    for name, path in indexes.sources.stores.items():
        shutil.copytree(path, path.with_name(f"{name}-anew"))
    indexes.sources = replace(
        indexes.sources, stores={name: path.with_name(f"{name}-anew") for name, path in indexes.sources.stores.items()}
    )
    read.clear()
    indexes.index("two", FIRST)
    assert sorted(read) == all_spoken(FIRST)
    read.clear()
    monkeypatch.setattr(build, "VERSION", build.VERSION + 1)
    indexes.index("three", FIRST)
    assert sorted(read) == all_spoken(FIRST)


def test_where_the_copy_turns_out_to_be_unusable_all_is_read(indexes, read, monkeypatch):
    before = answers(indexes.index("one", FIRST))
    monkeypatch.setattr(words.shutil, "copyfile", lambda source, path: path.write_bytes(b"no database" * 100))
    read.clear()
    assert answers(indexes.index("two", FIRST)) == before
    assert sorted(read) == all_spoken(FIRST)


def test_a_store_that_is_damaged_is_told(indexes):
    (part, *_) = store.parts(indexes.sources.stores["speech_light"])
    indexes.index("one", FIRST)
    next(path for path in (part / "text").rglob("*") if path.parent.name == "c").write_bytes(b"x" * 40)
    with pytest.raises(DamagedError):
        indexes.index("two", FIRST | {"more.mp4": "clip11"})


KILLED = """
import sys
from pathlib import Path
from tests.search.building.test_words import FIRST, Indexes
indexes = Indexes.__new__(Indexes)
import tests.search.building.test_words as tested
tested.small_collection.parts.publish = lambda *_: None  # the stores are there
indexes.__init__(Path(sys.argv[1]))
print("begins", flush=True)
for turn in range(1000):
    indexes.index("two", FIRST | {"more.mp4": "clip10", "again.mp4": "clip02"})
"""


@pytest.mark.slow
def test_a_kill_at_any_moment_leaves_an_index_that_is_whole_or_none(indexes, tmp_path):
    indexes.index("one", FIRST)
    shutil.rmtree(indexes.root / "run")
    rng, wanted = random.Random(time.time_ns()), FIRST | {"more.mp4": "clip10", "again.mp4": "clip02"}
    expected = answers(indexes.index("alone", wanted, tmp_path / "alone"))
    for _ in range(3):
        shutil.rmtree(indexes.root / "run", ignore_errors=True)
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(indexes.root)], stdout=subprocess.PIPE, cwd=CONFIGS.parent
        )
        process.stdout.readline()
        time.sleep(rng.random())
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        assert answers(indexes.index("two", wanted)) == expected


def test_documents_are_moved_deleted_and_added_in_a_file(tmp_path):
    def document(video, text):
        return fulltext.Document(
            video, "speech", text.split(), [(float(at), at + 0.5) for at in range(len(text.split()))]
        )

    fulltext.build(tmp_path / "a", [document(0, "red boat"), document(1, "boat boat"), document(2, "rain")])
    fulltext.change(tmp_path / "a", {1: 3}, [2], [document(0, "a boat in the rain")])
    fulltext.build(tmp_path / "b", [document(0, "a boat in the rain"), document(2, "rain"), document(3, "red boat")])
    one, other = (fulltext.FullText(tmp_path / name, ()) for name in "ab")
    for query in ("boat", "rain", "red boat", "in the rain"):
        assert one.find(query) == other.find(query)
    assert sorted(fulltext.sources(tmp_path / "a"))[-1][1:] == (0, "speech")


def test_words_of_a_row_that_has_failed_since_are_gone(indexes, tmp_path):
    indexes.index("one", FIRST)
    path, failed = indexes.sources.stores["speech_light"], all_spoken(FIRST)[0]
    kept = [row for row in store.rows(path).values() if row.key != failed]
    features = [parts.read_features(path, row.key) for row in kept]
    nothing = parts.Features(features[0].values[:0], features[0].times_s[:0])
    for part in store.parts(path):
        shutil.rmtree(part)
    rows = [*kept, store.Row(failed, 0, failed=True, reason="hung")]
    parts.publish(path, rows, [*features, nothing], features[0].values.shape[1])
    assert answers(indexes.index("two", FIRST)) == answers(indexes.index("alone", FIRST, tmp_path / "alone"))
