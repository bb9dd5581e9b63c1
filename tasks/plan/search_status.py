"""How what is made to be looked at stands: the page of rankings, and the index that a search opens."""

from pipeline.stores import recipes
from pipeline.stores.fingerprint import Recipe, differences
from search.index import folder
from tasks.plan.plan import Plan
from tasks.plan.rankings_page import RankingsPage
from tasks.plan.status import Line
from tasks.search import BuildIndex

WAITS = "waits for the stages above"


def search_status(plan: Plan, seeds: str, split: str) -> list[Line]:
    """A line for each."""
    return [_rankings(plan, seeds, split), _index(plan)]


def _rankings(plan: Plan, seeds: str, split: str) -> Line:
    page, report = RankingsPage(plan, plan.seeds(seeds), split), plan.evaluate_folder(plan.seeds(seeds), split)
    stage = f"ShowRankings {split}"
    if page.target.exists():
        return Line(stage, True, str(page.path))
    if report is None or recipes.read_recipe(report) is None:
        return Line(stage, False, WAITS)
    old = recipes.read_recipe(page.path.parent / "rankings")
    return Line(stage, False, "made by another version of the program" if old else "never made")


def _index(plan: Plan) -> Line:
    """Compared with what BuildIndex would make now in the way in which it was made: with which model, if any."""
    parent = plan.layout.store / "index" / plan.dataset
    opened = folder.current(parent)
    old: Recipe | None = recipes.read_recipe(opened) if opened else None
    if old is None:
        return Line("BuildIndex", False, f"never built: luigi --module tasks BuildIndex --dataset {plan.dataset}")
    trained_on = old.get("trained_on", "")
    untrained = old["train"] is None
    task = BuildIndex(plan.dataset, plan.model_name, ",".join(plan.expert_names), untrained, trained_on)
    how = "without a model" if untrained else f"with a model trained on {trained_on}" if trained_on else ""
    if task.complete():
        return Line("BuildIndex", True, ", ".join(part for part in (str(opened), how) if part))
    now = task.recipe()
    return Line("BuildIndex", False, WAITS if now is None else "; ".join(differences(old, now)))
