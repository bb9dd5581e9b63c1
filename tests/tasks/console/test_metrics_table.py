from tasks.console import metrics_table


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
