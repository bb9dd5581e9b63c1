import dataclasses

from extractors import registry
from extractors.extraction import kept as module
from extractors.extraction.kept import Kept, adopt, expert_of
from pipeline.stores.fingerprint import fingerprint
from pipeline.weights.files import WeightOptions
from tests.extractors.run_experts import EXPERTS

SEEDED = WeightOptions(seeded=True)


def test_networks_are_kept_for_one_expert_on_one_device():
    one, other = (registry.expert("rgb_light", EXPERTS, SEEDED) for _ in range(2))
    kept = Kept()
    first = kept.batches(one, "cpu")
    assert kept.batches(one, "cpu") is first
    assert kept.batches(one, "cuda:0") is not first
    assert kept.batches(dataclasses.replace(one, name="another"), "cpu") is not first
    assert kept.batches(other, "cpu") is not first, "it may run by other means: that is in no fingerprint"


def test_stand_in_weights_are_another_expert():
    expert = registry.expert("audio", EXPERTS, SEEDED)
    real = registry.expert("audio", EXPERTS, WeightOptions())
    assert fingerprint(expert.recipe) != fingerprint(real.recipe)


def test_an_expert_is_built_once_and_an_adopted_one_not_at_all(monkeypatch):
    built = []
    real = registry.expert
    monkeypatch.setattr(registry, "expert", lambda *args: built.append(args[0]) or real(*args))
    module._built.cache_clear()
    module._adopted.clear()
    expected = fingerprint(real("rgb_light", EXPERTS, SEEDED).recipe)
    one = expert_of("rgb_light", expected, EXPERTS.parent, SEEDED)
    assert expert_of("rgb_light", expected, EXPERTS.parent, SEEDED) is one
    assert built == ["rgb_light"]
    own = real("rgb_light", EXPERTS, SEEDED)
    adopt(own)
    assert expert_of("rgb_light", expected, EXPERTS.parent, SEEDED) is own
    module._adopted.clear()


def test_as_many_workers_are_the_same_and_others_are_new():
    kept = Kept()
    first = kept.workers(2)
    assert kept.workers(2) is first
    assert kept.workers(1) is not first
    kept.stop()
