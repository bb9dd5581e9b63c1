import copy
import csv
import errno
import os
import re
from html.parser import HTMLParser

import pytest

from pipeline.reports.report import METRICS, NUM_WORST, read_ranks, read_report, render, warnings, write_report
from pipeline.reports.report import _draw_recall as draw_recall
from pipeline.reports.report import _draw_training as draw_training
from pipeline.stores import atomic
from tests.pipeline.reports.made_report import make_report, metric

NASTY = "<script>alert('1')</script> & \"quotes\", ünï 日本語 {{ 7 * 7 }} {% raw %}"


class Page(HTMLParser):
    """What a browser would make of a page: its tags and its text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.text = [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.text += data


def page_of(report):
    body = {key: value for key, value in report.items() if key != "queries"} | {"warnings": warnings(report)}
    return Page(render(body, report["queries"]))


def test_three_files_are_written_and_read_back(tmp_path):
    report = make_report()
    write_report(tmp_path / "new" / "folder", report)
    assert sorted(path.name for path in (tmp_path / "new" / "folder").iterdir()) == [
        "ranks.csv",
        "report.html",
        "report.json",
    ]
    read = read_report(tmp_path / "new" / "folder")
    assert read.pop("warnings") == warnings(report)
    assert read == {key: value for key, value in report.items() if key != "queries"}


def test_the_ranks_of_every_caption_are_in_the_table(tmp_path):
    report = make_report()
    report["queries"][3] |= {"caption": 'A "star",\nand more 日本語', "tags": ["rgb", "audio"]}
    write_report(tmp_path, report)
    with (tmp_path / "ranks.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 60
    assert list(rows[0]) == ["video", "caption", "tags", "rank_seed_0", "rank_seed_1", "equal_seed_0", "equal_seed_1"]
    assert rows[3] == {
        "video": "v3.mp4",
        "caption": 'A "star",\nand more 日本語',
        "tags": "rgb;audio",
        "rank_seed_0": "4.0",
        "rank_seed_1": "5.5",
        "equal_seed_0": "1",
        "equal_seed_1": "4",
    }
    assert list(read_ranks(tmp_path))[3] == ("v3.mp4", 'A "star",\nand more 日本語', [(4.0, 1), (5.5, 4)])


def test_equal_reports_give_equal_bytes(tmp_path):
    for name in ("one", "two"):
        write_report(tmp_path / name, make_report())
    for name in ("report.html", "ranks.csv", "report.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_the_page_needs_nothing_from_elsewhere_and_runs_nothing():
    page = page_of(make_report())
    assert "script" not in page.tags
    assert not {"link", "iframe", "img", "object", "embed"} & set(page.tags)
    assert page.tags.count("svg") == 3
    for name, value in page.attributes:
        assert not name.startswith("on")
        if name in {"href", "src", "xlink:href", "action"}:
            assert value.startswith("#") or not {":", "/"} & set(value), (
                f"{name}={value}: only what lies beside the page"
            )


def test_every_table_has_a_caption_and_headers_and_every_heading_follows_its_own():
    notes = {"total": 1, "kinds": [{"kind": "short", "videos": 1}], "videos": []}
    failures = [{"video": "b.mp4", "expert": "rgb_light", "reason": "the file is empty"}]
    page = page_of(make_report(notes=notes, failures=failures, untrained={"label_words": untrained(1.5)}))
    assert page.tags.count("table") == page.tags.count("caption") == page.tags.count("thead") == 8
    assert page.tags.count("th") == sum(name == "scope" for name, _ in page.attributes)
    assert [tag for tag in page.tags if re.fullmatch(r"h\d", tag)] == ["h1"] + 8 * ["h2"]
    regions = sum(pair == ("role", "region") for pair in page.attributes)
    assert regions == sum(pair == ("tabindex", "0") for pair in page.attributes) == 8 + 3, (
        "each can be scrolled by keys"
    )


def test_a_legend_covers_nothing_that_is_drawn():
    from matplotlib.figure import Figure

    report = make_report(training={str(seed): [{"epoch": 1, "loss": 2.0, "geometric_mean": 5.0}] for seed in range(9)})
    drawings = (lambda axes: draw_recall(axes, report), lambda axes: draw_training(axes, report["training"]))
    for draw in drawings:
        figure = Figure(figsize=(8, 3), layout="constrained")
        axes = figure.subplots()
        draw(axes)
        figure.draw_without_rendering()
        legend, inside = axes.get_legend().get_window_extent(), axes.get_window_extent()
        assert legend.y0 >= inside.y1, "above"
        assert legend.x0 >= 0 and legend.x1 <= figure.bbox.width and legend.y1 <= figure.bbox.height, "and on the paper"


def test_the_page_shows_the_numbers():
    page = page_of(make_report())
    for number in range(len(METRICS)):
        assert f"{11.0 + number:.1f}" in page.text
        assert f"{70.0 + number:.1f}" in page.text, "of the bank"
    assert "normalised by a bank. 60 queries, 60 to choose from" in page.text
    assert "demo, test split" in page.text
    assert "1.7" in page.text, "chance of R@1 is 100 / 60"


def test_an_interval_stands_below_its_recall_where_there_is_one():
    report = make_report()
    assert " to 15.5" not in page_of(report).text
    report["t2v"]["R@1"]["interval"] = [7.25, 15.5]
    assert "7.2 to 15.5" in page_of(report).text


def untrained(points):
    """A row without training, `points` of R@1 below the trained model."""
    direction = {name: metric(70.25 + number) for number, name in enumerate(METRICS)}
    direction["R@1"] = metric(9.5) | {"interval": [8.75, 10.25]}
    gain = {"mean": points, "low": points - 1, "high": points + 2, "p": 0.04}
    note = f"by sentence_minilm with the names of what rgb_lite, {NASTY} recognised in it"
    return {"label": "zero-shot by label words", "experts": ["rgb_lite", NASTY], "text": "sentence_minilm",
            "note": note, "t2v": direction, "v2t": copy.deepcopy(direction), "gain": {"R@1": gain}}  # fmt: skip


def test_a_row_without_training_stands_beside_the_trained_model_and_has_no_seeds():
    page = page_of(make_report(untrained={"label_words": untrained(1.5)}))
    assert "zero-shot by label words: caption finds video9.5 8.8 to 10.2" in page.text
    assert "zero-shot by label words: video finds caption9.5 " in page.text
    assert "recognised in it" in page.text and NASTY in page.text
    assert "+1.5 points of R@1 from it\n(+0.5 to +3.5, p = 0.04)" in page.text
    assert not warnings(make_report(untrained={"label_words": untrained(1.5)}, seeds=[0, 1, 2]))


def test_a_trained_model_below_a_row_without_training_is_told():
    below = make_report(untrained={"label_words": untrained(-4.5)}, seeds=[0, 1, 2])
    assert warnings(below) == [
        "The trained model is below zero-shot by label words, which needs no training: R@1 -4.5 points "
        "(95 % interval -5.5 to -2.5, p = 0.04)."
    ]


@pytest.mark.parametrize(
    ("trained", "told"), [(41.0, ["the first (41.5)"]), (41.5, []), (30, ["the first (41.5)", "b (40.0)"])]
)
def test_a_trained_model_below_a_row_on_validation_is_told_with_all_such_rows(trained, told):
    def row(label, reached):
        return untrained(1.5) | {"label": label, "validation": {"untrained": reached, "trained": trained}}

    rows = {"a": row("the first", 41.5), "b": row("b", 40.0), "c": untrained(1.5)}
    expected = (
        f"The trained model is below what needs no training on the validation split ({trained:.1f}, geometric mean of "
        f"R@1, R@5 and R@10): {', '.join(told)}."
    )
    assert warnings(make_report(untrained=rows, seeds=[0, 1, 2])) == [expected] * bool(told)


def test_a_training_that_added_nothing_sure_is_told():
    told = warnings(make_report(kept={"0": 0, "1": 7, "2": 0}, seeds=[0, 1, 2]))
    assert told == [
        "Training added nothing sure on the validation split in 2 of 3 seeds, which are what the model began with "
        "(epoch 0): the untrained fusion."
    ]
    assert not warnings(make_report(kept={"0": 3}, seeds=[0, 1, 2]))


def test_names_and_captions_stay_text_whatever_is_in_them():
    report = make_report(
        dataset=NASTY, failures=[{"video": NASTY, "expert": "rgb_light", "reason": NASTY}], blind=[NASTY]
    )
    report["queries"][0] |= {"caption": NASTY, "video": NASTY, "tags": [NASTY], "ranks": [99.0, 99.0]}
    page = page_of(report)
    assert "script" not in page.tags
    assert page.text.count(NASTY) >= 5, "listed as text"


def test_a_failed_video_is_told_once_with_all_the_experts_that_it_stopped():
    failures = [
        {"video": "b.mp4", "expert": "rgb_light", "reason": "the file is empty"},
        {"video": "a.mp4", "expert": "rgb_light", "reason": "no such file"},
        {"video": "b.mp4", "expert": "audio_light", "reason": "the file is empty"},
        {"video": "b.mp4", "expert": "ocr_light", "reason": "gave up after 120 s"},
    ]
    page = page_of(make_report(failures=failures))
    assert "rgb_light, audio_light" in page.text
    assert page.text.count("the file is empty") == 1
    assert page.text.index("a.mp4", page.text.index("Videos that failed")) < page.text.index("gave up after 120 s")


def test_the_captions_that_did_worst_are_shown_worst_first():
    text = page_of(make_report()).text
    listed = [int(number) for number in re.findall(r"caption (\d+)", text)]
    assert listed == list(range(59, 59 - NUM_WORST, -1))


def test_what_a_reader_must_know_is_told():
    report = make_report()
    assert warnings(report) == ["Fewer than three seeds: the spread says little."]
    assert warnings(make_report(seeds=[0, 1, 2])) == []
    (few,) = warnings(make_report(seeds=[0, 1, 2], gallery={"videos": 40, "captions": 9}))
    assert few.startswith("Only 40 videos")
    (blind,) = warnings(make_report(seeds=[0, 1, 2], blind=[f"{number}.mp4" for number in range(7)]))
    assert blind.startswith("7 videos of the test split take no part")
    assert blind.endswith("0.mp4, 1.mp4, 2.mp4, 3.mp4, 4.mp4 ...")
    assert page_of(report).text.count("Fewer than three seeds") == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"tags": {}},
        {"variants": {}},
        {"chance": {"R@1": 50.0}, "gallery": {"videos": 2, "captions": 2}},
        {"queries": []},
        {"seeds": [3]},
    ],
)
def test_a_report_of_little_is_still_a_page(changed):
    assert page_of(make_report(**changed)).tags.count("svg") == 3


def test_a_report_that_is_not_finished_leaves_no_report_json(tmp_path, monkeypatch):
    """The commit of the task is recipe.json, written after; what is there before it must be whole."""
    write = atomic.write_text

    def full(path, text):
        if path.name == "report.json":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(path, text)

    monkeypatch.setattr(atomic, "write_text", full)
    with pytest.raises(OSError, match="No space left"):
        write_report(tmp_path, make_report())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ranks.csv", "report.html"]
    assert (tmp_path / "report.html").read_text(encoding="utf-8").rstrip().endswith("</html>")


def test_notes_are_a_table_of_kinds_and_one_of_videos_and_without_any_there_is_none():
    assert "What files lack" not in page_of(make_report()).text
    kinds = [{"kind": "N of N frames", "videos": 207}]
    videos = [{"video": NASTY, "note": "47 of 100 frames", "experts": ["rgb", "flow"]}]
    page = page_of(make_report(notes={"total": 207, "kinds": kinds, "videos": videos}))
    assert "What files lack" in page.text
    for told in ("N of N frames", "207", "47 of 100 frames", "rgb, flow", NASTY, "The first 1 of 207 notes"):
        assert told in page.text
    assert "script" not in page.tags


def test_a_selector_is_told_with_its_use_by_seed_and_its_gain():
    gain = {"R@1": {"mean": 2.5, "low": 0.5, "high": 4.5, "p": 0.012}}
    used = {"used": True, "gain": {"mean": 0.031, "low": 0.011, "high": 0.052, "queries": 497}}
    selector = {"seeds": {"0": used, "1": {"used": False, "gain": None}}, "gain": gain}
    text = " ".join(page_of(make_report(selector=selector)).text.split())
    assert "By seed: 0 used (gain in 1 / rank +0.031, +0.011 to +0.052, of 497 captions)" in text
    assert "1 not used (too few captions)" in text
    assert "Here R@1 is +2.5 points from that with the network's own weights (+0.5 to +4.5, p = 0.012)." in text
    assert "nested cross-validation" not in page_of(make_report()).text


def test_duplicates_are_counted_in_words_and_the_pairs_are_a_table():
    none = {"equal": {"within": {}, "across": {}}}
    assert "Videos of equal content: none." in " ".join(page_of(make_report(duplicates=none)).text.split())
    pair = {"videos": [NASTY, "b.mp4"], "splits": ["train", "test"], "cosine": 0.98765}
    near = {
        "expert": "clip", "threshold": 0.95, "videos": {"train": 9, "val": 0, "test": 4}, "within": {"train": 5},
        "across": {"train, test": 2}, "in_train": {"test": 1}, "pairs": [pair], "more": 6,
    }  # fmt: skip
    equal = {"within": {"train": 3}, "across": {"train, test": 1}}
    report = make_report(duplicates={"equal": equal, "near": near})
    page = page_of(report)
    text = " ".join(page.text.split())
    for told in (
        "equal content: 3 within train; 1 in both of train, test;", "train 5; train, test 2.", NASTY,
        "1 of the 7 pairs, those across splits first", "0.9877",
    ):  # fmt: skip
        assert " ".join(told.split()) in text
    assert "script" not in page.tags
    (told,) = [line for line in warnings(report) if "near-duplicates" in line]
    assert told == (
        "1 of 4 videos of the test split are near-duplicates of training videos (by a cosine of clip 0.95 or more, "
        f"e.g. {NASTY} and b.mp4): recalls may be too high."
    )
    lacking = make_report(duplicates=none | {"near": {"expert": "clip", "lacks": "the model does not have it"}})
    assert "Near-duplicates were not looked for: the model does not have it." in warnings(lacking)
    assert not any("near-duplicates of" in line for line in warnings(lacking))


def test_moments_are_a_table_of_their_own():
    measures = {"R1@0.5": 53.94, "R1@0.7": 34.84, "mAP@0.5": 54.96, "mAP@0.75": 31.01, "mAP": 32.2}
    found = {"clip": {"label": "by the rows of clip", "queries": 1550, "measures": measures}}
    text = " ".join(page_of(make_report(moments=found)).text.split())
    assert "by the rows of clip53.934.855.031.032.2" in text
    assert "Of 1550 captions it is known when" in text
    assert "When in the video" not in page_of(make_report()).text
