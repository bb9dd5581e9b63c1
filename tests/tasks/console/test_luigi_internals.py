"""Each private name of luigi and argparse is there, and does what the program needs of it."""

import argparse
import inspect

import luigi
import luigi.interface
import luigi.worker
import pytest
from luigi.cmdline_parser import CmdlineParser
from luigi.retcodes import run_with_retcodes

import tasks  # noqa: F401 - registers the tasks
from tasks.console import luigi_internals


class Counted(luigi.Task):
    """A task with a value that can be mistyped."""

    task_namespace = "internals"
    count = luigi.IntParameter(default=0)


def assert_there(owner, name, use):
    assert hasattr(owner, name), f"{owner.__module__}.{owner.__qualname__}.{name} is gone: {use}"


def test_luigi_has_the_method_that_prints_its_help():
    use = "tasks/console/luigi_internals.py: before_help has no other place to change the help"
    assert_there(CmdlineParser, "_possibly_exit_with_help", use)
    source = inspect.getsource(CmdlineParser.__init__)
    assert source.index("_possibly_exit_with_help") < source.index("parser.parse_args"), (
        "luigi.cmdline_parser.CmdlineParser parses strictly before it prints its help: before_help comes too late"
    )


def test_the_help_is_prepared_before_it_is_printed(monkeypatch):
    calls = []
    monkeypatch.setattr(CmdlineParser, "_possibly_exit_with_help", staticmethod(lambda *args: calls.append("print")))
    luigi_internals.before_help(lambda parser, known: calls.append(("prepare", known.root_task)))
    with CmdlineParser.global_instance(["internals.Counted"]):
        pass
    assert calls == [("prepare", "internals.Counted"), "print"]


@pytest.fixture
def built(monkeypatch):
    """The options of each parser that luigi builds from now on, where equal ones are kept."""
    built, build = [], inspect.unwrap(CmdlineParser._build_parser)

    def noted(**options):
        built.append(options)
        return build(**options)

    monkeypatch.setattr(CmdlineParser, "_build_parser", staticmethod(noted))
    monkeypatch.setattr(luigi.task_register.Register, "_reg", list(luigi.task_register.Register._reg))
    luigi_internals.keep_parsers()
    return built


def test_luigi_builds_equal_parsers_once_and_finds_in_them_what_is_typed_each_time(built):
    for count in ("3", "4"):
        with CmdlineParser.global_instance(["internals.Counted", "--count", count]) as parser:
            assert parser.get_task_obj().count == int(count)
    assert built == [{}, {"root_task": "internals.Counted", "help_all": False}]


def test_the_parser_that_looks_for_the_task_is_none_that_the_help_of_a_task_changes(built):
    parsers = [CmdlineParser._build_parser(**options) for options in ({}, {"root_task": None, "help_all": False})]
    assert parsers[0] is not parsers[1]


def test_after_a_new_task_luigi_builds_new_parsers(built):
    CmdlineParser._build_parser()

    class Later(luigi.Task):
        task_namespace = "internals"
        when = luigi.Parameter(default="")

    with CmdlineParser.global_instance(["internals.Later", "--when", "now"]) as parser:
        assert parser.get_task_obj().when == "now"
    assert len(built) == 3


def test_argparse_lists_the_options_of_a_parser():
    use = "tasks/console/luigi_internals.py: options_of lists the options of a parser"
    parser = argparse.ArgumentParser(add_help=False)
    assert hasattr(parser, "_actions"), f"argparse.ArgumentParser._actions is gone: {use}"
    option = parser.add_argument("--one")
    assert luigi_internals.options_of(parser) == [option]


def test_luigi_knows_the_task_that_was_typed():
    use = "tasks/console/luigi_internals.py: typed_task cannot tell the typed task from those that it requires"
    assert_there(CmdlineParser, "get_instance", use)
    assert_there(CmdlineParser, "get_task_obj", use)
    assert luigi_internals.typed_task() is None
    with CmdlineParser.global_instance(["internals.Counted", "--count", "3"]):
        assert luigi_internals.typed_task() == Counted(count=3)


def test_options_are_known_before_the_run():
    with luigi_internals.typed_options(["internals.Counted", "--count", "3"]) as (task, options):
        assert (task, options.count) == ("internals.Counted", "3")


def test_a_setting_that_cannot_be_parsed_is_told_from_a_bug():
    config = luigi.configuration.get_config()
    config.set("internals.Counted", "count", "three")
    try:
        with pytest.raises(ValueError, match="count") as mistaken:
            Counted()
    finally:
        config.remove_section("internals.Counted")
    told = luigi_internals.unparsable_setting(mistaken.value)
    assert told == "[internals.Counted] count: invalid literal for int() with base 10: 'three'", (
        "luigi.Task.get_param_values words its error otherwise"
    )
    assert luigi_internals.is_unparsable_value(mistaken.value)
    assert luigi_internals.unparsable_setting(ValueError("a bug")) == ""


def test_luigi_writes_to_the_loggers_that_are_filtered():
    names = {logger.name for logger in luigi_internals.loggers()}
    assert luigi.worker.logger.name in names, f"luigi.worker.logger is now called {luigi.worker.logger.name}"


def test_a_value_that_cannot_be_parsed_is_told_from_a_bug():
    with pytest.raises(ValueError, match="three") as mistyped:
        Counted.count.parse("three")
    assert luigi_internals.is_unparsable_value(mistyped.value), (
        f"luigi.IntParameter.parse no longer raises its ValueError in {luigi_internals.PARAMETER_MODULE}"
    )
    with pytest.raises(ValueError, match="three") as bug:
        int("three")
    assert not luigi_internals.is_unparsable_value(bug.value)


def test_luigi_runs_the_typed_task_through_the_function_that_is_wrapped(monkeypatch):
    use = "tasks/console/luigi_internals.py: around_run cannot choose the exit status"
    assert hasattr(luigi.interface, "_run"), f"luigi.interface._run is gone: {use}"
    assert "luigi.interface._run(" in inspect.getsource(run_with_retcodes), f"luigi.retcodes calls another run: {use}"
    monkeypatch.setattr(luigi.interface, "_run", lambda: "ran")
    luigi_internals.around_run(lambda run: lambda: f"judged: {run()}")
    assert luigi.interface._run() == "judged: ran"


def test_settings_are_read_again_from_another_folder(tmp_path, monkeypatch):
    parser = type(luigi.configuration.get_config())
    for name in ("_config_paths", "_instance"):
        assert_there(parser, name, "tasks/console/luigi_internals.py: read_settings_of cannot change luigi.cfg")
        monkeypatch.setattr(parser, name, getattr(parser, name))
    monkeypatch.delenv("LUIGI_CONFIG_PATH", raising=False)
    monkeypatch.setattr(parser, "_config_paths", ["/nowhere/luigi.cfg", "luigi.cfg"])
    (tmp_path / "luigi.cfg").write_text("[core]\nworkers = 3\n", encoding="utf-8")
    luigi_internals.read_settings_of(tmp_path, {"core": {"workers": "1", "no_lock": "true"}})
    config = luigi.configuration.get_config()
    assert dict(config["core"]) == {"workers": "3", "no_lock": "true"}
