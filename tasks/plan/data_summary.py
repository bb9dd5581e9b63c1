"""Summary of the data behind a report: rows of each expert, failed videos, notes, stand-in weights, warnings."""

from typing import Any

from extractors import registry
from extractors.registry import NamedExpert
from pipeline.reports.notes import summary
from tasks.plan.inventory import Inventory
from tasks.plan.notes import notes_of


def data_summary(inventory: Inventory) -> dict[str, Any]:
    """The keys of report.json about the data: dataset, model, experts, failures, seeded.

    There are `notes` and `partial` too, where there is any note or warning.
    """
    selection = inventory.selection
    coverage, failures = {}, []
    for expert in selection.experts:
        state = inventory.expert_state(expert)
        coverage[expert.name] = {
            "modality": expert.config.modality,
            "present": state.held.num_present if state else 0,
            "absent": state.held.num_absent if state else 0,
            "failed": len(state.failed) if state else 0,
        }
        ids = _video_ids(inventory, expert) if state and state.failed else {}
        failures += [
            {"video": video_id, "expert": expert.name, "reason": row.reason}
            for row in (state.failed if state else [])
            for video_id in ids[row.key]
        ]
    recipes = {expert.name: expert.recipe for expert in selection.experts}
    recipes[selection.text.name] = selection.text.recipe
    videos, notes = inventory.manifest(), list(notes_of(inventory))
    return {
        "dataset": selection.dataset,
        "model": selection.model_name,
        "experts": coverage,
        "failures": failures,
        "seeded": [name for name, recipe in recipes.items() if registry.is_seeded(recipe)],
        **({"notes": summary(notes)} if notes else {}),
        **({"partial": list(videos.warnings)} if videos and videos.warnings else {}),
    }


def _video_ids(inventory: Inventory, expert: NamedExpert) -> dict[str, list[str]]:
    """Key of a row -> ids of the videos that share it: copies of a file have the same content."""
    ids: dict[str, list[str]] = {}
    for _, video in inventory.files():
        ids.setdefault(inventory.row_key(expert, video), []).append(video.video_id)
    return ids
