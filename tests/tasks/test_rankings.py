"""The page of rankings, as a part of the report and on its own."""

from tasks import AblateExperts, EvaluateCE, ShowRankings


def test_a_report_has_its_page_which_it_links_and_which_links_videos_and_stills(project):
    (page,) = project.rankings_pages()
    report = (page.parent / "report.html").read_text(encoding="utf-8")
    assert '<a href="rankings.html">' in report
    assert "ShowRankings" not in report
    text = page.read_text(encoding="utf-8")
    assert "../../../../../raw/tiny/v11.mp4" in text
    assert (page.parent / "../../../../../raw/tiny/v11.mp4").is_file()
    assert len(list((page.parent / "rankings").glob("*.jpg"))) == 3
    assert not list((page.parent / "rankings").glob("*.sqlite"))


def test_the_page_alone_is_made_again_when_it_is_gone_or_old(project):
    (page,) = project.rankings_pages()
    before = (page.parent / "report.json").stat().st_mtime_ns
    (page.parent / "rankings" / "recipe.json").unlink()
    page.unlink()
    assert project.run(EvaluateCE, dataset="tiny") == ["EvaluateCE test"]
    assert page.is_file()
    assert (page.parent / "report.json").stat().st_mtime_ns == before
    assert project.run(EvaluateCE, dataset="tiny") == []


def test_the_page_of_another_split_is_made_once(project):
    assert project.run(ShowRankings, dataset="tiny") == []
    assert project.run(ShowRankings, dataset="tiny", split="val") == ["EvaluateCE val", "ShowRankings val"]
    assert len(project.rankings_pages()) == 2
    assert project.run(ShowRankings, dataset="tiny", split="val") == []
    assert project.run(EvaluateCE, dataset="tiny", split="val") == []


def test_reports_that_only_serve_a_comparison_have_no_page_until_it_is_wanted(project):
    project.run(AblateExperts, dataset="tiny")
    assert len(project.rankings_pages()) == 1
    assert project.run(EvaluateCE, dataset="tiny", experts="rgb_light") == ["EvaluateCE test"]
    assert len(project.rankings_pages()) == 2
