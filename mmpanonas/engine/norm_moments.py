"""What batch norms see: the moments of one batch, and those of many batches pooled."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmpanonas.errors import InputError

#: Of one input of one layer: values per channel; each channel's mean and unbiased variance.
Moment = tuple[int, Tensor, Tensor]
#: By name of the layer, of each time that it ran.
Moments = dict[str, list[Moment]]
#: Mean and (biased) variance per channel of each layer, float64.
Statistics = dict[str, tuple[Tensor, Tensor]]


def norms_of(model: nn.Module) -> dict[str, _BatchNorm]:
    """The batch norms of a model by name."""
    return {name: m for name, m in model.named_modules() if isinstance(m, _BatchNorm)}


@contextmanager
def measuring(layers: dict[str, _BatchNorm], in_place: bool = False) -> Iterator[Moments]:
    """Within the context batch norms are in training mode, and what they see is written down.

    Each normalises with the statistics of this very input, on this rank alone (also a
    SyncBatchNorm), and keeps its own running statistics untouched.

    Args:
        layers: by name.
        in_place: overwrite each layer's input with its output. Only for a model in which
            nobody else reads that input.

    Raises:
        InputError: a layer has a single value per channel, which has no variance.
    """
    seen: Moments = {}
    for name, layer in layers.items():
        layer.forward = partial(_measure, layer, name, seen, in_place)
    try:
        yield seen
    finally:
        for layer in layers.values():
            del layer.forward


@torch.no_grad()
def _measure(layer: _BatchNorm, name: str, seen: Moments, in_place: bool, x: Tensor) -> Tensor:
    count = x.numel() // x.shape[1]
    if count < 2:
        raise InputError(
            f"BN recalibration: {name} has one value per channel, expected several; use larger "
            f"pictures or more of them in a batch"
        )
    mean = torch.zeros(x.shape[1], dtype=torch.float32, device=x.device)
    var = torch.zeros_like(mean)
    out = x if in_place else torch.empty_like(x)
    # The functional form cannot write into a given tensor; momentum 1 returns the batch's own.
    torch.native_batch_norm(
        x, layer.weight, layer.bias, mean, var, True, 1.0, layer.eps,
        out=(out, mean.new_empty(0), mean.new_empty(0)),
    )  # fmt: skip
    seen.setdefault(name, []).append((count, mean, var))
    return out


def pool(batches: Iterable[Moments]) -> Statistics:
    """Mean and (biased) variance over all values of all batches, summed in the given order."""
    batches = list(batches)
    return {
        name: _pooled([moment for moments in batches for moment in moments[name]])
        for name in (batches[0] if batches else ())
    }


def moving_average(batches: Iterable[Moments], momentum: float) -> Statistics:
    """What PyTorch's running statistics would be: from mean 0 and variance 1, batch by batch.

    Variances are unbiased. The released code takes them so (SPEC section 12).
    """
    statistics: Statistics = {}
    for moments in batches:
        for name, runs in moments.items():
            for _, mean, var in runs:
                now = (mean.double(), var.double())
                old = statistics.get(name, (torch.zeros_like(now[0]), torch.ones_like(now[1])))
                pairs = zip(old, now, strict=True)
                statistics[name] = tuple(o + momentum * (n - o) for o, n in pairs)
    return statistics


def _pooled(moments: list[Moment]) -> tuple[Tensor, Tensor]:
    counts, means, variances = zip(*moments, strict=True)
    means, variances = torch.stack(means).double(), torch.stack(variances).double()
    count = torch.tensor(counts, dtype=torch.float64, device=means.device)[:, None]
    total = sum(counts)
    mean = (count * means).sum(0) / total
    square = (count - 1) * variances + count * (means - mean).square()
    return mean, square.sum(0) / total
