"""Standardisation of inputs, and batch normalisation as in the released models.

B videos, P pairs of experts, D feature.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional


class BatchNorm(nn.BatchNorm1d):
    """Batch normalisation of the last axis over all leading axes.

    In training, a batch of fewer than two rows has no variance: it is normalised by the running statistics.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(..., D) -> (..., D)"""
        rows = x.flatten(0, -2)
        if self.training and len(rows) < 2:
            return self._by_running_statistics(rows).view_as(x)
        return super().forward(rows).view_as(x)

    def of_real(self, x: Tensor, real: Tensor) -> Tensor:
        """`forward` of the rows of x (..., D) that are `real` (...), without picking them out; others mean nothing."""
        rows, share = x.flatten(0, -2).float(), real.flatten().unsqueeze(1).float()
        if not self.training:
            return self._by_running_statistics(rows).to(x.dtype).view_as(x)
        assert self.running_mean is not None and self.running_var is not None and self.num_batches_tracked is not None
        number = share.sum()
        mean = (rows * share).sum(0) / number.clamp(min=1)
        squares = ((rows - mean).square() * share).sum(0)
        is_enough = number >= 2
        with torch.no_grad():
            step = is_enough * (self.momentum or 0.0)
            # Before they are changed: what stands in for a variance that there is not.
            running = self.running_mean.clone(), self.running_var.clone()
            self.running_mean.add_(step * (mean - self.running_mean))
            self.running_var.add_(step * (squares / (number - 1).clamp(min=1) - self.running_var))
            self.num_batches_tracked += is_enough
        mean = torch.where(is_enough, mean, running[0])
        variance = torch.where(is_enough, squares / number.clamp(min=1), running[1])
        scaled = (rows - mean) * torch.rsqrt(variance + self.eps)
        return (scaled * self.weight + self.bias).to(x.dtype).view_as(x)

    def _by_running_statistics(self, rows: Tensor) -> Tensor:
        return functional.batch_norm(
            rows, self.running_mean, self.running_var, self.weight, self.bias, training=False, eps=self.eps
        )


class PairNorm(BatchNorm):
    """Batch normalisation of each pair of experts over its own B rows.

    The released models call one BatchNorm pair by pair; this gives the same outputs and running statistics in one call.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(B, P, D) -> (B, P, D)"""
        if not self.training or len(x) < 2:
            return self._by_running_statistics(x.flatten(0, 1)).view_as(x)
        pairs, dim = x.shape[1:]
        # With a momentum of 1, batch_norm stores the mean and the unbiased variance of this batch in these two.
        mean, variance = (torch.zeros(pairs * dim, device=x.device) for _ in range(2))
        weight, bias = self.weight.repeat(pairs), self.bias.repeat(pairs)
        out = functional.batch_norm(x.flatten(1), mean, variance, weight, bias, True, 1.0, self.eps)
        self._replay(mean.view(pairs, dim), variance.view(pairs, dim))
        return out.view_as(x)

    @torch.no_grad()
    def _replay(self, means: Tensor, variances: Tensor) -> None:
        """Updates the running statistics by (P, D) means and variances: r <- (1 - m) r + m x, row by row."""
        assert self.running_mean is not None and self.running_var is not None and self.num_batches_tracked is not None
        momentum, pairs = self.momentum or 0.0, len(means)
        decay = (1 - momentum) ** torch.arange(pairs - 1, -1, -1, device=means.device)
        with torch.autocast(means.device.type, enabled=False):  # in half precision three digits would be left
            for running, values in ((self.running_mean, means), (self.running_var, variances)):
                running.mul_((1 - momentum) ** pairs).add_(momentum * (decay @ values))
        self.num_batches_tracked += pairs


class Standardise(nn.Module):
    """Shifts and scales each feature by constants computed once, from the training videos."""

    mean: Tensor
    scale: Tensor

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("scale", torch.ones(dim))

    def fit(self, values: Tensor) -> None:
        """Sets the constants from values (N, D); a constant feature is only shifted; N = 0 changes nothing."""
        if len(values):
            deviation = values.std(0, correction=0)
            self.mean.copy_(values.mean(0))
            self.scale.copy_(torch.where(deviation > 1e-6, deviation, 1.0))

    def forward(self, x: Tensor) -> Tensor:
        """(..., D) -> (..., D)"""
        return (x - self.mean) / self.scale
