"""Operations that are any module, counted by running them on PyTorch's meta device."""

from collections.abc import Callable, Sequence

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from mmpanonas.space import Operation, register_operation

#: A function (cin, mid, cout, stride, norm_cfg) to a module; see ``Operation.build``.
Build = Callable[[int, int, int, int, dict], nn.Module]

_NORM = dict(type="BN")


def register_module(
    name: str,
    build: Build,
    parts: Sequence[str],
    label: str = "",
    colour: str = "#cfe3e6",
    dark: bool = False,
    meaning: str = "",
) -> Operation:
    """Register an operation that only its module describes.

    Args:
        name: as architectures say it.
        build: makes it: (N, cin, H, W) to (N, cout, H / stride, W / stride), norm and activation
            included. ``mid`` is the inner width of a block of the backbone; heads have stride 1.
        parts: where it may be chosen.
        label, colour, dark, meaning: for diagrams, see ``Operation``.

    Raises:
        InputError: as ``register_operation``.
    """

    def count(cin: int, mid: int, cout: int, stride: int, size: tuple[int, int]) -> tuple[int, int]:
        return _count(build(cin, mid, cout, stride, _NORM), cin, size)

    described = dict(dark=dark, build=build, count=count, meaning=meaning)
    return register_operation(Operation(name, label or name, colour, **described), parts)


def _count(module: nn.Module, cin: int, size: tuple[int, int]) -> tuple[int, int]:
    """Multiply-accumulates for one input of ``size``, and parameters."""
    module = module.to("meta").eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module(torch.empty(1, cin, *size, device="meta"))
    return counter.get_total_flops() // 2, sum(p.numel() for p in module.parameters())
