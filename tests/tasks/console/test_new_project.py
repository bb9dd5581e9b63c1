from pipeline import project
from tasks.console.new_project import main


def test_a_folder_is_made_a_project_and_what_comes_next_is_told(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["mine"]) == 0
    assert project.is_project(tmp_path / "mine")
    told = capsys.readouterr().out
    assert "Next: cd mine\n" in told
    assert "-m search --videos DIR" in told
    assert main(["mine"]) == 0
    assert "is a project already" in capsys.readouterr().out


def test_the_current_folder_is_meant_where_none_is_typed(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main([]) == 0
    assert project.is_project(tmp_path)
    assert "cd " not in capsys.readouterr().out


def test_a_folder_that_has_configs_of_its_own_is_refused_in_one_line(tmp_path, capsys):
    (tmp_path / "configs").mkdir()
    assert main([str(tmp_path)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("ERROR: ")
    assert err.count("\n") == 1
