"""Attention between the thing and the stuff branch (paper, inter-modular search space).

Each gate is a small network on one vector that all gates of a direction share: the global
average of the other branch's maps as if they were resized to one size. Nothing is resized
for it, since the average of a bilinear resize is a fixed weighted average of the source.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import torch
from mmdet.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmpanonas.errors import InputError
from mmpanonas.models.layers.choice import Choice, Searchable
from mmpanonas.space import ATTENTION_CHOICES, OPERATIONS
from mmpanonas.values import Names, PositiveInt, checked


class Attended(NamedTuple):
    """What the branches see after they have gated each other.

    Attributes:
        levels: P2 to P6, for the thing branch.
        semantic: what the stuff branch classifies, one (N, channels, H / 4, W / 4) map for each
            of its levels.
    """

    levels: Sequence[Tensor]
    semantic: Sequence[Tensor]


def thing_levels(x: Sequence[Tensor] | Attended) -> Sequence[Tensor]:
    """P2 to P6 of features with attention or without."""
    return x.levels if isinstance(x, Attended) else x


class InterModularAttention(Searchable, BaseModule):
    """Gates in (0, 1) for the levels of one branch from the maps of the other.

    Args:
        in_channels: of all maps together.
        out_channels: of a gated level.
        num_gates: searched modules, one for each gated level.
        ratios: reduction ratio that each of the part's own choices stands for.
        allow_remainder: let a hidden width be rounded down where a ratio does not divide
            ``out_channels``; the released weights need it (their r16 is 6).
        whole: all gates share one choice, or the attention is left out: that is searched.
        arch: None for the supernet, else an architecture (anything ``Arch.load`` reads), of
            which only this part is read.
        operations: what the layers choose from, in code order: names of registered operations
            (docs/space.md); None for the part's own.
        init_cfg: as in MMEngine.

    Raises:
        ArchError: the architecture is unreadable or has another number of modules.
        InputError: the ratios are not those of the choices, or one does not divide.
    """

    @checked
    def __init__(
        self,
        in_channels: PositiveInt,
        out_channels: PositiveInt,
        num_gates: PositiveInt,
        ratios: Mapping[str, int] = dict(r4=4, r8=8, r16=16),
        allow_remainder: bool = False,
        whole: bool = False,
        arch: object = None,
        operations: Names | None = None,
        init_cfg: dict | list | None = None,
    ) -> None:
        super().__init__(init_cfg)
        if set(ratios) != set(ATTENTION_CHOICES):
            raise InputError(f"ratios: expected one for each of {ATTENTION_CHOICES}, got {ratios}")
        self.declare_part(arch, num_gates, whole, operations)
        held = {choice for place in range(num_gates) for choice in self.choices_of(place)}
        ratios = {choice: OPERATIONS[choice].ratio for choice in held} | dict(ratios)
        _check_ratios(ratios, out_channels, allow_remainder)
        self.ratios = ratios
        self.gates = nn.ModuleList(
            Choice(
                self.choices_of(place),
                lambda c: _gate(in_channels, out_channels // ratios[c], out_channels),
            )
            for place in range(num_gates)
        )

    def forward(self, maps: Sequence[Tensor], size: Sequence[int]) -> list[Tensor]:
        """One (N, out_channels, 1, 1) gate for each level, from ``maps`` (N, c_i, h_i, w_i).

        The c_i add up to ``in_channels``; ``size`` is the height and width that the maps
        are averaged at.
        """
        pooled = torch.cat([mean_of_resized(x, size) for x in maps], dim=1)
        return [1 - gate(pooled)[:, :, None, None] for gate in self.gates]


@MODELS.register_module()
class ThingsToStuff(InterModularAttention):
    """From P3 to P6 to the features of the semantic head."""

    part_name = "things_to_stuff"


@MODELS.register_module()
class StuffToThings(InterModularAttention):
    """From the features of the semantic head to P2 to P6."""

    part_name = "stuff_to_things"


def apply_gates(maps: Sequence[Tensor], gates: Sequence[Tensor]) -> list[Tensor]:
    """``F + gate * F`` level by level."""
    return [x + gate * x for x, gate in zip(maps, gates, strict=True)]


def mean_of_resized(x: Tensor, size: Sequence[int]) -> Tensor:
    """Global average (N, C) of ``x`` (N, C, h, w) resized to ``size``, without resizing it.

    Bilinear with ``align_corners=True``.
    """
    sides = zip(x.shape[-2:], size, strict=True)
    if torch.onnx.is_in_onnx_export():  # where sizes are known when the network runs
        rows, columns = (_shares(n, m).to(x.dtype) for n, m in sides)
    else:
        rows, columns = (_weights(n, int(m), x.dtype, x.device) for n, m in sides)
    return (x @ columns) @ rows


@lru_cache(maxsize=4096)
@torch.inference_mode(False)  # kept for a training as well
def _weights(source: int, target: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Shares in ``dtype``.

    Kept for every device: a forward pass that copied them would wait for what the device has to do.
    """
    return _shares(source, target).to(device, dtype)


def _shares(source: int | Tensor, target: int | Tensor) -> Tensor:
    """Share (source,) that each of ``source`` places has in the mean of ``target`` places."""
    step = torch.as_tensor(source - 1).double() / torch.as_tensor(target - 1).clamp(min=1)
    positions = torch.arange(target).double() * step
    distances = (positions[:, None] - torch.arange(source)).abs()
    return (1 - distances).clamp(min=0).mean(dim=0)


def _gate(in_channels: int, hidden: int, out_channels: int) -> nn.Sequential:
    return nn.Sequential(
        OrderedDict(
            fc1=nn.Linear(in_channels, hidden),
            relu=nn.ReLU(inplace=True),
            fc2=nn.Linear(hidden, out_channels),
            sigmoid=nn.Sigmoid(),
        )
    )


def _check_ratios(ratios: Mapping[str, int], channels: int, allow_remainder: bool) -> None:
    for choice, ratio in ratios.items():
        if type(ratio) is not int or not 1 <= ratio <= channels:
            raise InputError(
                f"ratios: {choice} must be a whole number from 1 to the {channels} channels "
                f"that are gated, got {ratio!r}"
            )
        if channels % ratio and not allow_remainder:
            raise InputError(
                f"ratios: {choice}={ratio} does not divide the {channels} channels that are "
                f"gated; change ratios, or set allow_remainder=True to round the hidden width "
                f"down to {channels // ratio}"
            )
