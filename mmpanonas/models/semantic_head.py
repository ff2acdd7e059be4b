"""The stuff branch: one small network shared by P2 to P5 (SPEC sections 3 and 5)."""

from itertools import pairwise

import torch
import torch.nn.functional as F
from mmcv.cnn import ConvModule
from mmdet.models.seg_heads.base_semantic_head import BaseSemanticHead
from mmdet.registry import MODELS
from mmdet.structures import SampleList
from torch import Tensor, nn

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
        loss_weight: of the cross-entropy, which is a mean over the labelled pixels at the
            input's resolution; all thing classes are one class there (paper: 0.3).
    """

    def __init__(
        self,
        num_things_classes: int,
        num_stuff_classes: int,
        in_channels: int = 256,
        channels: int = 128,
        num_layers: int = 3,
        num_levels: int = 4,
        norm_cfg: dict = dict(type="GN", num_groups=32, requires_grad=True),  # noqa: B006
        loss_weight: float = 0.3,
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
        widths = [in_channels] + [channels] * num_layers
        self.layers = nn.Sequential(
            *(ConvModule(a, b, 3, padding=1, norm_cfg=norm_cfg) for a, b in pairwise(widths))
        )
        self.conv_logits = nn.Conv2d(num_levels * channels, self.num_classes, 1)

    def forward(self, x: tuple[Tensor, ...]) -> dict[str, Tensor]:
        """``seg_preds``: logits (N, stuff + 1, H / 4, W / 4) from levels P2, P3, ..."""
        size = x[0].shape[-2:]
        maps = [
            F.interpolate(self.layers(level), size, mode="bilinear", align_corners=False)
            for level in x[: self.num_levels]
        ]
        return dict(seg_preds=self.conv_logits(torch.cat(maps, dim=1)))

    def loss(self, x: tuple[Tensor, ...], batch_data_samples: SampleList) -> dict[str, Tensor]:
        """Cross-entropy against ``gt_sem_seg.sem_seg`` (1, H, W) of every sample."""
        labels = torch.cat([sample.gt_sem_seg.sem_seg for sample in batch_data_samples])
        logits = F.interpolate(
            self(x)["seg_preds"], labels.shape[-2:], mode="bilinear", align_corners=False
        )
        return dict(loss_seg=self.loss_seg(logits, self.merge_things(labels)))

    def merge_things(self, labels: Tensor) -> Tensor:
        """Data-set labels to this head's: stuff from 0, any thing last, void unchanged."""
        labels = labels.long()
        stuff = labels - self.num_things_classes
        merged = torch.where(stuff >= 0, stuff, self.num_classes - 1)
        return torch.where(labels == IGNORE_LABEL, labels, merged)
