"""What a report says of the data: the experts, what they found, what failed and why."""

from typing import Any

from extractors import registry
from extractors.registry import NamedExpert
from tasks.plan.inventory import Inventory


def data_summary(plan: Inventory) -> dict[str, Any]:
    """The facts of one dataset with one model: coverage of each expert, failures, stand-in weights, warnings."""
    coverage, failures = {}, []
    for expert in plan.experts:
        state = plan.expert_state(expert)
        rows = list(state.rows.values()) if state else []
        coverage[expert.name] = {
            "modality": expert.config.modality,
            "present": sum(row.count > 0 for row in rows),
            "absent": sum(row.count == 0 and not row.failed for row in rows),
            "failed": sum(row.failed for row in rows),
        }
        ids = _ids(plan, expert)
        failures += [
            {"video": video_id, "expert": expert.name, "reason": row.reason}
            for row in rows
            if row.failed
            for video_id in ids[row.key]
        ]
    facts = {"dataset": plan.dataset, "model": plan.model_name, "experts": coverage, "failures": failures}
    recipes = {expert.name: expert.recipe for expert in plan.experts} | {plan.text.name: plan.text.recipe}
    facts["seeded"] = [name for name, recipe in recipes.items() if registry.is_seeded(recipe)]
    videos = plan.manifest()
    return facts | ({"partial": list(videos.warnings)} if videos and videos.warnings else {})


def _ids(plan: Inventory, expert: NamedExpert) -> dict[str, list[str]]:
    """The key of a row -> the videos that it stands for."""
    ids: dict[str, list[str]] = {}
    videos = plan.manifest()
    for video in videos.videos if videos else ():
        ids.setdefault(plan.row_key(expert, video), []).append(video.video_id)
    return ids
