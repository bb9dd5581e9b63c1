"""What is fresh, and what is stale and why, in words."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from extractors.registry import is_seeded
from pipeline.datasets import manifest
from pipeline.stores import recipes, store
from pipeline.stores.fingerprint import Recipe, differences
from tasks.plan.inventory import ExpertState
from tasks.plan.plan import Plan
from tasks.plan.provenance import code_has_changed

STAND_INS = "on stand-in weights: its features mean nothing"
OTHER_CODE = "the code of extractors/{}.py has changed since: raise its version if its features change"


@dataclass(frozen=True)
class Line:
    """One stage, and how it is."""

    stage: str
    fresh: bool
    why: str


def status(plan: Plan, seeds: str, split: str) -> list[Line]:
    """A line for each stage, in the order in which they run."""
    lines = list(_demo(plan))
    lines.append(_manifest(plan))
    known = plan.manifest() is not None
    for name in plan.expert_names:
        state = plan.expert_state(plan.expert(name))
        lines.append(_expert(plan, state) if state else _waits(f"ExtractExpert {name}"))
    lines.append(_text(plan) if known else _waits(f"EncodeText {plan.model.text}"))
    chosen = plan.seeds(seeds)
    for seed in chosen:
        lines.append(_result(plan, f"TrainCE seed {seed}", "runs", plan.train_recipe(seed), {"seed": seed}))
    lines.append(_result(plan, f"EvaluateCE {split}", "reports", plan.evaluate_recipe(chosen, split), {"split": split}))
    return lines


def _waits(stage: str) -> Line:
    return Line(stage, False, "waits for the stages above")


def _demo(plan: Plan) -> Iterator[Line]:
    if plan.settings.demo:
        from pipeline.demo.make import is_made

        made = is_made(plan.settings.demo, plan.demo_folder)
        yield Line("MakeDemo", made, "" if made else "not made, or made with other settings")


def _manifest(plan: Plan) -> Line:
    now = plan.manifest()
    if now is not None:
        return Line("BuildManifest", True, f"{len(now.videos)} videos")
    folder = plan.layout.manifests(plan.dataset)
    looks = sorted(folder.glob("look-*.json"), key=lambda path: path.stat().st_mtime)
    name = manifest.read_pointer(folder, looks[-1].stem.removeprefix("look-")) if looks else None
    if name is None:
        return Line("BuildManifest", False, "the dataset's folder was not looked into yet")
    before = manifest.load(plan.dataset, Path(plan.settings.videos), folder, name)
    return Line("BuildManifest", False, plan.folder_changes(before))


def _expert(plan: Plan, state: ExpertState) -> Line:
    line, expert = _expert_alone(plan, state), state.expert
    return _with_notes(line, expert.recipe, state.folder, expert.config.extractor)


def _with_notes(line: Line, recipe: Recipe, folder: Path, module: str) -> Line:
    """With what a person should know beyond fresh and stale."""
    notes = [STAND_INS] if is_seeded(recipe) else []
    notes += [OTHER_CODE.format(module)] if code_has_changed(folder, module) else []
    return replace(line, why=" ".join([line.why, *(f"({note})" for note in notes)]).strip())


def _expert_alone(plan: Plan, state: ExpertState) -> Line:
    stage = f"{'ImportExperts' if state.expert.is_imported else 'ExtractExpert'} {state.expert.name}"
    if not state.remaining:
        rows = list(state.rows.values())
        counts = {
            "present": sum(row.count > 0 for row in rows),
            "nothing there": sum(row.count == 0 and not row.failed for row in rows),
            "failed": len(state.failed),
        }
        told = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
        problem = plan.too_many_failed(state)
        return Line(stage, not problem, problem or told)
    if state.rows:
        return Line(stage, False, f"{len(state.remaining)} of {len(state.rows) + len(state.remaining)} videos are new")
    changes = _changes(state.folder.parent, state.expert.recipe)
    return Line(stage, False, f"all {len(state.remaining)} videos: {changes or 'never extracted'}")


def _text(plan: Plan) -> Line:
    return _with_notes(_text_alone(plan), plan.text.recipe, plan.layout.text(plan.text), plan.text.config.encoder)


def _text_alone(plan: Plan) -> Line:
    stage = f"EncodeText {plan.model.text}"
    missing = plan.missing_captions() or []
    folder = plan.layout.text(plan.text)
    if not missing:
        return Line(stage, True, "")
    if store.parts(folder):
        return Line(stage, False, f"{len(missing)} captions are new")
    return Line(
        stage, False, f"all {len(missing)} captions: {_changes(folder.parent, plan.text.recipe) or 'never encoded'}"
    )


def _result(plan: Plan, stage: str, kind: str, recipe: Recipe | None, same: dict[str, object]) -> Line:
    if recipe is None:
        return _waits(stage)
    folder = plan.result_folder(kind, recipe)
    if recipes.read_recipe(folder) is not None:
        return Line(stage, True, str(folder))
    changes = _changes(folder.parent, recipe, same)
    return Line(stage, False, changes or "never run")


def _changes(folder: Path, recipe: Recipe, same: dict[str, object] | None = None) -> str:
    """What sets `recipe` apart from the newest one in `folder` that has the values of `same`; empty when none has."""
    found = sorted(folder.glob("*/recipe.json"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in found:
        old = recipes.read_recipe(path.parent)
        if old is not None and all(old.get(key) == value for key, value in (same or {}).items()):
            return "; ".join(differences(old, recipe))
    return ""
