"""Prints what completes commands in bash, zsh or fish: `expert-retrieval completion bash`.

The script holds tasks and options as they are now; names of datasets, experts and models are those of the YAMLs in the
project, looked up by the shell itself. So a completion starts no Python.
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import luigi
from luigi.parameter import ParameterVisibility
from luigi.task_register import Register

from pipeline.config import INHERITS, SHIPPED
from pipeline.datasets.splits import SPLITS
from pipeline.project import CONFIGS, VARIABLE
from tasks.console.help import our_tasks
from tasks.parameters import Choice, TypedPath
from tasks.plan.settings import Engine, Extraction, Paths, Project, Videos, Weights

SHELLS = ("bash", "zsh", "fish")
HOW = """usage: expert-retrieval completion bash|zsh|fish

  bash:  expert-retrieval completion bash > ~/.local/share/bash-completion/completions/expert-retrieval
         and in ~/.bashrc, for luigi too:  source ~/.local/share/bash-completion/completions/expert-retrieval
  zsh:   expert-retrieval completion zsh > ~/.expert-retrieval.zsh, and in ~/.zshrc after compinit:
         source ~/.expert-retrieval.zsh
  fish:  expert-retrieval completion fish > ~/.config/fish/conf.d/expert-retrieval.fish
Once more after an update of the program.
"""
ALWAYS = ("--help", "--quiet", "--project", "--allow-partial")
"""Options of every task."""
SECTIONS = (Paths, Weights, Extraction, Videos, Engine)
"""Sections of luigi.cfg, whose options can be typed with any task."""
NAMES = {
    "datasets": ("dataset", "trained_on"),
    "models": ("model", "models"),
    "experts": ("expert", "experts"),
}
"""Folder of configs/ -> parameters that are names of files in it."""
TEMPLATES = Path(__file__).parent / "completions"


def main(arguments: Sequence[str]) -> int:
    """Prints the script; the exit status."""
    if len(arguments) != 1 or arguments[0] not in SHELLS:
        asks = arguments in (["--help"], ["-h"])
        print(HOW, end="", file=sys.stdout if asks else sys.stderr)
        return 0 if asks else 2
    print(script(arguments[0]), end="")
    return 0


def script(shell: str) -> str:
    """The text of the completion for a shell."""
    text = (TEMPLATES / f"{'fish.fish' if shell == 'fish' else f'{shell}.sh'}").read_text(encoding="utf-8")
    shipped = str(SHIPPED).replace("'", "")  # of a path with an apostrophe nothing is offered
    parts = {"CONFIGS": CONFIGS, "VARIABLE": VARIABLE, "INHERITS": INHERITS, "SHIPPED": shipped}
    parts |= {"TASKS": " ".join(sorted(["completion", "init", *our_tasks()]))}
    if shell == "fish":
        parts["OPTIONS"] = "\n".join(_fish_options())
    else:
        parts["COMMON"] = (TEMPLATES / "common.sh").read_text(encoding="utf-8")
        parts["OPTIONS"] = "\n".join(
            f"        {task}) echo {' '.join(_typed(name) for name, _ in _options(task))} ;;" for task in our_tasks()
        )
        parts["VALUES"] = "\n".join(f"        {key}) echo {value} ;;" for key, value in sorted(_values().items()))
    parts["ALWAYS"] = " ".join([*ALWAYS, *_section_options()])
    for name, value in parts.items():
        text = text.replace(f"@{name}@", value)
    for name, value in parts.items():  # those inside the common part
        text = text.replace(f"@{name}@", value)
    return text


def _options(task: str) -> Iterator[tuple[str, luigi.Parameter]]:
    """(name, parameter) of what people type with a task."""
    for name, parameter in Register.get_task_cls(task).get_params():
        if parameter.visibility == ParameterVisibility.PUBLIC:
            yield name, parameter


def _section_options() -> Iterator[str]:
    for section in SECTIONS:
        yield from (f"--{section.__name__}-{name.replace('_', '-')}" for name, _ in section.get_params())


def _values() -> dict[str, str]:
    """ "TASK:--option" or "*:--option" -> what may follow: @datasets, @files, or the words themselves; "" for anything.

    "-" for an option that nothing follows.
    """
    told = {"*:--help": "-", "*:--quiet": "-", "*:--allow-partial": "-", "*:--project": "@folders"}
    told |= {"*:--Paths-data": "@folders", "*:--Paths-configs": "@folders", "*:--Weights-cache": "@folders"}
    told |= {"*:--Weights-offline": "-", "*:--Weights-seeded": "-", "*:--Engine-name": "local claims ray"}
    for task in our_tasks():
        for name, parameter in _options(task):
            told[f"{task}:{_typed(name)}"] = _value(name, parameter)
    return {key: value for key, value in told.items() if value}


def _value(name: str, parameter: luigi.Parameter) -> str:
    kind = next((kind for kind, names in NAMES.items() if name in names), "")
    if kind:
        return f"@{kind}"
    if isinstance(parameter, Choice):
        return " ".join(parameter.words)
    if isinstance(parameter, luigi.BoolParameter):
        return "-" if parameter.parsing == luigi.BoolParameter.IMPLICIT_PARSING else "true false"
    if name == "networks":
        return "@networks"
    if name == "splits":
        return " ".join(SPLITS)
    return "@files" if isinstance(parameter, TypedPath) else ""


def _typed(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _fish_options() -> Iterator[str]:
    """A line for each option of each task."""
    for task in our_tasks():
        for name, parameter in _options(task):
            value = _value(name, parameter)
            yield _fish_option(f"__er_task {task}", _typed(name), value, parameter.description or "")
    for section in SECTIONS:
        for name, parameter in section.get_params():
            option = f"--{section.__name__}-{name.replace('_', '-')}"
            yield _fish_option("__er_any_task", option, _values().get(f"*:{option}", ""), parameter.description or "")
    yield _fish_option("__er_any_task", "--project", "@folders", Project.project.description or "")
    for option in ("--help", "--quiet", "--allow-partial"):
        yield _fish_option("__er_any_task", option, "-", "")


def _fish_option(condition: str, option: str, value: str, description: str) -> str:
    words = {"-": "", "": "-x", "@files": "-r -F", "@folders": "-x -a '(__fish_complete_directories)'"}
    lists = f"-x -a '(__er_list {value[1:]})'" if value.startswith("@") else f"-x -a '{value}'"
    told = description.replace("\\", "\\\\").replace("'", "\\'")
    return f"__er_complete -n '{condition}' -l {option[2:]} {words.get(value, lists)} -d '{told}'"
