"""What a report says of videos that are there twice, or almost."""

from typing import Any

from pipeline.datasets.equal_contents import equal_contents
from tasks.plan.plan import Plan


def duplicates(plan: Plan) -> dict[str, Any]:
    """The key of report.json about them: `equal`, and `near` where the dataset's YAML asks for it.

    `near` has the key `lacks`, why they were not looked for, where the model does not have the expert.
    """
    manifest, near = plan.inventory.manifest(), plan.selection.settings.near_duplicates
    if manifest is None:
        return {}
    body: dict[str, Any] = {"equal": equal_contents(manifest.videos)}
    if near and near.expert in plan.selection.expert_names:
        from models.zero_shot.near_duplicates import near_duplicates

        body["near"] = near_duplicates(plan.sources(), near)
    elif near:
        body["near"] = {"expert": near.expert, "lacks": f"the model does not have the expert {near.expert}"}
    return {"duplicates": body}
