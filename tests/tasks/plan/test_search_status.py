import shutil

from pipeline.stores import recipes
from tasks import BuildIndex, BuildManifest
from tasks.plan.plan import load_plan
from tasks.plan.rankings_page import RANKINGS_VERSION
from tasks.plan.search_status import search_status
from tasks.plan.settings import Paths


def stages_of(project, split: str = "test") -> dict[str, tuple[bool, str]]:
    """stage -> (fresh, why)"""
    with project.process():
        return {
            line.stage: (line.fresh, line.why) for line in search_status(load_plan(Paths().layout, "tiny"), "", split)
        }


def test_the_page_of_rankings_is_fresh_after_a_run(project):
    fresh, where = stages_of(project)["ShowRankings test"]
    assert fresh
    assert where.endswith("rankings.html")
    assert stages_of(project, "val")["ShowRankings val"] == (False, "waits for the stages above")


def test_a_page_that_is_gone_or_old_is_told(project):
    (recipe,) = project.data.glob("store/reports/*/*/*/rankings/recipe.json")
    made = recipes.read_recipe(recipe.parent)
    recipe.unlink()
    recipes.write_recipe(recipe.parent, made | {"version": RANKINGS_VERSION + 1})
    why = f"version: {RANKINGS_VERSION + 1} -> {RANKINGS_VERSION}"
    assert stages_of(project)["ShowRankings test"] == (False, why)
    recipe.unlink()
    assert stages_of(project)["ShowRankings test"] == (False, "never made")


def test_an_index_is_fresh_or_not_in_the_way_in_which_it_was_made(project):
    assert stages_of(project)["BuildIndex"] == (False, "never built: luigi --module tasks BuildIndex --dataset tiny")
    project.run(BuildIndex, dataset="tiny")
    assert stages_of(project)["BuildIndex"][0]
    project.run(BuildIndex, dataset="tiny", untrained=True)
    fresh, why = stages_of(project)["BuildIndex"]
    assert fresh
    assert why.endswith(", without a model")


def test_an_index_without_a_model_is_judged_by_its_own_experts(project):
    project.run(BuildIndex, dataset="tiny", untrained=True, experts="speech_light")
    fresh, why = stages_of(project)["BuildIndex"]
    assert fresh
    assert why.endswith(", without a model")
    (project.configs / "experts" / "speech_light.yaml").rename(project.configs / "experts" / "heard.yaml")
    project.edit("models", "tiny", experts=["rgb_light"])
    assert "speech_light" in stages_of(project)["BuildIndex"][1]


def test_what_makes_an_index_stale_is_told(project):
    project.run(BuildIndex, dataset="tiny")
    search = project.configs / "search.yaml"
    search.write_text(search.read_text(encoding="utf-8").replace("moment_s: 2.0", "moment_s: 3.0"), encoding="utf-8")
    assert stages_of(project)["BuildIndex"] == (False, "settings.moment_s: 2.0 -> 3.0")
    project.edit("experts", "rgb_light", params__fps=1.0)
    assert stages_of(project)["BuildIndex"] == (False, "waits for the stages above")


def test_an_index_whose_folder_is_gone_was_never_built(project):
    project.run(BuildIndex, dataset="tiny")
    shutil.rmtree(next(path for path in (project.data / "store" / "index" / "tiny").iterdir() if path.is_dir()))
    assert not stages_of(project)["BuildIndex"][0]


def test_an_index_trained_on_a_dataset_without_captions_has_a_status_too(project):
    for name in ("one", "other"):
        folder = project.data / "raw" / name
        folder.mkdir()
        shutil.copy(project.videos / "v01.mp4", folder)
        project.write_config("datasets", name, {"videos": str(folder), "model": "tiny"})
    project.run(BuildManifest, dataset="other")
    project.run(BuildIndex, dataset="one", trained_on="other")
    with project.process():
        index = search_status(load_plan(Paths().layout, "one"), "", "test")[1]
    assert index.fresh
    assert index.why.endswith("without a model")
