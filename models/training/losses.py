"""Losses over a square matrix of scores: row i is a caption of video i, column j is video j."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.config import Training


def max_margin(scores: Tensor, margin: float, fix_norm: bool = True) -> Tensor:
    """Bidirectional max-margin ranking loss of (n, n) `scores`: mean over the wrong pairs; 0 for n = 1.

    `fix_norm=False` averages over all pairs, where each right pair contributes the margin (Miech et al., 2018).
    """
    right = scores.diagonal()
    hinge = (margin + scores - right.unsqueeze(1)).relu() + (margin + scores - right).relu()
    if not fix_norm:
        return hinge.mean() / 2
    num_wrong = len(scores) * (len(scores) - 1)
    wrong = hinge - torch.diag_embed(hinge.diagonal())
    return wrong.sum() / (2 * max(num_wrong, 1))


def infonce(scores: Tensor, log_scale: Tensor) -> Tensor:
    """InfoNCE loss: mean cross-entropy over rows and columns of (n, n) `scores` times exp(log_scale)."""
    logits = scores * log_scale.exp()
    target = torch.arange(len(scores), device=scores.device)
    return (functional.cross_entropy(logits, target) + functional.cross_entropy(logits.T, target)) / 2


def distillation(scores: Tensor, teachers: Tensor) -> Tensor:
    """Smooth L1 distance of (n, n) scores to the mean of (N, n, n) scores of N teachers (Croitoru et al., 2021)."""
    return functional.smooth_l1_loss(scores, teachers.mean(0))


class Loss(nn.Module):
    """The loss that the settings ask for, with the learned temperature of InfoNCE."""

    HIGHEST_LOG_SCALE = 4.6052
    """log 100, as in CLIP: a larger scale makes training unstable."""

    def __init__(self, settings: Training) -> None:
        super().__init__()
        self.margin = settings.margin
        self.log_scale = nn.Parameter(-torch.tensor(settings.temperature).log()) if settings.temperature else None

    def forward(self, scores: Tensor) -> Tensor:
        """(n, n) scores -> the loss, a scalar."""
        if self.log_scale is not None:
            return infonce(scores, self.log_scale.clamp(max=self.HIGHEST_LOG_SCALE))
        assert self.margin is not None
        return max_margin(scores, self.margin)
