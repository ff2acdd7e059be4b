"""What batch norms see: the moments of one batch, and those of many batches pooled."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache, partial

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmpanonas.errors import InputError

#: Of one input of one layer: values per channel; each channel's mean and (biased) variance.
Moment = tuple[int, Tensor, Tensor]
#: By name of the layer, of each time that it ran.
Moments = dict[str, list[Moment]]
#: Mean and (biased) variance per channel of each layer, float64.
Statistics = dict[str, tuple[Tensor, Tensor]]

#: Values that PyTorch may add up in float32 one after the other: a thousand keep 6 digits.
_ROWS = 1024


def norms_of(model: nn.Module) -> dict[str, _BatchNorm]:
    """The batch norms of a model by name."""
    return {name: m for name, m in model.named_modules() if isinstance(m, _BatchNorm)}


def trained_norms_of(model: nn.Module) -> dict[str, _BatchNorm]:
    """Those that take statistics of their own in training.

    Others stay in evaluation mode there (``frozen_stages``, ``norm_eval``): the weights were
    trained with the statistics that these hold, whatever the path.
    """
    was_training = model.training
    model.train()
    found = {name: norm for name, norm in norms_of(model).items() if norm.training}
    model.train(was_training)
    return found


@contextmanager
def measuring(layers: dict[str, _BatchNorm], in_place: bool = False) -> Iterator[Moments]:
    """Within the context batch norms are in training mode, and what they see is written down.

    Each normalises with the statistics of this very input, on this rank alone (also a
    SyncBatchNorm), and keeps its own running statistics untouched. An input without values, such
    as of a head where no thing was found, leaves nothing to write down.

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
    channels = x.shape[1]  # the first ones of a sliced layer
    count = x.numel() // channels
    if not count:
        return torch.empty_like(x)
    if count < 2:
        raise InputError(
            f"BN recalibration: {name} has one value per channel, expected several; use larger "
            f"pictures or more of them in a batch"
        )
    mean, var = pooled(_moments(x.float()))
    out = x if in_place else torch.empty_like(x)
    none = x.new_empty(0, dtype=torch.float32)
    # The functional form cannot write into a given tensor.
    torch.native_batch_norm(
        x, layer.weight[:channels], layer.bias[:channels], mean.float(), var.float(), False, 0.0,
        layer.eps,
        out=(out, none, none),
    )  # fmt: skip
    seen.setdefault(name, []).append((count, mean, var))
    return out


def _moments(x: Tensor) -> list[Moment]:
    """Of ``x``, shape (N, C, ...), or of parts that make it up, exact to 6 digits.

    With channels last PyTorch adds up on a CPU in float32, one after the other: half a million
    values leave 4 digits, and 150 layers that each normalise what the last one made 2.
    """
    channels = x.shape[1]
    if not (x.is_cpu and x.dim() == 4 and x.is_contiguous(memory_format=torch.channels_last)):
        return [(x.numel() // channels, *torch.batch_norm_update_stats(x, None, None, 0.0))]
    pixels = x.permute(0, 2, 3, 1).flatten(0, 2)
    rows = min(_ROWS, len(pixels))
    whole = len(pixels) // rows * rows
    found: list[Moment] = []
    # Pixels side by side, each with channels of its own, then those that are left.
    for part in (pixels[:whole].view(rows, -1), pixels[whole:]):
        if len(part):
            moments = torch.batch_norm_update_stats(part.t()[None, :, None], None, None, 0.0)
            means, variances = (values.view(-1, channels) for values in moments)
            found += [(len(part), *pair) for pair in zip(means, variances, strict=True)]
    return found


def pool(batches: Iterable[Moments]) -> Statistics:
    """Mean and (biased) variance over all values of all batches, summed in the given order.

    Only of layers that saw values.
    """
    found: Moments = {}
    for moments in batches:
        for name, runs in moments.items():
            found.setdefault(name, []).extend(runs)
    return {name: pooled(runs) for name, runs in found.items()}


def moving_average(batches: Iterable[Moments], momentum: float) -> Statistics:
    """What PyTorch's running statistics would be: from mean 0 and variance 1, batch by batch.

    Variances are unbiased. The released code takes them so (docs/deviations.md).
    """
    statistics: Statistics = {}
    for moments in batches:
        for name, runs in moments.items():
            for count, mean, var in runs:
                now = (mean.double(), var.double() * (count / (count - 1)))
                old = statistics.get(name, (torch.zeros_like(now[0]), torch.ones_like(now[1])))
                pairs = zip(old, now, strict=True)
                statistics[name] = tuple(o + momentum * (n - o) for o, n in pairs)
    return statistics


def pooled(moments: Sequence[Moment]) -> tuple[Tensor, Tensor]:
    """Mean and (biased) variance, float64, of all values of which moments are given."""
    counts, means, variances = zip(*moments, strict=True)
    means, variances = torch.stack(means).double(), torch.stack(variances).double()
    count = _counts(counts, means.device)
    total = sum(counts)
    mean = (count * means).sum(0) / total
    return mean, (count * (variances + (means - mean).square())).sum(0) / total


@lru_cache(maxsize=256)
def _counts(counts: tuple[int, ...], device: torch.device) -> Tensor:
    """(n, 1) float64; kept, since a copy to the device in every layer would wait for it."""
    return torch.tensor(counts, dtype=torch.float64, device=device)[:, None]
