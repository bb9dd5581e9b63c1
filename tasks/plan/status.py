"""Status of each stage up to the report: fresh, or stale and why."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from extractors.registry import NamedText, is_seeded
from pipeline.reports.report import below_untrained, read_report
from pipeline.stores import places, recipes, store
from pipeline.stores.fingerprint import Recipe, differences
from tasks.plan.inventory import ExpertState
from tasks.plan.plan import Plan
from tasks.plan.provenance import code_has_changed

SEEDED_NOTE = "on stand-in weights: its features mean nothing"
CODE_NOTE = "the code of extractors/{}.py has changed since: raise its version if its features change"
WAITS = "waits for the stages above"


@dataclass(frozen=True)
class StageStatus:
    """One stage; `why` says why it is stale, or what it holds where it is fresh."""

    stage: str
    fresh: bool
    why: str


def status(plan: Plan, seeds: str, split: str) -> list[StageStatus]:
    """The status of each stage, in the order in which they run; `seeds` as typed."""
    selection, inventory = plan.selection, plan.inventory
    stages = [*_demo(plan), _manifest(plan)]
    for name in selection.expert_names:
        state = inventory.expert_state(selection.expert(name))
        stages.append(_expert(plan, state) if state else _waiting(f"ExtractExpert {name}"))
    has_manifest = inventory.manifest() is not None
    for text in plan.texts:
        stages.append(_text(plan, text) if has_manifest else _waiting(f"EncodeText {text.name}"))
    stages += _labels(plan)
    numbers = selection.seeds(seeds)
    for seed in numbers:
        stages.append(_result(plan, f"TrainCE seed {seed}", "runs", plan.train_recipe(seed), {"seed": seed}))
    report = plan.evaluate_recipe(numbers, split)
    return [*stages, _report(plan, f"EvaluateCE {split}", report, split)]


def _waiting(stage: str) -> StageStatus:
    return StageStatus(stage, False, WAITS)


def _demo(plan: Plan) -> Iterator[StageStatus]:
    if plan.selection.settings.demo:
        from pipeline.demo.make import is_made

        made = is_made(plan.selection.settings.demo, plan.selection.demo_folder)
        yield StageStatus("MakeDemo", made, "" if made else "not made, or made with other settings")


def _manifest(plan: Plan) -> StageStatus:
    now = plan.inventory.manifest()
    if now is not None:
        noted = sum(map(bool, now.videos.column("note")))
        counts = [f"{len(now.videos)} videos", f"{noted} with notes" if noted else ""]
        return StageStatus("BuildManifest", True, ", ".join(filter(None, counts)))
    before = plan.inventory.last_manifest()
    if before is None:
        return StageStatus("BuildManifest", False, "the dataset's folder was not looked into yet")
    return StageStatus("BuildManifest", False, plan.inventory.folder_changes(before))


def _expert(plan: Plan, state: ExpertState) -> StageStatus:
    expert = state.expert
    stage = f"{'ImportExperts' if expert.is_imported else 'ExtractExpert'} {expert.name}"
    fresh, why = _rows(plan, state)
    return _with_notes(StageStatus(stage, fresh, why), expert.recipe, state.folder, expert.config.extractor)


def _rows(plan: Plan, state: ExpertState) -> tuple[bool, str]:
    """(fresh, why) of an expert."""
    if not state.remaining:
        message = plan.inventory.failure_message(state)
        held = state.held
        counts = {"present": held.num_present, "nothing there": held.num_absent, "failed": len(held.failed)}
        counts["with notes"] = held.num_noted
        return not message, message or ", ".join(f"{count} {kind}" for kind, count in counts.items() if count)
    if state.held.num_rows:
        return False, f"{len(state.remaining)} of {state.num_videos} videos are new"
    changes = _changes(state.folder.parent, state.expert.recipe)
    return False, f"all {len(state.remaining)} videos: {changes or 'never extracted'}"


def _text(plan: Plan, text: NamedText) -> StageStatus:
    missing = plan.inventory.missing_captions(text) or []
    return _encoded(plan, text, missing, "captions", "EncodeText")


def _labels(plan: Plan) -> Iterator[StageStatus]:
    words = plan.label_words
    if words.is_on:
        yield _encoded(plan, words.text, words.missing, "names of labels", "EncodeLabels")


def _encoded(plan: Plan, text: NamedText, missing: list[str], what: str, task: str) -> StageStatus:
    """Status of texts as a text encoder reads them; `missing`: those without a row."""
    folder = plan.selection.layout.text(text)
    if not missing:
        why = ""
    elif store.parts(folder):
        why = f"{len(missing)} {what} are new"
    else:
        why = f"all {len(missing)} {what}: {_changes(folder.parent, text.recipe) or 'never encoded'}"
    return _with_notes(StageStatus(f"{task} {text.name}", not missing, why), text.recipe, folder, text.config.encoder)


def _with_notes(line: StageStatus, recipe: Recipe, folder: Path, module: str) -> StageStatus:
    """The status with notes on stand-in weights and on changed code, which make no stage stale."""
    notes = [SEEDED_NOTE] if is_seeded(recipe) else []
    notes += [CODE_NOTE.format(module)] if code_has_changed(folder, module) else []
    return replace(line, why=" ".join([line.why, *(f"({note})" for note in notes)]).strip())


def _report(plan: Plan, stage: str, recipe: Recipe | None, split: str) -> StageStatus:
    """The status of a report, with a note where the trained model finds less than what needs no training."""
    line = _result(plan, stage, "reports", recipe, {"split": split})
    below = below_untrained(read_report(Path(line.why))) if line.fresh else ""
    return replace(line, why=f"{line.why} (the model is {below})") if below else line


def _result(plan: Plan, stage: str, kind: str, recipe: Recipe | None, same: dict[str, object]) -> StageStatus:
    if recipe is None:
        return _waiting(stage)
    folder = plan.result_folder(kind, recipe)
    if recipes.read_recipe(folder) is not None:
        return StageStatus(stage, True, str(folder))
    return StageStatus(stage, False, _changes(folder.parent, recipe, same) or "never run")


def _changes(folder: Path, recipe: Recipe, same: dict[str, object] | None = None) -> str:
    """Differences between `recipe` and the newest one in `folder` with the values of `same`; empty without one."""
    paths = sorted(places.listed(folder).glob("*/recipe.json"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in paths:
        old = recipes.read_recipe(path.parent)
        if old is not None and all(old.get(key) == value for key, value in (same or {}).items()):
            return "; ".join(differences(old, recipe))
    return ""
