"""ShuffleNetV2 blocks of the backbone space (paper, Table 1)."""

import torch
from mmcv.cnn import ConvModule
from torch import Tensor, nn

from mmpanonas.space import OPERATIONS
from mmpanonas.space.cost import branch_widths
from mmpanonas.space.operations import Placed

#: How a block mixes and splits channels: Auto-Panoptic's way, DetNAS's, and the elastic one.
SHUFFLES = ("interleave", "even_odd", "braided")


def shuffle_split(x: Tensor, shuffle: str) -> tuple[Tensor, Tensor]:
    """Mix the channels of ``x`` (N, C, H, W) and halve them: passed on, transformed.

    ``interleave`` (Auto-Panoptic) views the channels as (2, C/2), transposes and flattens
    them, and splits in the middle; ``even_odd`` (DetNAS, SPOS) takes even and odd ones.
    ``braided``: of every four channels the first two pass, so that the first channels of ``x``
    give the first ones of both halves.
    """
    if shuffle == "braided":
        quarters = x.unflatten(1, (x.shape[1] // 4, 2, 2))
        return quarters[:, :, 0].flatten(1, 2), quarters[:, :, 1].flatten(1, 2)
    if shuffle == "even_odd":
        return x[:, 0::2], x[:, 1::2]
    if torch.onnx.is_in_onnx_export():  # which knows no channel_shuffle, the faster way
        mixed = x.unflatten(1, (2, x.shape[1] // 2)).transpose(1, 2).flatten(1, 2)
    else:
        mixed = torch.channel_shuffle(x, 2)
    return mixed.chunk(2, dim=1)


def joined(passed: Tensor, made: Tensor, shuffle: str) -> Tensor:
    """The output of a block: what passed (or was projected), then what its main branch made.

    ``braided``: they take turns, what was made in the even places, so that fewer channels of both
    are the first of the whole.
    """
    if shuffle == "braided":
        return torch.stack((made, passed), dim=2).flatten(1, 2)
    return torch.cat((passed, made), dim=1)


def depthwise(channels: int, kernel: int, stride: int, norm_cfg: dict) -> ConvModule:
    """Depthwise convolution and norm, no activation, size-preserving padding."""
    return ConvModule(
        channels,
        channels,
        kernel,
        stride=stride,
        padding=kernel // 2,
        groups=channels,
        bias=False,
        norm_cfg=norm_cfg,
        act_cfg=None,
    )


def pointwise(cin: int, cout: int, norm_cfg: dict) -> ConvModule:
    """1x1 convolution, norm, ReLU."""
    return ConvModule(cin, cout, 1, bias=False, norm_cfg=norm_cfg)


class ShuffleBlock(nn.Module):
    """One choice of one block: (N, cin, H, W) to (N, cout, ceil(H / stride), ...).

    Args:
        choice: name of a registered operation, such as "shuffle_5x5".
        cin, cout: channels; equal and even when ``stride`` is 1.
        stride: 1 (shuffle, half of the channels pass through) or 2 (projection branch of
            ``cin`` channels beside a main branch of ``cout - cin``; halves if ``braided``).
        norm_cfg: norm layer after every convolution.
        shuffle: one of ``SHUFFLES``.
    """

    def __init__(
        self, choice: str, cin: int, cout: int, stride: int, norm_cfg: dict, shuffle: str
    ) -> None:
        super().__init__()
        self.stride, self.shuffle = stride, shuffle
        operation = OPERATIONS[choice]
        projected = branch_widths(cin, cout, stride, shuffle == "braided")
        main_in = cin if stride == 2 else cin // 2
        widths = (main_in, cout // 2, cout - projected, stride)
        if operation.build:
            self.main = operation.build(*widths, norm_cfg)
        else:
            layers = (_layer(placed, norm_cfg) for placed in operation.placed(*widths))
            self.main = nn.Sequential(*layers)
        if stride == 2:
            self.proj = nn.Sequential(
                depthwise(cin, operation.kernel, 2, norm_cfg), pointwise(cin, projected, norm_cfg)
            )

    def forward(self, x: Tensor) -> Tensor:
        """Join what passes (or is projected) and what the main branch makes of it."""
        if self.stride == 2:
            return joined(self.proj(x), self.main(x), self.shuffle)
        passed, x = shuffle_split(x, self.shuffle)
        return joined(passed, self.main(x), self.shuffle)


def _layer(placed: Placed, norm_cfg: dict) -> nn.Module:
    """A convolution of an operation with its norm, and with a ReLU unless it is depthwise."""
    conv, cin, cout, _ = placed
    return ConvModule(
        cin, cout, conv.kernel, bias=False, norm_cfg=norm_cfg, conv_cfg=conv_type(placed),
        act_cfg=None if conv.depthwise else dict(type="ReLU"), **placed.geometry,
    )  # fmt: skip


def conv_type(placed: Placed) -> dict | None:
    """The ``conv_cfg`` of an operation's convolution: None for PyTorch's own."""
    return dict(type="DeformableConv") if placed.conv.deformable else None
