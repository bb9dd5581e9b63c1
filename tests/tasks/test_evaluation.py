from tasks import BuildManifest, EncodeText, EvaluateCE, ExtractExpert, TrainCE
from tests.tasks.project import required_families


def test_tasks_hang_together(project):
    with project.process():
        evaluate = EvaluateCE(dataset="tiny")
        train, text = evaluate.requires()
        assert (train.task_family, train.seed, train.dataset) == ("TrainCE", 0, "tiny")
        assert (text.task_family, text.splits) == ("EncodeText", "train,val,test")
        assert sorted(required_families(train)) == ["EncodeText", "ExtractExpert", "ExtractExpert"]
        assert required_families(ExtractExpert(dataset="tiny", expert="rgb_light")) == ["BuildManifest", "FetchWeights"]
        assert required_families(EncodeText(dataset="tiny")) == ["BuildManifest", "FetchWeights"]
        assert required_families(BuildManifest(dataset="tiny")) == []


def test_seeds_of_the_command_line_replace_those_of_the_model(project):
    with project.process():
        seeds = [
            task.seed for task in EvaluateCE(dataset="tiny", seeds="3, 1,2").requires() if isinstance(task, TrainCE)
        ]
        assert seeds == [3, 1, 2]


def test_all_is_complete_once_all_was_run(project):
    tasks = [BuildManifest, EncodeText, EvaluateCE]
    with project.process():
        assert all(task(dataset="tiny").complete() for task in tasks)
        assert ExtractExpert(dataset="tiny", expert="rgb_light").complete()
        assert ExtractExpert(dataset="tiny", expert="rgb_light,speech_light").complete()
        assert TrainCE(dataset="tiny", seed=0).complete()
        assert not TrainCE(dataset="tiny", seed=1).complete()


def test_nothing_is_complete_before_the_folder_was_looked_into(project):
    (project.videos / "new.mp4").write_bytes(b"x")
    with project.process():
        assert not BuildManifest(dataset="tiny").complete()
        assert not ExtractExpert(dataset="tiny", expert="rgb_light").complete()
        assert not EncodeText(dataset="tiny").complete()
        assert not TrainCE(dataset="tiny", seed=0).complete()
        assert not EvaluateCE(dataset="tiny").complete()
