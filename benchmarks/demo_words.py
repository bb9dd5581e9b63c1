"""Measures the search for words of the demo that are only on signs, or only spoken: precision of the first result.

`python benchmarks/demo_words.py`, after `luigi --module tasks BuildIndex --dataset demo`. Each query is a single word,
without stop words; which videos have it is known from the demo's ground truth. A first result with another form of the
word ("painting" for "paint") counts as wrong, and is printed.
"""

import sys
from collections.abc import Mapping
from pathlib import Path

from extractors.text.tokens import tokens
from pipeline.datasets.annotations import load_dataset
from pipeline.demo.make import all_facts
from search import Collection


def words_of(texts: Mapping[str, str | None], stop_words: frozenset[str]) -> dict[str, set[str]]:
    """Word -> the videos whose text has it."""
    videos_of: dict[str, set[str]] = {}
    for video, text in texts.items():
        for word in {token.lower() for token in tokens(text or "")} - stop_words:
            videos_of.setdefault(word, set()).add(video)
    return videos_of


def main() -> int:
    settings = load_dataset("demo", Path("configs/datasets")).demo
    collection = Collection.open("demo")
    assert settings is not None
    facts = {f"{one.name}.mp4": one for one in all_facts(settings)}
    stop_words = collection.settings.stop_words
    signs = words_of({name: one.word for name, one in facts.items()}, stop_words)
    subtitles = words_of({name: one.subtitle for name, one in facts.items()}, stop_words)
    texts = {name: one.subtitle or one.word for name, one in facts.items()}
    for source, words, other_words in (("only on a sign", signs, subtitles), ("only spoken", subtitles, signs)):
        queries = {word: videos for word, videos in sorted(words.items()) if word not in other_words}
        first = {word: next((hit.video_id for hit in collection.search(word, k=1)), "nothing") for word in queries}
        wrong = {word: first[word] for word, videos in queries.items() if first[word] not in videos}
        print(f"{source}: {len(queries) - len(wrong)} of {len(queries)} words find a right video first")
        for word, video in wrong.items():
            print(f"  {word}: {video}, {texts.get(video)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
