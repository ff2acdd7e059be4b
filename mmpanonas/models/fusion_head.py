"""Auto-Panoptic's fusion behind MMDetection's fusion head interface."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from mmdet.models.seg_heads.panoptic_fusion_heads.base_panoptic_fusion_head import (
    BasePanopticFusionHead,
)
from mmdet.registry import MODELS
from mmdet.structures import INSTANCE_OFFSET
from mmengine.structures import InstanceData, PixelData
from torch import Tensor

from mmpanonas.errors import InputError
from mmpanonas.models.fusion import PRESETS, FusionRules, fuse
from mmpanonas.models.layers.best_channel import best_channel, channel_blocks
from mmpanonas.values import ArgumentsOf, Count, checked, one_of, several

__all__ = ["PRESETS", "AutoPanopticFusionHead", "FusionRules", "fuse"]


@MODELS.register_module()
class AutoPanopticFusionHead(BasePanopticFusionHead):
    """Auto-Panoptic's fusion (paper, supplement) behind MMDetection's fusion head interface.

    Presets, and what tells them apart:

    - ``paper``: things below 0.5 dropped; overlap (over 0.5) measured going down by score;
      things under 64 x 64 pixels dropped; painted smallest first.
    - ``released``: the same score and overlap limits and the same stuff limit, no limit on a
      thing's area; painted best score first, save that those above 0.725 go smallest first
      and before all others; overlap measured in painting order.

    Args:
        num_things_classes: thing labels are 0 to this, exclusive.
        num_stuff_classes: stuff labels follow them.
        preset: a key of ``PRESETS``.
        test_cfg: fields of :class:`FusionRules` that replace those of every preset;
            MMDetection passes ``model.test_cfg.panoptic``.
        also: presets of which a test reports the scores too, beside those of ``preset``.
        init_cfg: unused, as the head has no weights.

    Attributes:
        reports_also: whether predictions hold the maps of ``also``, each of which costs its fusion.
            :class:`ReportPresetsHook` sets it for the time of a test.

    Raises:
        InputError: unknown preset, unknown or illegal rule, too many classes for the id format.
    """

    @checked
    def __init__(
        self,
        num_things_classes: Count = 80,
        num_stuff_classes: Count = 53,
        preset: str = "paper",
        test_cfg: Annotated[dict | None, ArgumentsOf(FusionRules)] = None,
        also: Annotated[Sequence[str], several(one_of(PRESETS))] = (),
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(
            num_things_classes=num_things_classes,
            num_stuff_classes=num_stuff_classes,
            test_cfg=test_cfg,
            init_cfg=init_cfg,
        )
        if self.num_classes >= INSTANCE_OFFSET:
            raise InputError(f"{self.num_classes} classes; panoptic ids hold {INSTANCE_OFFSET - 1}")
        self.rules = FusionRules.from_config(preset, test_cfg)
        others = [name for name in also if name != preset]
        self.also = {name: FusionRules.from_config(name, test_cfg) for name in others}
        self.reports_also = False

    def loss(self, **kwargs) -> dict:
        """No loss: the head has nothing to learn."""
        return {}

    def predict(
        self, mask_results_list: list[InstanceData], seg_preds_list: list[Tensor], **kwargs
    ) -> list[PixelData]:
        """Fuse the predictions of each picture.

        Args:
            mask_results_list: per picture ``labels`` (n,), ``scores`` (n,) and ``masks`` at the
                original size: n :class:`MaskCrop`, as :class:`AutoPanoptic` has them, or
                (n, H, W) as MMDetection has, and then, if there, ``bboxes`` (n, 4).
            seg_preds_list: per picture (num_stuff_classes + 1, H, W) logits, the last
                channel for "some thing", or (H, W) int, the best channels.

        Returns:
            per picture ``PixelData(sem_seg=(1, H, W) int32)``: stuff label (num_things_classes
            + channel), thing label + instance number * ``INSTANCE_OFFSET``, or
            num_things_classes + num_stuff_classes for void. Where ``reports_also``, beside it
            ``sem_seg_<preset>`` of each preset in ``also``.
        """
        rules = {"sem_seg": self.rules}
        if self.reports_also:
            rules |= {f"sem_seg_{name}": others for name, others in self.also.items()}
        return [
            PixelData(**self._predict_single(results, logits, rules))
            for results, logits in zip(mask_results_list, seg_preds_list, strict=True)
        ]

    def _predict_single(
        self, results: InstanceData, semantic: Tensor, rules: dict[str, FusionRules]
    ) -> dict[str, Tensor]:
        channels = self.num_stuff_classes + 1
        if semantic.ndim == 3 and len(semantic) == channels:
            semantic = best_channel(channel_blocks(semantic))
        if semantic.ndim != 2:
            raise InputError(
                f"semantic logits have shape {tuple(semantic.shape)}; expected "
                f"({self.num_stuff_classes} + 1, H, W): stuff classes and 'some thing'"
            )
        # void is the label after the last stuff class, which the last channel lands on
        stuff_map = semantic.short() + self.num_things_classes  # below INSTANCE_OFFSET
        boxes, labels, scores = results.get("bboxes"), results.labels, results.scores
        return {
            name: fuse(results.masks, boxes, labels, scores, stuff_map, each, self.num_classes)[
                None
            ]
            for name, each in rules.items()
        }
