import copy
import json

from tasks.console import metrics_table
from tasks.console.metrics_table import print_measures


def test_a_report_is_printed_with_every_metric_and_where_it_lies(project, capsys):
    (folder,) = project.data.glob("store/reports/tiny/tiny/*/")
    metrics_table.print_report(folder)
    output = capsys.readouterr().out
    report = project.report()
    lines = {line.split()[0]: line for line in output.splitlines() if line.strip()}
    for name, value in report["t2v"].items():
        assert name in output
        assert f"{value['mean']:.1f}" in lines["t2v"], name
    assert "tiny, test split: 3 captions, 3 videos, tiny, mean (std) of 1 seed" in output
    assert "Note: Only 3 videos to choose from" in output
    assert "failed" not in output
    assert f"Report: {folder / 'report.html'}\n" in output
    assert output.rstrip().endswith('Search: luigi --module tasks Search --dataset tiny --query "..."')


def test_what_needs_no_training_has_rows_of_its_own_without_a_deviation(project, capsys):
    (folder,) = project.data.glob("store/reports/tiny/tiny/*/")
    report = project.report()
    t2v = copy.deepcopy(report["t2v"])
    t2v["R@1"] |= {"mean": 42.25, "interval": [40.0, 44.5]}
    row = {"label": "zero-shot by label words", "experts": ["things"], "text": "x", "t2v": t2v, "v2t": report["v2t"]}
    (folder / "report.json").write_text(json.dumps(report | {"untrained": {"label_words": row}}), encoding="utf-8")
    metrics_table.print_report(folder)
    lines = capsys.readouterr().out.splitlines()
    (place,) = [number for number, line in enumerate(lines) if line.startswith("zero-shot by label words t2v")]
    assert lines[place].split()[5] == "42.2"
    assert "(" not in lines[place]
    assert lines[place + 1].split("  ")[0] == "95 % interval"
    assert "40.0 to 44.5" in lines[place + 1]
    assert lines[place + 2].startswith("zero-shot by label words v2t")


def test_moments_are_a_table_of_their_own(project, capsys):
    (folder,) = project.data.glob("store/reports/tiny/tiny/*/")
    row = {"label": "by the rows of tint", "queries": 7, "measures": {"R1@0.5": 53.94, "mAP": 32.2}}
    (folder / "report.json").write_text(json.dumps(project.report() | {"moments": {"tint": row}}), encoding="utf-8")
    metrics_table.print_report(folder)
    output = capsys.readouterr().out
    assert "When in the right video, of 7 captions, in percent" in output
    (line,) = [line for line in output.splitlines() if line.startswith("by the rows of tint")]
    assert line.split()[-2:] == ["53.9", "32.2"]


def test_measures_of_trec_are_percentages_as_the_recalls_are(tmp_path, capsys):
    one = {"mean": 0.5, "std": 0.125, "seeds": [0.375, 0.625]}
    body = {
        "depth": 1000,
        "measures": {"t2v": {"nDCG@10": one, "MAP": one}, "t2v_same_caption": {"nDCG@10": one, "MAP": one}},
    }
    (tmp_path / "measures.json").write_text(json.dumps(body))
    print_measures(tmp_path)
    output = capsys.readouterr().out
    assert "nDCG@10" in output
    assert "50.0 (12.5)" in output
    assert "t2v same caption" in output
    assert "TREC orders equal scores by name" in output
