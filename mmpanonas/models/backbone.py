"""The searchable backbone: DetNAS's ShuffleNetV2 space (paper, Table 1)."""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Annotated

from mmcv.cnn import build_norm_layer
from mmdet.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmpanonas.models.layers.blocks import SHUFFLES, ShuffleBlock
from mmpanonas.models.layers.choice import Choice, Searchable
from mmpanonas.models.layers.recompute import recomputed
from mmpanonas.models.layers.sliced import Size
from mmpanonas.space import MULTIPLE, Arch, Part, skipped
from mmpanonas.values import Names, Widths, checked, whole


@MODELS.register_module()
class SearchableShuffleNetV2(Searchable, BaseModule):
    """ShuffleNetV2 whose every block is chosen among four: a supernet or a fixed network.

    Input (N, 3, H, W); output four maps with strides 4, 8, 16, 32 and ``channels[1:]``
    channels.

    Args:
        arch: None for the supernet, else an architecture: an ``Arch``, its dictionary, or
            a JSON file; only its ``backbone`` and ``stage_depths`` are read.
        channels: stem and four stages, even from the first stage on.
        blocks: searched blocks of each stage; the first of a stage has stride 2.
        shuffle: "interleave" (Auto-Panoptic), "even_odd" (DetNAS weights), or "braided", for
            widths that share weights: any widths that are multiples of 4.
        frozen_stages: -1 trains all; 0 freezes the stem, k the stem and stages 1 to k.
        norm_cfg: norm layer of every convolution.
        norm_eval: keep batch norms in evaluation mode while training.
        with_cp: trade time for memory by recomputing each block in the backward pass.
        operations: what the layers choose from, in code order: names of registered operations
            (docs/space.md); None for the part's own.
        init_cfg: as in MMEngine.

    Raises:
        ArchError: the architecture is unreadable or has another number of blocks.
        ValueError: impossible widths, number of blocks or shuffle.
    """

    part_name = "backbone"

    @checked
    def __init__(
        self,
        arch: object = None,
        channels: Widths = (48, 96, 240, 480, 960),
        blocks: Widths = (8, 8, 16, 8),
        shuffle: str = "interleave",
        frozen_stages: Annotated[int, whole(-1)] = -1,
        norm_cfg: dict = dict(type="BN", requires_grad=True),  # noqa: B006 (MMDetection's form)
        norm_eval: bool = False,
        with_cp: bool = False,
        operations: Names | None = None,
        init_cfg: dict | list | None = None,
    ) -> None:
        super().__init__(init_cfg or self._default_init())
        _check_widths(channels, blocks, shuffle, frozen_stages)
        self.channels, self.blocks = tuple(channels), tuple(blocks)
        self.frozen_stages, self.norm_eval, self.with_cp = frozen_stages, norm_eval, with_cp
        self.declare_part(arch, sum(blocks), operations=operations, stages=blocks)
        self.depths: Sequence[Size] | None = None  # blocks of each stage that run, where searched
        without = set(self._left_out(arch))
        self.stem = _stem(channels[0], norm_cfg)
        self.stages = nn.ModuleList()
        layer = 0
        for cin, cout, depth in zip(channels[:-1], channels[1:], blocks, strict=True):
            stage = nn.ModuleList()
            for place in range(depth):
                if layer in without:
                    layer += 1
                    continue
                widths = (cin, cout, 2) if place == 0 else (cout, cout, 1)
                stage.append(
                    Choice(
                        self.choices_of(layer),
                        lambda c, w=widths: ShuffleBlock(c, *w, norm_cfg, shuffle),
                    )
                )
                layer += 1
            self.stages.append(stage)
        self._freeze()

    def _left_out(self, arch: object) -> Iterator[int]:
        """Places of the blocks that a fixed architecture is without."""
        depths = () if arch is None else Arch.load(arch).stage_depths
        if depths:
            Part("stage_depths", len(self.blocks), depths)
            yield from skipped(depths, self.blocks)

    @staticmethod
    def _default_init() -> list[dict]:
        return [
            dict(type="Kaiming", layer="Conv2d"),
            dict(type="Constant", val=1, layer=["_BatchNorm", "GroupNorm"]),
        ]

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Feature maps of the four stages along the active path."""
        x = self.stem(x)
        maps = []
        for stage in self._running:
            for block in stage:
                recompute = self.with_cp and self.training and x.requires_grad
                x = recomputed(block, x) if recompute else block(x)
            maps.append(x)
        return tuple(maps)

    @property
    def chain(self) -> list[nn.Module]:
        """Stem and blocks, as ``forward`` applies them, each to what the last one made.

        A norm in them is the only reader of the convolution before it: whoever runs the chain
        without gradients may normalise in place.
        """
        return [self.stem, *(block for stage in self._running for block in stage)]

    @property
    def _running(self) -> list[nn.ModuleList]:
        """The stages, cut to the active depths."""
        if self.depths is None:
            return list(self.stages)
        pairs = zip(self.stages, self.depths, strict=True)
        return [stage[: depth.size] for stage, depth in pairs]

    def train(self, mode: bool = True) -> "SearchableShuffleNetV2":
        """Switch mode; frozen stages, and norms under ``norm_eval``, stay in evaluation."""
        super().train(mode)
        self._freeze()
        if mode and self.norm_eval:
            for module in self.modules():
                if isinstance(module, _BatchNorm):
                    module.eval()
        return self

    def _freeze(self) -> None:
        if self.frozen_stages < 0:
            return
        for module in (self.stem, *self.stages[: self.frozen_stages]):
            module.eval()
            module.requires_grad_(False)


def _stem(channels: int, norm_cfg: dict) -> nn.Sequential:
    """Conv3x3 (with bias, as in the released code), norm, ReLU at stride 2."""
    return nn.Sequential(
        OrderedDict(
            conv=nn.Conv2d(3, channels, 3, stride=2, padding=1),
            bn=build_norm_layer(norm_cfg, channels)[1],
            relu=nn.ReLU(inplace=True),
        )
    )


def _check_widths(
    channels: Sequence[int], blocks: Sequence[int], shuffle: str, frozen_stages: int
) -> None:
    if len(channels) != 5 or any(c % 2 for c in channels[1:]):
        raise ValueError(f"channels: expected five widths, even from the second on, got {channels}")
    if shuffle == "braided":
        if any(c % MULTIPLE for c in channels):
            raise ValueError(f"channels: braided ones are multiples of {MULTIPLE}, got {channels}")
    elif any(a >= b for a, b in pairwise(channels)):
        raise ValueError(
            f"channels must grow from stage to stage (the stride-2 block keeps its "
            f"input beside new channels), got {channels}"
        )
    if len(blocks) != 4 or min(blocks) < 1:
        raise ValueError(f"blocks: expected four positive counts, got {blocks}")
    if shuffle not in SHUFFLES:
        raise ValueError(f"shuffle: expected one of {SHUFFLES}, got {shuffle!r}")
    if not -1 <= frozen_stages <= 4:
        raise ValueError(f"frozen_stages: expected -1 to 4, got {frozen_stages}")
