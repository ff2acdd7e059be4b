"""The stuff branch: one small network shared by P2 to P5 (paper, intra-modular search space)."""

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from mmcv.cnn import ConvModule
from mmdet.models.seg_heads.base_semantic_head import BaseSemanticHead
from mmdet.registry import MODELS
from mmdet.structures import SampleList
from torch import Tensor, nn

from mmpanonas.models.layers.attention import Attended
from mmpanonas.models.layers.best_channel import best_channel, channel_blocks
from mmpanonas.models.layers.choice import Searchable
from mmpanonas.models.layers.head_ops import searched_layers
from mmpanonas.values import Count, Names, NotNegative, PositiveInt, checked

#: Label of pixels without one, in MMDetection's semantic maps.
IGNORE_LABEL = 255


@MODELS.register_module()
class SharedSemanticHead(BaseSemanticHead):
    """Stuff classes plus one class "some thing" (the last channel) from P2 to P5.

    Every level runs through the same layers, is resized to P2's size, and the
    concatenation is classified by a 1x1 convolution.

    Args:
        num_things_classes, num_stuff_classes: labels are things first, then stuff.
        in_channels: of the feature pyramid.
        channels: of each shared layer.
        num_layers: shared 3x3 layers.
        num_levels: pyramid levels used, from the finest on.
        norm_cfg: norm layer after every convolution.
        align_corners: of the bilinear resizes of features and logits; the released weights
            need True.
        loss_weight: of the cross-entropy, which is a mean over the labelled pixels at the
            input's resolution; all thing classes are one class there (paper: 0.3).
    """

    @checked
    def __init__(
        self,
        num_things_classes: Count,
        num_stuff_classes: Count,
        in_channels: PositiveInt = 256,
        channels: PositiveInt = 128,
        num_layers: Count = 3,
        num_levels: PositiveInt = 4,
        norm_cfg: dict = dict(type="GN", num_groups=32, requires_grad=True),  # noqa: B006
        align_corners: bool = False,
        loss_weight: NotNegative = 0.3,
        init_cfg: dict | list | None = None,
    ) -> None:
        super().__init__(
            num_classes=num_stuff_classes + 1,
            seg_rescale_factor=1.0,
            loss_seg=dict(
                type="CrossEntropyLoss",
                ignore_index=IGNORE_LABEL,
                avg_non_ignore=True,
                loss_weight=loss_weight,
            ),
            init_cfg=init_cfg or dict(type="Normal", std=0.01, override=dict(name="conv_logits")),
        )
        self.num_things_classes, self.num_levels = num_things_classes, num_levels
        self.norm_cfg, self.align_corners = norm_cfg, align_corners
        widths = [in_channels] + [channels] * num_layers
        self.layers = nn.Sequential(
            *(ConvModule(a, b, 3, padding=1, norm_cfg=norm_cfg) for a, b in pairwise(widths))
        )
        self.conv_logits = nn.Conv2d(num_levels * channels, self.num_classes, 1)

    def features(self, x: Sequence[Tensor]) -> list[Tensor]:
        """Each level's own features (N, channels, H / 4, W / 4), at the finest level's size."""
        size = x[0].shape[-2:]
        return [self._resize(self.layers(level), size) for level in x[: self.num_levels]]

    def forward(self, x: Sequence[Tensor] | Attended) -> dict[str, Tensor]:
        """``seg_preds``: logits (N, stuff + 1, H / 4, W / 4) from levels P2, P3, ... or maps."""
        maps = x.semantic if isinstance(x, Attended) else self.features(x)
        return dict(seg_preds=self.conv_logits(torch.cat(tuple(maps), dim=1)))

    def loss(
        self, x: Sequence[Tensor] | Attended, batch_data_samples: SampleList
    ) -> dict[str, Tensor]:
        """Cross-entropy against ``gt_sem_seg.sem_seg`` (1, H, W) of every sample."""
        labels = torch.cat([sample.gt_sem_seg.sem_seg for sample in batch_data_samples])
        logits = self._resize(self(x)["seg_preds"], labels.shape[-2:])
        return dict(loss_seg=self.loss_seg(logits, self.merge_things(labels)))

    def predict(
        self, x: Sequence[Tensor] | Attended, batch_img_metas: list[dict], rescale: bool = False
    ) -> list[Tensor]:
        """Logits (stuff + 1, H, W) of every picture, at the input's or the original size."""
        batch = self(x)["seg_preds"]
        if not rescale:
            return list(self._resize(batch, batch_img_metas[0]["batch_input_shape"]))
        return list(map(self._to_original, batch, batch_img_metas))

    def predict_labels(
        self, x: Sequence[Tensor] | Attended, batch_img_metas: list[dict]
    ) -> list[Tensor]:
        """The best channel (H, W) of every pixel, at the original size.

        Those of ``predict``'s logits, which are never held: some channels at a time are resized.
        """
        return [
            best_channel(self._to_original(block, meta) for block in channel_blocks(logits))
            for logits, meta in zip(self(x)["seg_preds"], batch_img_metas, strict=True)
        ]

    def _to_original(self, logits: Tensor, meta: dict) -> Tensor:
        """(C, H / 4, W / 4) logits of a picture to (C, H, W) at its original size."""
        height, width = meta["img_shape"][:2]
        shown = self._resize(logits[None], meta["batch_input_shape"])[..., :height, :width]
        return self._resize(shown, meta["ori_shape"][:2])[0]

    def _resize(self, x: Tensor, size: Sequence[int]) -> Tensor:
        if x.shape[-2:] == tuple(size):
            return x
        return F.interpolate(x, tuple(size), mode="bilinear", align_corners=self.align_corners)

    def merge_things(self, labels: Tensor) -> Tensor:
        """Data-set labels to this head's: stuff from 0, any thing last, void unchanged."""
        labels = labels.long()
        stuff = labels - self.num_things_classes
        merged = stuff.masked_fill(stuff < 0, self.num_classes - 1)
        return torch.where(labels == IGNORE_LABEL, labels, merged)


@MODELS.register_module()
class SearchableSemanticHead(Searchable, SharedSemanticHead):
    """The stuff branch whose shared layers are chosen among six.

    Args:
        *args, **kwargs: of ``SharedSemanticHead``; ``num_layers`` layers are searched.
        arch: None for the supernet, else an architecture (anything ``Arch.load`` reads), of
            which only ``semantic_head`` is read.
        operations: what the layers choose from, in code order: names of registered operations
            (docs/space.md); None for the part's own.

    Raises:
        ArchError: the architecture is unreadable or has another number of layers.
    """

    part_name = "semantic_head"

    @checked
    def __init__(
        self, *args, arch: object = None, operations: Names | None = None, **kwargs
    ) -> None:
        super().__init__(*args, **kwargs)
        self.declare_part(arch, len(self.layers), operations=operations)
        self.layers = nn.Sequential(*searched_layers(self, self.layers, self.norm_cfg))
