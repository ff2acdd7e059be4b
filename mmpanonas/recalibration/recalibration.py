"""Batch-norm statistics of one path, pooled over a fixed list of batches (paper, supplement)."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Annotated

import torch
from mmengine.dataset import pseudo_collate
from mmengine.dist import all_gather_object, get_rank, get_world_size
from mmengine.hooks import Hook
from mmengine.registry import DATASETS, HOOKS
from mmengine.runner import Runner
from torch import Tensor, nn

from mmpanonas.datasets.batches import cut_by_shape
from mmpanonas.distributed import unwrapped
from mmpanonas.errors import InputError
from mmpanonas.recalibration.moments import (
    Moments,
    Statistics,
    measuring,
    moving_average,
    pool,
    trained_norms_of,
)
from mmpanonas.space import set_arch
from mmpanonas.values import Count, PositiveInt, checked, number


def measure(model: nn.Module, batches: "RecalibrationBatches", shared: bool = False) -> Statistics:
    """Statistics of the active path over ``batches``.

    Args:
        batches: or any sequence of collated batches, which are pooled.
        shared: the ranks evaluate the same path: each runs its part of the batches, and
            the moments are merged in batch order, so their number changes nothing. False:
            this rank runs them all, without talking to the others.
    """
    rank, world = (get_rank(), get_world_size()) if shared else (0, 1)
    places = range(rank, len(batches), world)
    mine = list(zip(places, _moments(model, (batches[i] for i in places)), strict=False))
    if shared:
        mine = [(i, _on_cpu(moments)) for i, moments in mine]
    everyone = [pair for part in (all_gather_object(mine) if shared else [mine]) for pair in part]
    ordered = (moments for _, moments in sorted(everyone, key=lambda pair: pair[0]))
    momentum = getattr(batches, "momentum", None)
    return pool(ordered) if momentum is None else moving_average(ordered, momentum)


@torch.no_grad()
def _moments(model: nn.Module, batches: Iterable[dict]) -> list[Moments]:
    """What the active path's batch norms see of each batch."""
    norms = trained_norms_of(model)
    if not norms:
        return []
    alone = norms_in_backbone_only(norms)
    forward, found = backbone_forward if alone else network_forward, []
    with measuring(norms, in_place=alone and hasattr(model.backbone, "chain")) as seen:
        for batch in batches:
            forward(model, batch)
            found.append(dict(seen))
            seen.clear()
    return found


def _on_cpu(moments: Moments) -> Moments:
    return {
        name: [(count, mean.cpu(), var.cpu()) for count, mean, var in runs]
        for name, runs in moments.items()
    }


def norms_in_backbone_only(norms: Iterable[str]) -> bool:
    """Whether running the backbone alone reaches every batch norm of the detector, by name."""
    return all(name.startswith("backbone.") for name in norms)


def pictures(model: nn.Module, batch: dict) -> Tensor:
    """The input of the backbone for a collated batch: (N, 3, H, W), normalised and padded."""
    x = model.data_preprocessor(dict(inputs=batch["inputs"]), False)["inputs"]
    # Statistics over channels that lie side by side take a fraction of the time on a CPU.
    return x.contiguous(memory_format=torch.channels_last) if x.is_cpu else x


def backbone_forward(model: nn.Module, batch: dict) -> None:
    """Run the backbone on a collated batch; of a chain no map outlives the next module."""
    x = pictures(model, batch)
    for module in getattr(model.backbone, "chain", [model.backbone]):
        x = module(x)


def network_forward(model: nn.Module, batch: dict) -> None:
    """Run the whole network on a collated batch, for models with batch norms elsewhere."""
    samples = [sample.new() for sample in batch["data_samples"]]
    data = model.data_preprocessor(dict(inputs=batch["inputs"], data_samples=samples), False)
    for sample in data["data_samples"]:  # a batch is normalised as one, as in training
        sample.set_metainfo(dict(pad_shape=sample.batch_input_shape))
    model.predict(data["inputs"], data["data_samples"])


@contextmanager
def recalibrated(
    model: nn.Module,
    batches: "RecalibrationBatches",
    shared: bool = False,
    known: Statistics | None = None,
) -> Iterator[Statistics]:
    """Within the context the active path's batch norms hold its own statistics.

    The model is in evaluation mode inside; its statistics come back afterwards. Arguments are
    those of :func:`measure`; ``known``: what it gave before.
    """
    was_training, saved = model.training, []
    if was_training:
        model.eval()
    try:
        statistics = measure(model, batches, shared) if known is None else known
        for name, (mean, var) in statistics.items():
            layer = model.get_submodule(name)
            buffers = (layer.running_mean, layer.running_var)
            saved.append((buffers, [buffer.clone() for buffer in buffers]))
            buffers[0][: len(mean)].copy_(mean)  # the first channels of a sliced layer
            buffers[1][: len(var)].copy_(var)
        yield statistics
    finally:
        for buffers, values in saved:
            for buffer, value in zip(buffers, values, strict=True):
                buffer.copy_(value)
        if was_training:
            model.train()


class RecalibrationBatches:
    """The fixed list of training pictures, cut once into batches of like shapes, decoded once.

    Args:
        dataset: config of the data set; its pipeline loads and packs pictures (no
            annotations needed) at the training size. It states each picture's ``height`` and
            ``width`` before it is read.
        num_images: how many, spread evenly over the data set (paper: 500); 0 leaves the
            network's own statistics.
        batch_size: pictures per batch, collated as in training (paper: 16).
        momentum: take moving averages with it over the batches, as the released code (0.1);
            None pools them.
    """

    @checked
    def __init__(
        self,
        dataset: dict,
        num_images: Count = 500,
        batch_size: PositiveInt = 16,
        momentum: Annotated[float, number(above=0, high=1)] | None = None,
    ) -> None:
        self.dataset, self.momentum = DATASETS.build(dataset), momentum
        count = min(num_images, len(self.dataset))
        if num_images and not count:
            raise InputError("BN recalibration needs at least one picture, the data set has none")
        indices = [i * len(self.dataset) // count for i in range(count)]
        self._cuts = cut_by_shape(self.dataset, indices, batch_size)
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
        dataset, num_images, batch_size, momentum: of :class:`RecalibrationBatches`.
        arch: path to make active first; None leaves the active one.
    """

    @checked
    def __init__(
        self,
        dataset: dict,
        num_images: Count = 500,
        batch_size: PositiveInt = 16,
        momentum: Annotated[float, number(above=0, high=1)] | None = None,
        arch: object = None,
    ) -> None:
        self._build = partial(RecalibrationBatches, dataset, num_images, batch_size, momentum)
        self.arch = arch
        self.batches: RecalibrationBatches | None = None

    def before_val_epoch(self, runner: Runner) -> None:
        """Install the path's statistics."""
        model = unwrapped(runner.model)
        if self.arch is not None:
            set_arch(model, self.arch)
        self.batches = self.batches or self._build()
        self._context = recalibrated(model, self.batches, shared=True)
        self._context.__enter__()

    def after_val_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        """Bring the model's own statistics back."""
        self._context.__exit__(None, None, None)

    before_test_epoch = before_val_epoch
    after_test_epoch = after_val_epoch
