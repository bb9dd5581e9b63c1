"""Summary of the data behind a report: rows of each expert, failed videos, notes, stand-in weights, warnings."""

from collections.abc import Iterator
from typing import Any

from extractors import registry
from pipeline.reports.notes import summary
from tasks.plan import row_keys
from tasks.plan.inventory import ExpertState, Inventory
from tasks.plan.notes import notes_of


def data_summary(inventory: Inventory) -> dict[str, Any]:
    """The keys of report.json about the data: dataset, model, experts, failures, seeded.

    There are `notes` and `partial` too, where there is any note or warning.
    """
    selection = inventory.selection
    coverage, failures = {}, list[dict[str, str]]()
    for expert in selection.experts:
        state = inventory.expert_state(expert)
        coverage[expert.name] = {
            "modality": expert.config.modality,
            "present": state.held.num_present if state else 0,
            "absent": state.held.num_absent if state else 0,
            "failed": len(state.failed) if state else 0,
        }
        failures += _failures(inventory, state) if state else ()
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


def _failures(inventory: Inventory, state: ExpertState) -> Iterator[dict[str, str]]:
    """Each video on which an expert failed; copies of a file share a row."""
    manifest, rows = inventory.manifest(), {row.key: row for row in state.failed}
    ids: dict[str, list[str]] = {key: [] for key in rows}
    if manifest and rows:
        keys = row_keys.of_each(manifest, inventory.collection(state.expert))
        for key, video_id in zip(keys, manifest.videos.ids, strict=True):
            if key in ids:
                ids[key].append(video_id)
    for key, row in rows.items():
        for video_id in ids[key]:
            yield {"video": video_id, "expert": state.expert.name, "reason": row.reason}
