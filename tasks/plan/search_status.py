"""Status of what the search floor makes: the page of rankings, and the index that a search opens."""

from collections.abc import Iterable

from pipeline import config
from pipeline.stores import recipes
from pipeline.stores.fingerprint import Recipe, differences
from search.index import folder
from tasks.plan.index_plan import IndexPlan
from tasks.plan.plan import Plan, load_plan
from tasks.plan.rankings_page import RankingsPage
from tasks.plan.status import WAITS, StageStatus
from tasks.plan.targets import IndexTarget


def search_status(plan: Plan, seeds: str, split: str) -> list[StageStatus]:
    """The status of the page of rankings and of the index; `seeds` as typed."""
    return [_rankings(plan, plan.selection.seeds(seeds), split), _index(plan)]


def _rankings(plan: Plan, seeds: tuple[int, ...], split: str) -> StageStatus:
    page, report = RankingsPage(plan, seeds, split), plan.evaluate_folder(seeds, split)
    stage = f"ShowRankings {split}"
    if page.target.exists():
        return StageStatus(stage, True, str(page.path))
    if report is None or recipes.read_recipe(report) is None:
        return StageStatus(stage, False, WAITS)
    old = recipes.read_recipe(page.path.parent / "rankings")
    return StageStatus(stage, False, "; ".join(differences(old, page.recipe)) if old else "never made")


def _index(plan: Plan) -> StageStatus:
    """Compares the current index with the one that BuildIndex would make now with the same options."""
    selection = plan.selection
    opened = folder.current(selection.layout.store / "index" / selection.dataset)
    old: Recipe | None = recipes.read_recipe(opened) if opened else None
    if old is None:
        command = f"luigi --module tasks BuildIndex --dataset {selection.dataset}"
        return StageStatus("BuildIndex", False, f"never built: {command}")
    trained_on, untrained = old.get("trained_on", ""), old["train"] is None
    if trained_on:
        index = IndexPlan(_trained_plan(plan, trained_on), searched=selection.dataset)
    else:
        index = IndexPlan(_with_experts(plan, old["experts"]) if untrained else plan, untrained=untrained)
    model = "without a model" if untrained else f"with a model trained on {trained_on}" if trained_on else ""
    now = index.recipe()
    if IndexTarget(index.folder_of(now), selection.layout.store).exists():
        return StageStatus("BuildIndex", True, ", ".join(part for part in (str(opened), model) if part))
    return StageStatus("BuildIndex", False, WAITS if now is None else "; ".join(differences(old, now)))


def _with_experts(plan: Plan, experts: Iterable[str]) -> Plan:
    """The plan with the experts of an index without a model, which need not be those of the dataset's model.

    The plan itself where one of them has no YAML any more.
    """
    selection = plan.selection
    if not set(experts) <= set(config.names(selection.layout.configs / "experts")):
        return plan
    names = ",".join(experts)
    return load_plan(selection.layout, selection.dataset, selection.model_name, names, selection.allow_partial)


def _trained_plan(plan: Plan, trained_on: str) -> Plan:
    """The plan with the same model and experts on the dataset `trained_on`."""
    selection = plan.selection
    experts = ",".join(selection.expert_names)
    return load_plan(selection.layout, trained_on, selection.model_name, experts, selection.allow_partial)
