"""Batch-norm statistics of one path, pooled over a fixed list of batches (SPEC section 8)."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial

import torch
import torch.nn.functional as F
from mmengine.dataset import pseudo_collate
from mmengine.dist import all_gather_object, get_rank, get_world_size
from mmengine.hooks import Hook
from mmengine.registry import DATASETS, HOOKS
from mmengine.runner import Runner
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmpanonas.errors import InputError

#: What one batch adds up to in each layer: count, sums and sums of squares per channel.
Sums = dict[str, tuple[int, Tensor, Tensor]]
#: Mean and variance per channel of each layer that ran, float64.
Statistics = dict[str, tuple[Tensor, Tensor]]


@torch.no_grad()
def batch_sums(model: nn.Module, run: Callable[[], object]) -> Sums:
    """Call ``run`` with every batch norm of ``model`` in training mode; measure its input.

    Each layer normalises with the statistics of this very batch, on this rank alone (also
    a SyncBatchNorm), and keeps its own running statistics untouched.
    """
    sums: dict = {}
    layers = {name: m for name, m in model.named_modules() if isinstance(m, _BatchNorm)}
    for name, layer in layers.items():
        layer.forward = partial(_measure, layer, name, sums)
    try:
        run()
    finally:
        for layer in layers.values():
            del layer.forward
    return {name: (n, total.cpu(), square.cpu()) for name, (n, total, square) in sums.items()}


def _measure(layer: _BatchNorm, name: str, sums: Sums, x: Tensor) -> Tensor:
    mean = torch.zeros(x.shape[1], dtype=torch.float32, device=x.device)
    var = torch.zeros_like(mean)
    out = F.batch_norm(x, mean, var, layer.weight, layer.bias, True, 1.0, layer.eps)
    count = x.numel() // x.shape[1]
    mean, var = mean.double(), var.double() * ((count - 1) / count)  # back to the biased one
    new = (count, mean * count, (var + mean.square()) * count)
    sums[name] = tuple(a + b for a, b in zip(sums[name], new, strict=True)) if name in sums else new
    return out


def pool(batches: Iterable[Sums]) -> Statistics:
    """Mean and (biased) variance over all pixels of all batches, summed in the given order."""
    batches, statistics = list(batches), {}
    for name in batches[0] if batches else ():
        count = sum(sums[name][0] for sums in batches)
        mean = sum(sums[name][1] for sums in batches) / count
        square = sum(sums[name][2] for sums in batches) / count
        statistics[name] = (mean, (square - mean.square()).clamp(min=0))
    return statistics


def moving_average(batches: Iterable[Sums], momentum: float) -> Statistics:
    """What PyTorch's running statistics would be: from mean 0 and variance 1, batch by batch.

    Variances are unbiased. The released code takes them so (SPEC section 12).
    """
    statistics: Statistics = {}
    for sums in batches:
        for name, (mean, var) in pool([sums]).items():
            count = sums[name][0]
            now = (mean, var * (count / (count - 1)))
            old = statistics.get(name, (torch.zeros_like(mean), torch.ones_like(var)))
            statistics[name] = tuple(o + momentum * (n - o) for o, n in zip(old, now, strict=True))
    return statistics


def measure(model: nn.Module, batches: "RecalibrationBatches", shared: bool) -> Statistics:
    """Statistics of the active path over ``batches``.

    Args:
        shared: the ranks evaluate the same path: each runs its part of the batches, and
            the sums are merged in batch order, so their number changes nothing. False:
            this rank runs them all, without talking to the others.
    """
    rank, world = (get_rank(), get_world_size()) if shared else (0, 1)
    forward = backbone_forward if norms_in_backbone_only(model) else network_forward
    mine = [
        (i, batch_sums(model, partial(forward, model, batches[i])))
        for i in range(rank, len(batches), world)
    ]
    everyone = [pair for part in (all_gather_object(mine) if shared else [mine]) for pair in part]
    ordered = (sums for _, sums in sorted(everyone, key=lambda pair: pair[0]))
    return pool(ordered) if batches.momentum is None else moving_average(ordered, batches.momentum)


def norms_in_backbone_only(model: nn.Module) -> bool:
    """Whether running the backbone alone reaches every batch norm of the detector."""
    inside = set(model.backbone.modules())
    return all(m in inside for m in model.modules() if isinstance(m, _BatchNorm))


def backbone_forward(model: nn.Module, batch: dict) -> None:
    """Run the backbone on a collated batch of pictures."""
    data = model.data_preprocessor(dict(inputs=batch["inputs"]), False)
    model.backbone(data["inputs"])


def network_forward(model: nn.Module, batch: dict) -> None:
    """Run the whole network on a collated batch, for models with batch norms elsewhere."""
    samples = [sample.new() for sample in batch["data_samples"]]
    data = model.data_preprocessor(dict(inputs=batch["inputs"], data_samples=samples), False)
    model.predict(data["inputs"], data["data_samples"])


@contextmanager
def recalibrated(
    model: nn.Module, batches: "RecalibrationBatches", shared: bool = False
) -> Iterator[Statistics]:
    """Within the context the active path's batch norms hold its own statistics.

    The model is in evaluation mode inside; its statistics come back afterwards.
    """
    was_training, layers, saved = model.training, dict(model.named_modules()), {}
    model.eval()
    try:
        statistics = measure(model, batches, shared)
        for name, (mean, var) in statistics.items():
            buffers = (layers[name].running_mean, layers[name].running_var)
            saved[name] = [buffer.clone() for buffer in buffers]
            buffers[0].copy_(mean)
            buffers[1].copy_(var)
        yield statistics
    finally:
        for name, (mean, var) in saved.items():
            layers[name].running_mean.copy_(mean)
            layers[name].running_var.copy_(var)
        model.train(was_training)


class RecalibrationBatches:
    """The fixed list of training pictures, cut once into fixed batches, decoded once.

    Args:
        dataset: config of the data set; its pipeline loads and packs pictures (no
            annotations needed) at the training size.
        num_images: how many, spread evenly over the data set (paper: 500); 0 leaves the
            network's own statistics.
        batch_size: pictures per batch, collated as in training (paper: 16).
        momentum: take moving averages with it over the batches, as the released code (0.1);
            None pools them.
    """

    def __init__(
        self,
        dataset: dict,
        num_images: int = 500,
        batch_size: int = 16,
        momentum: float | None = None,
    ) -> None:
        if num_images < 0 or (momentum is not None and not 0 < momentum <= 1):
            raise InputError(
                f"BN recalibration: expected num_images of 0 or more and a momentum above 0 and "
                f"up to 1, or None, got {num_images} and {momentum}"
            )
        self.dataset, self.momentum = DATASETS.build(dataset), momentum
        count = min(num_images, len(self.dataset))
        if num_images and not count:
            raise InputError("BN recalibration needs at least one picture, the data set has none")
        indices = [i * len(self.dataset) // count for i in range(count)]
        self._cuts = [indices[i : i + batch_size] for i in range(0, count, batch_size)]
        self._decoded: dict[int, dict] = {}

    def __len__(self) -> int:
        return len(self._cuts)

    def __getitem__(self, place: int) -> dict:
        """Batch ``place``: ``inputs`` a list of (3, H, W) uint8, and ``data_samples``."""
        if place not in self._decoded:
            self._decoded[place] = pseudo_collate([self.dataset[i] for i in self._cuts[place]])
        return self._decoded[place]


@HOOKS.register_module()
class BNRecalibrationHook(Hook):
    """Recalibrate before validation and test, restore afterwards.

    Lets ``tools/test.py`` evaluate one path of a supernet; all ranks share the batches.

    Args:
        dataset, num_images, batch_size: of :class:`RecalibrationBatches`.
        arch: path to make active first; None leaves the active one.
    """

    def __init__(self, dataset: dict, arch: object = None, **kwargs) -> None:
        self._build = partial(RecalibrationBatches, dataset, **kwargs)
        self.arch = arch
        self.batches: RecalibrationBatches | None = None

    def before_val_epoch(self, runner: Runner) -> None:
        """Install the path's statistics."""
        model = getattr(runner.model, "module", runner.model)
        if self.arch is not None:
            model.set_arch(self.arch)
        self.batches = self.batches or self._build()
        self._context = recalibrated(model, self.batches, shared=True)
        self._context.__enter__()

    def after_val_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        """Bring the model's own statistics back."""
        self._context.__exit__(None, None, None)

    before_test_epoch = before_val_epoch
    after_test_epoch = after_val_epoch
