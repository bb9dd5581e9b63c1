"""Re-implements the original's computation of a training step, to time it beside ours on one machine.

It is not the original's code, but performs the same operations in the same order: batches are assembled by NumPy, video
by video, in float64; each NetVLAD, each pair of experts with BatchNorm, each gate and each part of the similarity is a
separate call; Ranger loops over the parameters. It works on the weights and the optimiser state of one of our networks,
so that both can take turns and must agree: `check` compares their scores.
"""

import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from models.training.losses import max_margin


def batch(collection, rows):
    """(experts, available, text) of these videos with one caption each; missing features are NaN."""
    experts, available = {}, {}
    for expert in collection.experts:
        features, length = collection.features[expert.name], expert.max_tokens if expert.pool == "vlad" else 1
        padded = np.zeros((len(rows), length, expert.dim))
        for at, row in enumerate(rows):
            present = features[row][:length]
            padded[at, : len(present) or length] = present if len(present) else np.nan
        experts[expert.name] = torch.from_numpy(padded if expert.pool == "vlad" else padded[:, 0]).float()
        available[expert.name] = torch.tensor([float(features.counts[row] > 0) for row in rows])
    text = np.zeros((len(rows), collection.text.max_tokens, collection.text.dim))
    for at, row in enumerate(rows):
        tokens = collection.tokens[row][: collection.text.max_tokens]
        text[at, : len(tokens)] = tokens
    return experts, available, torch.from_numpy(text).float()


def scores(model, experts, available, text):
    """Scores (C, B) of a network with `gating: sequential`, `mask_padding: false` and no standardisation."""
    pooled_text = _vlad(model.text_pool, text)
    weights = functional.softmax(_linear(model.mixture, pooled_text), dim=1)
    texts = [_gated_embedding(embed, pooled_text) for embed in model.text]
    names = [expert.name for expert in model.experts]
    vectors = []
    for name, expert, pool, reduce in zip(names, model.experts, model.pools, model.video.reduce, strict=True):
        features = experts[name].clone()
        features[available[name] == 0] = 0
        features = _vlad(pool, features) if expert.pool == "vlad" else features
        vectors.append(functional.normalize(_linear(reduce, features)))
    for i, gate in enumerate(model.video.gates):
        total, count = 0, 0
        for j in range(len(names)):
            if j == i and not model.video.include_self:
                continue
            relation = _layers(model.video.relate, _linear(model.video.first, torch.cat((vectors[i], vectors[j]), 1)))
            both = available[names[i]] * available[names[j]]
            total, count = total + relation * both.unsqueeze(1), count + both
        context = _layers(model.video.summarise, total / (count + 1e-11).unsqueeze(1))
        logits = _normalised(gate.context_norm, context) + _normalised(gate.norm, _linear(gate.fc, vectors[i]))
        vectors[i] = functional.normalize(vectors[i] * torch.sigmoid(logits))
    return _similarity(texts, vectors, weights, torch.stack([available[name] for name in names], 1))


@torch.no_grad()
def ranger(optimizer, rate):
    """A step of RAdam with Lookahead, parameter by parameter, on the state of one of our optimisers."""
    (beta1, beta2), eps = optimizer.rule.betas, optimizer.rule.eps
    optimizer.steps += 1
    num_steps = optimizer.steps
    longest = 2 / (1 - beta2) - 1
    length = longest - 2 * num_steps * beta2**num_steps / (1 - beta2**num_steps)
    for param, mean, square, slow in zip(optimizer.params, *optimizer.state.values(), strict=True):
        if param.grad is None:
            continue
        square.mul_(beta2).addcmul_(param.grad, param.grad, value=1 - beta2)
        mean.mul_(beta1).add_(param.grad, alpha=1 - beta1)
        param.add_(param, alpha=-optimizer.weight_decay * rate)
        if length > 5:
            rectification = (length - 4) / (longest - 4) * (length - 2) / length * longest / (longest - 2)
            size = (1 - beta2**num_steps) * rectification
            param.addcdiv_(mean, square.sqrt().add_(eps), value=-rate * math.sqrt(size) / (1 - beta1**num_steps))
        else:
            param.add_(mean, alpha=-rate / (1 - beta1**num_steps))
        if num_steps % optimizer.rule.lookahead == 0:
            slow.add_(param - slow, alpha=0.5)
            param.copy_(slow)


def step(run, collection, rows, margin, rate):
    """Takes a training step on the videos at `rows`, which updates the weights of `run`; returns the loss."""
    experts, available, text = batch(collection, rows)
    run.optimizer.zero_grad()
    loss = max_margin(scores(run.model, experts, available, text), margin)
    loss.backward()
    ranger(run.optimizer, rate)
    return loss.detach()


@torch.no_grad()
def check(model, collection, rows):
    """The largest difference between the two scores in training mode, on the same videos and weights."""
    inputs, buffers = batch(collection, rows), {key: value.clone() for key, value in model.named_buffers()}
    results = []
    for forward in (lambda *inputs: scores(model, *inputs), lambda e, a, t: model(e, a, t.unsqueeze(1))):
        results.append(forward(*inputs))
        for key, value in model.named_buffers():
            value.copy_(buffers[key])
    return float((results[0] - results[1]).abs().max())


def _vlad(pool, tokens):
    flat = tokens.reshape(-1, tokens.shape[2])
    shares = functional.softmax(_normalised(pool.norm, flat @ pool.clusters), dim=1)
    shares = shares.view(*tokens.shape[:2], -1)[..., : pool.centres.shape[1]]
    residuals = torch.matmul(shares.transpose(1, 2), tokens).transpose(1, 2)
    residuals = functional.normalize(residuals - shares.sum(1, keepdim=True) * pool.centres, dim=1)
    return functional.normalize(residuals.reshape(len(tokens), -1), dim=1)


def _gated_embedding(embed, x):
    x = _linear(embed.fc, x)
    return functional.normalize(x * torch.sigmoid(_normalised(embed.gate.norm, _linear(embed.gate.fc, x))))


def _layers(layers, x):
    for layer in layers:
        if isinstance(layer, nn.BatchNorm1d):
            x = _normalised(layer, x)
        elif isinstance(layer, nn.Linear):
            x = _linear(layer, x)
        else:
            x = x * torch.tanh(functional.softplus(x)) if isinstance(layer, nn.Mish) else layer(x)
    return x


def _linear(layer, x):
    # Not layer(x): our own layers have another implementation (models/networks/linear.py).
    return functional.linear(x, layer.weight, layer.bias)


def _normalised(norm, x):
    return nn.BatchNorm1d.forward(norm, x)


def _similarity(texts, vectors, weights, present):
    shares = weights.unsqueeze(1) * present.unsqueeze(0)
    shares = shares / shares.sum(2, keepdim=True)
    total = torch.zeros(len(texts[0]), len(vectors[0]), device=weights.device)
    for index, (text, video) in enumerate(zip(texts, vectors, strict=True)):
        total = total + shares[:, :, index] * torch.matmul(text, video.t())
    return total
