import numpy as np
import pytest
import torch
from scipy.special import logsumexp

from models.config import Training
from models.training.losses import Loss, distillation, infonce, max_margin
from tests.models import reference_cases

TRAINING = {
    "batch_size": 4, "epochs": 1, "learning_rate": 0.1, "weight_decay": 0.0, "optimizer": "adamw", "schedule": "cosine"
}  # fmt: skip


def test_max_margin_and_its_gradient_are_those_of_the_original():
    case = reference_cases.load("loss_cases.npz")
    names = [name for name in case.meta if name.startswith("max_margin")]
    assert len(names) == 6
    for name in names:
        scores = torch.from_numpy(case.arrays[f"{name}/sims"]).requires_grad_()
        loss = max_margin(scores, case.meta[name]["margin"], case.meta[name]["fix_norm"])
        loss.backward()
        assert loss.item() == pytest.approx(float(case.arrays[f"{name}/loss"]), abs=1e-6)
        np.testing.assert_allclose(scores.grad, case.arrays[f"{name}/grad"], rtol=0, atol=1e-7, err_msg=name)


def test_distillation_and_its_gradient_are_those_of_the_original():
    case = reference_cases.load("loss_cases.npz")
    teachers = []
    for teacher in range(3):
        text, video = (case.part(f"teachtext/teacher{teacher}/{side}") for side in ("text", "video"))
        teachers.append(sum(text[name].squeeze(1) @ video[name].T for name in text))
    together = torch.stack(teachers)
    np.testing.assert_allclose(together.mean(0), case.arrays["teachtext/teacher_sims_mean"], rtol=0, atol=1e-6)
    scores = torch.from_numpy(case.arrays["teachtext/student_sims"]).requires_grad_()
    loss = distillation(scores, together)
    loss.backward()
    assert loss.item() == pytest.approx(float(case.arrays["teachtext/loss"]), abs=1e-6)
    np.testing.assert_allclose(scores.grad, case.arrays["teachtext/grad"], rtol=0, atol=1e-7)


def test_infonce_is_the_mean_surprise_of_the_right_pairs_both_ways():
    scores = np.random.default_rng(0).normal(size=(7, 7))
    logits = scores / 0.1
    surprise = [logsumexp(logits, axis=axis) - logits.diagonal() for axis in (0, 1)]
    ours = infonce(torch.from_numpy(scores), torch.tensor(10.0).log())
    assert ours.item() == pytest.approx(np.mean(surprise), rel=1e-6)


def test_infonce_learns_its_temperature_within_bounds():
    loss = Loss(Training(**TRAINING, loss="infonce", temperature=0.2))
    assert loss.log_scale.exp().item() == pytest.approx(5.0)
    loss(torch.eye(4)).backward()
    assert loss.log_scale.grad < 0, "scores that are right call for a colder temperature"
    with torch.no_grad():
        loss.log_scale.fill_(20.0)
    assert loss(torch.eye(4)).item() == pytest.approx(infonce(torch.eye(4), torch.tensor(100.0).log()).item(), rel=1e-3)


@pytest.mark.parametrize("chosen", [{"loss": "margin", "margin": 0.2}, {"loss": "infonce", "temperature": 0.1}])
def test_a_single_pair_has_nothing_to_tell_apart(chosen):
    scores = torch.zeros(1, 1, requires_grad=True)
    loss = Loss(Training(**TRAINING, **chosen))(scores)
    loss.backward()
    assert loss.item() == 0
    assert scores.grad.item() == 0
