"""Layers that use the first channels of their weights, so that widths share them.

A layer takes as many input channels as its input has. How many it makes is what its ``rows`` say,
all where that is None; norms and depthwise convolutions make as many as they take.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial

import torch.nn.functional as F
from mmdet.models.roi_heads.roi_extractors import SingleRoIExtractor
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmpanonas.errors import InputError
from mmpanonas.models.layers.choice import ChoiceLayer
from mmpanonas.models.layers.head_ops import DeformableConv


class Size(ChoiceLayer):
    """A width or a depth that is chosen: what each choice stands for, and the active one.

    Args:
        sizes: channels or blocks of each choice.
    """

    def __init__(self, sizes: Mapping[str, int]) -> None:
        super().__init__()
        self.sizes = dict(sizes)
        self.active = max(self.sizes, key=self.sizes.get)

    @property
    def size(self) -> int:
        """Of the active choice."""
        return self.sizes[self.active]

    def extra_repr(self) -> str:
        """Show the sizes and the active one in ``print(model)``."""
        return f"{self.sizes}, active={self.active}"


class Rows:
    """How many output channels of a layer are used: a share of a ``Size``, or its own table."""

    def __init__(self, size: Size, share: Callable[[int], int] = lambda size: size) -> None:
        self.size = size
        self.counts = {choice: share(value) for choice, value in size.sizes.items()}

    def __call__(self) -> int:
        """Of the active choice."""
        return self.counts[self.size.active]


def first_columns(weight: Tensor, count: int, blocks: int = 1) -> Tensor:
    """The ``count`` columns (dimension 1) of a weight that read the first channels.

    ``blocks``: equally wide maps that lie side by side in the input; of each the first ones.
    """
    if blocks == 1 or weight.shape[1] == count:
        return weight[:, :count]
    return weight.unflatten(1, (blocks, -1))[:, :, : count // blocks].flatten(1, 2)


class _Sliced:
    """A layer with ``rows``, and the number of output channels that its last pass used."""

    rows: Rows | None = None
    blocks = 1  # equally wide maps that lie side by side in the input
    row_dim = 0  # of its weight
    used: int

    def _kernel(self, x: Tensor, whole: int) -> tuple[Tensor, Tensor | None]:
        """Weight and bias for ``x`` of a layer that has ``whole`` output channels."""
        self.used = whole if self.rows is None else self.rows()
        bias = self.bias if self.bias is None else self.bias[: self.used]
        return first_columns(self.weight[: self.used], x.shape[1], self.blocks), bias


class SlicedConv2d(_Sliced, nn.Conv2d):
    """A convolution; a depthwise one makes as many channels as it takes."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, cin, H, W) to (N, rows, ...)."""
        geometry = self.stride, self.padding, self.dilation
        if self.groups == 1:
            return F.conv2d(x, *self._kernel(x, self.out_channels), *geometry)
        self.used = channels = x.shape[1]
        bias = self.bias if self.bias is None else self.bias[:channels]
        return F.conv2d(x, self.weight[:channels], bias, *geometry, channels)


class SlicedDeformableConv(_Sliced, DeformableConv):
    """Its offsets are found by all rows of ``conv_offset``."""

    def kernel(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """Weight and bias."""
        return self._kernel(x, self.out_channels)


class SlicedConvTranspose2d(_Sliced, nn.ConvTranspose2d):
    """Whose rows are the second dimension of its weight."""

    row_dim = 1

    def forward(self, x: Tensor) -> Tensor:
        """(N, cin, H, W) to (N, rows, ...)."""
        self.used = self.out_channels if self.rows is None else self.rows()
        weight, bias = self.weight[: x.shape[1], : self.used], self.bias[: self.used]
        return F.conv_transpose2d(
            x, weight, bias, self.stride, self.padding, self.output_padding, 1, self.dilation
        )


class SlicedLinear(_Sliced, nn.Linear):
    """A fully connected layer."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, cin) to (N, rows)."""
        return F.linear(x, *self._kernel(x, self.out_features))


class SlicedBatchNorm2d(_Sliced, nn.BatchNorm2d):
    """Of the first channels: weights, and the statistics that it keeps."""

    def forward(self, x: Tensor) -> Tensor:
        """Same shape."""
        self.used = x.shape[1]
        with _first(self, self.used):
            return super().forward(x)


class SlicedSyncBatchNorm(_Sliced, nn.SyncBatchNorm):
    """With the statistics of all processes in training."""

    def forward(self, x: Tensor) -> Tensor:
        """Same shape."""
        self.used = x.shape[1]
        with _first(self, self.used):
            return super().forward(x)


class SlicedGroupNorm(_Sliced, nn.GroupNorm):
    """The groups keep their size: fewer channels are fewer groups."""

    def forward(self, x: Tensor) -> Tensor:
        """Same shape."""
        self.used = channels = x.shape[1]
        groups = self.num_groups * channels // self.num_channels
        return F.group_norm(x, groups, self.weight[:channels], self.bias[:channels], self.eps)


class SlicedRoIExtractor(SingleRoIExtractor):
    """Regions as wide as the pyramid."""

    def forward(self, feats, *args, **kwargs) -> Tensor:
        """As MMDetection's."""
        self.out_channels = feats[0].shape[1]
        return super().forward(feats, *args, **kwargs)


@contextmanager
def _first(layer: _BatchNorm, channels: int) -> Iterator[None]:
    """Within the context the layer's tensors are views of their first channels."""
    kept = [(holder, dict(holder)) for holder in (layer._parameters, layer._buffers)]
    try:
        if channels < layer.num_features:
            for holder, tensors in kept:
                for name, tensor in tensors.items():
                    holder[name] = (
                        tensor if tensor is None or not tensor.dim() else tensor[:channels]
                    )
        yield
    finally:
        for holder, tensors in kept:
            holder.update(tensors)


_SLICED = {
    DeformableConv: SlicedDeformableConv,
    nn.ConvTranspose2d: SlicedConvTranspose2d,
    nn.Conv2d: SlicedConv2d,
    nn.Linear: SlicedLinear,
    nn.SyncBatchNorm: SlicedSyncBatchNorm,
    _BatchNorm: SlicedBatchNorm2d,  # also what ``revert_sync_batchnorm`` makes
    nn.GroupNorm: SlicedGroupNorm,
    SingleRoIExtractor: SlicedRoIExtractor,
}


def slice_layers(module: nn.Module, rows: Rows | None = None, blocks: int = 1) -> None:
    """Let every layer in ``module`` use the first channels of its weights.

    The layers stay the same objects, with the same weights and names, and get the behaviour of the
    classes above. Norms and depthwise convolutions need no ``rows``.

    Raises:
        InputError: a grouped convolution, or a layer with weights that is none of these.
    """
    for layer in module.modules():
        if isinstance(layer, _Sliced | SlicedRoIExtractor):
            continue
        kind = next((kind for kind in _SLICED if isinstance(layer, kind)), None)
        if kind is None:
            if any(True for _ in layer.parameters(recurse=False)):
                raise InputError(
                    f"{type(layer).__name__}: its widths cannot be sliced; elastic networks have "
                    f"convolutions, fully connected layers, batch and group norms"
                )
            continue
        groups = getattr(layer, "groups", 1)
        if groups > 1 and groups != layer.in_channels:
            raise InputError(
                f"a convolution in {groups} groups cannot be sliced; make it depthwise"
            )
        layer.__class__ = _SLICED[kind]
        if isinstance(layer, _Sliced):
            layer.rows, layer.blocks = rows, blocks
    for layer in module.modules():
        if isinstance(layer, SlicedDeformableConv):
            layer.conv_offset.rows = None


def is_sliced(layer: nn.Module) -> bool:
    """Whether :func:`slice_layers` has changed it."""
    return isinstance(layer, _Sliced)


def used_rows(model: nn.Module) -> dict[nn.Parameter, tuple[Callable[[], int], int]]:
    """Of every sliced weight: asks how many output channels the last pass used; their dimension."""
    return {
        weight: (partial(getattr, layer, "used"), layer.row_dim if weight.dim() > 1 else 0)
        for layer in model.modules()
        if is_sliced(layer)
        for weight in layer.parameters(recurse=False)
    }
