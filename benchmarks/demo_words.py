"""Words of the demo that are only on signs, or only spoken: how often the first video found has exactly that word.

`python benchmarks/demo_words.py`, after `luigi --module tasks BuildIndex --dataset demo`. Each word is a query alone;
what is on a sign and what is said is known from how the demo was made. Stop words are left out. Where another form of
the word comes first ("painting" for "paint"), it is counted as wrong, and shown.
"""

import sys
from collections.abc import Mapping
from pathlib import Path

from extractors.text.tokens import tokens
from pipeline.datasets.annotations import load_dataset
from pipeline.demo.make import all_facts
from search import Collection


def words_of(texts: Mapping[str, str | None], stop_words: frozenset[str]) -> dict[str, set[str]]:
    """Word -> the videos in whose text it is."""
    found: dict[str, set[str]] = {}
    for video, text in texts.items():
        for word in {token.lower() for token in tokens(text or "")} - stop_words:
            found.setdefault(word, set()).add(video)
    return found


def main() -> int:
    settings = load_dataset("demo", Path("configs/datasets")).demo
    collection = Collection.open("demo")
    assert settings is not None
    facts = {f"{one.name}.mp4": one for one in all_facts(settings)}
    stop_words = collection.settings.stop_words
    signs = words_of({name: one.word for name, one in facts.items()}, stop_words)
    said = words_of({name: one.subtitle for name, one in facts.items()}, stop_words)
    told = {name: one.subtitle or one.word for name, one in facts.items()}
    for what, mine, other in (("only on a sign", signs, said), ("only spoken", said, signs)):
        alone = {word: videos for word, videos in sorted(mine.items()) if word not in other}
        first = {word: next((hit.video_id for hit in collection.search(word, k=1)), "nothing") for word in alone}
        wrong = {word: first[word] for word, videos in alone.items() if first[word] not in videos}
        print(f"{what}: {len(alone) - len(wrong)} of {len(alone)} words find a right video first")
        for word, video in wrong.items():
            print(f"  {word}: {video}, {told.get(video)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
