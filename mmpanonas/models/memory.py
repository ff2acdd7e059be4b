"""How much memory a training and a search of a network need: counted on PyTorch's meta device.

Every tensor that a pass makes is followed until nothing holds it, forward and backward, with what
mmcv's deformable convolution takes on a GPU. Left out is what hangs on pictures and machine: the
matching of boxes, the workspace of cuDNN, what CUDA itself takes.
"""

import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from unittest import mock

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from mmpanonas.models.detector import AutoPanoptic
from mmpanonas.models.layers import head_ops
from mmpanonas.models.layers.attention import thing_levels
from mmpanonas.models.layers.best_channel import best_channel, channel_blocks


@dataclass(frozen=True)
class TrainingMemory:
    """Bytes of a training on one of the GPUs.

    Args:
        weights: their gradients, momenta and, of several GPUs, buckets included.
        kept: activations that are kept for the backward pass, when it begins.
        peak: the most that is held at a time, weights included.
    """

    weights: int
    kept: int
    peak: int


class LiveTensors(TorchDispatchMode):
    """Within the context: bytes that its tensors hold ``now``, and the ``peak`` of that."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self.peak = 0
        self._known: set[int] = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        """Run an operation and follow what it makes."""
        given = {t.untyped_storage()._cdata for t in tree_leaves((args, kwargs)) if _is_tensor(t)}
        out = func(*args, **(kwargs or {}))
        for made in tree_leaves(out):
            if _is_tensor(made):
                self._follow(made.untyped_storage(), given)
        return out

    def _follow(self, storage: torch.UntypedStorage, given: set[int]) -> None:
        key, size = storage._cdata, storage.nbytes()
        if key in self._known or key in given:
            return
        self._known.add(key)
        self.now += size
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._forget, key, size)

    def _forget(self, key: int, size: int) -> None:
        self._known.discard(key)
        self.now -= size


def _is_tensor(value: object) -> bool:
    return isinstance(value, Tensor)


class _Deformable(torch.autograd.Function):
    """mmcv's modulated deformable convolution on a GPU: what it keeps, and a picture's columns."""

    @staticmethod
    def forward(ctx, x: Tensor, offset: Tensor, mask: Tensor, weight: Tensor, bias: Tensor):
        ctx.save_for_backward(x, offset, mask, weight, bias)
        _columns(x, weight)
        return x.new_empty(len(x), len(weight), *x.shape[2:])

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, ...]:
        tensors = ctx.saved_tensors
        made = tuple(map(torch.empty_like, tensors))
        _columns(tensors[0], tensors[3])
        return made


def _columns(x: Tensor, weight: Tensor) -> None:
    x.new_empty(weight[0].numel(), *x.shape[2:])


@contextmanager
def as_on_a_gpu() -> Iterator[LiveTensors]:
    """Follow what is made within, deformable convolutions as mmcv's CUDA operator makes it."""
    patch = mock.patch.object(head_ops, "deform_by_sampling", _Deformable.apply)
    with patch, LiveTensors() as live:
        yield live


def training_memory(
    model: AutoPanoptic, size: Sequence[int], pictures: int, gpus: int = 1
) -> TrainingMemory:
    """Of the active path, in float32, with SGD and momentum.

    Args:
        model: on the meta device, in training mode.
        size: height and width of a batch, padding included.
        pictures: in a batch, on each GPU.
        gpus: that share the training.
    """
    weights = sum(p.numel() * p.element_size() for p in model.parameters() if p.requires_grad)
    frozen = sum(p.numel() * p.element_size() for p in model.parameters() if not p.requires_grad)
    held = weights * (3 if gpus == 1 else 4) + frozen
    for parameter in model.parameters():  # gradients that earlier passes left
        parameter.grad = torch.empty_like(parameter) if parameter.requires_grad else None
    with as_on_a_gpu() as live:
        loss = _loss(model, torch.empty(pictures, 3, *size, device="meta"))
        kept = live.now
        loss.backward()
    return TrainingMemory(held, kept, held + live.peak)


@torch.no_grad()
def prediction_memory(model: AutoPanoptic, size: Sequence[int], pictures: int = 1) -> int:
    """The most bytes that a prediction holds at a time, weights apart, in float32.

    Args:
        model: on the meta device, in evaluation mode.
        size: height and width of a batch, padding included.
        pictures: in a batch.
    """
    heads, test_cfg = model.roi_head, model.test_cfg
    with as_on_a_gpu() as live:
        x = torch.empty(pictures, 3, *size, device="meta")
        features = model.features(x)
        levels = thing_levels(features)
        model.rpn_head(levels)
        boxes, masks = (pictures * test_cfg[name].max_per_img for name in ("rpn", "rcnn"))
        heads.bbox_head(_regions(levels, heads.bbox_roi_extractor, boxes))
        heads.mask_head(_regions(levels, heads.mask_roi_extractor, masks))
        for logits in model.semantic_head(features)["seg_preds"]:
            blocks = channel_blocks(logits)
            best_channel(F.interpolate(b[None], size, mode="bilinear")[0] for b in blocks)
    return live.peak


def _loss(model: AutoPanoptic, x: Tensor) -> Tensor:
    """A number whose gradient reaches what the losses' gradient reaches."""
    count, size = len(x), x.shape[-2:]
    features = model.features(x)
    levels = thing_levels(features)
    found = [each for maps in model.rpn_head(levels) for each in maps]
    sampler = model.train_cfg.rcnn.sampler
    regions = count * sampler.num
    things = int(regions * sampler.pos_fraction)
    heads = model.roi_head
    found += heads.bbox_head(_regions(levels, heads.bbox_roi_extractor, regions))
    found.append(heads.mask_head(_regions(levels, heads.mask_roi_extractor, things)))
    logits = model.semantic_head(features)["seg_preds"]
    logits = F.interpolate(logits, size, mode="bilinear")
    labels = torch.empty(count, *size, dtype=torch.long, device="meta")
    found.append(F.cross_entropy(logits, labels, reduction="none"))
    return sum(each.sum() for each in found)


def _regions(levels: Sequence[Tensor], extractor, count: int) -> Tensor:
    """Features of regions; their gradient reaches the levels."""
    side = extractor.roi_layers[0].output_size
    empty = levels[0].new_empty(count, levels[0].shape[1], *side)
    return empty + sum(level.sum() for level in levels[: extractor.num_inputs])
