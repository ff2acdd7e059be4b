"""The operations of the heads, built (paper, Table 1: six)."""

from collections import OrderedDict
from collections.abc import Iterable

import torch
import torch.nn.functional as F
from mmcv.cnn import ConvModule
from mmcv.ops import ModulatedDeformConv2d, modulated_deform_conv2d
from mmengine.registry import MODELS
from torch import Tensor, nn

from mmpanonas.models.layers.blocks import conv_type
from mmpanonas.models.layers.choice import Choice, Searchable
from mmpanonas.space import OPERATIONS
from mmpanonas.space.operations import Placed


@MODELS.register_module()
class DeformableConv(ModulatedDeformConv2d):
    """Modulated deformable convolution that finds its offsets and its mask itself.

    ``conv_offset`` has the geometry of the convolution and 3 k k outputs: the offsets, then
    the mask before its sigmoid. All start at zero, so that a fresh layer is an ordinary
    convolution times 0.5. Stride 1, odd square kernels, padding that keeps the size.
    """

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        places = self.kernel_size[0] * self.kernel_size[1]
        geometry = dict(stride=self.stride, padding=self.padding, dilation=self.dilation)
        self.conv_offset = nn.Conv2d(self.in_channels, 3 * places, self.kernel_size, **geometry)
        nn.init.zeros_(self.conv_offset.weight)
        nn.init.zeros_(self.conv_offset.bias)

    def forward(self, x: Tensor) -> Tensor:
        """(N, cin, H, W) to (N, cout, H, W), also for N = 0; in float32 also under autocast.

        A position of some hundred pixels has no fraction left in 8 or 11 bits, and mmcv's kernel
        does not take bfloat16.
        """
        if x.is_meta:  # where costs are counted, and there is no autocast
            return self._forward(x)
        with torch.autocast(x.device.type, enabled=False):
            return self._forward(x.to(self.weight.dtype))

    def _forward(self, x: Tensor) -> Tensor:
        found = self.conv_offset(x)
        if not len(x):  # pictures without things: mmcv's operator refuses the empty batch
            geometry = (self.stride, self.padding, self.dilation)
            return F.conv2d(x, *self.kernel(x), *geometry) + found.sum()
        *offset, mask = found.chunk(3, dim=1)
        offset, mask = torch.cat(offset, dim=1), mask.sigmoid()
        if x.is_cuda or torch.onnx.is_in_onnx_export():  # where it becomes one operator
            geometry = (self.stride, self.padding, self.dilation, self.groups, self.deform_groups)
            return modulated_deform_conv2d(x, offset, mask, *self.kernel(x), *geometry)
        return deform_by_sampling(x, offset, mask, *self.kernel(x))

    def kernel(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """Weight and bias for the input ``x``."""
        return self.weight, self.bias


def deform_by_sampling(
    x: Tensor, offset: Tensor, mask: Tensor, weight: Tensor, bias: Tensor
) -> Tensor:
    """mmcv's ``modulated_deform_conv2d`` at stride 1 and equal size from PyTorch's operators.

    On CPUs a training pass takes a quarter of the time of mmcv's; it holds the k k samples of
    every pixel at once, which pictures for CPUs allow. Values and gradients are mmcv's, save
    that the slope at whole positions may be that of the other side.

    Args:
        x: (N, cin, H, W).
        offset: (N, 2 k k, H, W), down and right for each kernel place.
        mask: (N, k k, H, W).
        weight: (cout, cin, k, k), k odd.
        bias: (cout,).
    """
    count, cin, height, width = x.shape
    kernel = weight.shape[-1]
    place = torch.arange(kernel * kernel, device=x.device).view(1, -1, 1, 1)
    down, right = offset.view(count, -1, 2, height, width).unbind(2)
    rows = torch.arange(height, device=x.device).view(-1, 1) + place // kernel - kernel // 2 + down
    columns = torch.arange(width, device=x.device) + place % kernel - kernel // 2 + right
    grid = torch.stack(((2 * columns + 1) / width - 1, (2 * rows + 1) / height - 1), dim=-1)
    samples = F.grid_sample(x, grid.flatten(1, 2), align_corners=False)
    # At -1 exactly, where zero offsets put the border, mmcv's gradient is that of outside.
    mask = mask * ((rows > -1) & (columns > -1))
    samples = samples.view(count, cin, -1, height, width) * mask[:, None]
    out = weight.flatten(1) @ samples.reshape(count, -1, height * width)
    return out.view(count, -1, height, width) + bias.view(-1, 1, 1)


def head_op(choice: str, cin: int, cout: int, norm_cfg: dict) -> nn.Module:
    """One choice of one layer: (N, cin, H, W) to (N, cout, H, W), norm and ReLU included.

    Args:
        choice: name of a registered operation, such as "df_5x5".
        cin, cout: channels.
        norm_cfg: norm layer after the operation; the convolutions keep their biases beside
            it, as in the released code.
    """
    operation = OPERATIONS[choice]
    if operation.build:
        return operation.build(cin, cout, cout, 1, norm_cfg)
    *before, last = operation.placed(cin, cout, cout)
    first = [_plain(placed) for placed in before]  # in order: a seed gives the same weights
    end = ConvModule(
        last.cin, cout, last.conv.kernel, bias=True, norm_cfg=norm_cfg, conv_cfg=conv_type(last),
        **last.geometry,
    )  # fmt: skip
    if not first:
        return end
    if len(first) == 1 and before[0].conv.depthwise:  # the names of the released weights
        return nn.Sequential(OrderedDict(depthwise=first[0], pointwise=end))
    return nn.Sequential(*first, end)


def _plain(placed: Placed) -> nn.Module:
    """A convolution that another one follows."""
    kind = DeformableConv if placed.conv.deformable else nn.Conv2d
    return kind(placed.cin, placed.cout, placed.conv.kernel, **placed.geometry)


def searched_layers(head: Searchable, plain: Iterable[ConvModule], norm_cfg: dict) -> list[Choice]:
    """A searched layer in the place of each plain convolution of ``head``, equally wide."""
    return [
        Choice(
            head.choices_of(layer),
            lambda c, conv=conv: head_op(c, conv.in_channels, conv.out_channels, norm_cfg),
        )
        for layer, conv in enumerate(plain)
    ]
