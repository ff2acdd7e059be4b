"""The searchable mask head of the thing branch (paper, intra-modular search space)."""

from collections.abc import Sequence

import torch
from mmdet.models.roi_heads.mask_heads import FCNMaskHead
from mmdet.registry import MODELS
from mmengine.model import ModuleList
from torch import Tensor

from mmpanonas.models.layers.choice import Searchable
from mmpanonas.models.layers.head_ops import searched_layers
from mmpanonas.models.mask_crops import MaskCrop, paste_mask, whole_masks
from mmpanonas.models.released import paste_in_whole_pixels
from mmpanonas.values import Names, checked


@MODELS.register_module()
class SearchableMaskHead(Searchable, FCNMaskHead):
    """MMDetection's mask head whose layers before the upsampling are chosen among six.

    Args:
        *args, **kwargs: of ``FCNMaskHead``; ``num_convs`` layers are searched, and the
            choices bring kernels of their own.
        arch: None for the supernet, else an architecture (anything ``Arch.load`` reads), of
            which only ``mask_head`` is read.
        operations: what the layers choose from, in code order: names of registered operations
            (docs/space.md); None for the part's own.
        whole_pixels: paste masks into boxes that are cut to whole pixels and hold their last
            ones; the released weights need it.

    Raises:
        ArchError: the architecture is unreadable or has another number of layers.
    """

    part_name = "mask_head"

    @checked
    def __init__(
        self,
        *args,
        arch: object = None,
        operations: Names | None = None,
        whole_pixels: bool = False,
        **kwargs,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.whole_pixels = whole_pixels
        self.declare_part(arch, self.num_convs, operations=operations)
        self.convs = ModuleList(searched_layers(self, self.convs, self.norm_cfg))

    def _predict_by_feat_single(
        self,
        mask_preds: Tensor,
        bboxes: Tensor,
        labels: Tensor,
        img_meta: dict,
        rcnn_test_cfg: dict,
        rescale: bool = False,
        **kwargs,
    ) -> Tensor:
        if not self.whole_pixels:
            return super()._predict_by_feat_single(
                mask_preds, bboxes, labels, img_meta, rcnn_test_cfg, rescale, **kwargs
            )
        size = img_meta["img_shape"][:2]
        if rescale:
            bboxes /= bboxes.new_tensor(img_meta["scale_factor"]).repeat(2)  # the caller's, too
            size = img_meta["ori_shape"][:2]
        threshold = rcnn_test_cfg["mask_thr_binary"]
        crops = paste_masks(self, mask_preds, bboxes, labels, size, threshold)
        return whole_masks(crops, size).to(bboxes.device)


def paste_masks(
    head: FCNMaskHead,
    logits: Tensor,
    boxes: Tensor,
    labels: Tensor,
    size: Sequence[int],
    threshold: float,
) -> list[MaskCrop]:
    """Paste the masks of a picture in the head's way, on the CPU, each into a window of its own.

    Args:
        head: whose logits they are.
        logits: (n, classes or 1, m, m).
        boxes: (n, 4) in the picture's pixels, clipped to the picture.
        labels: (n,).
        size: height and width of the picture.
        threshold: of a pixel's probability (``mask_thr_binary``).
    """
    paste = paste_in_whole_pixels if getattr(head, "whole_pixels", False) else paste_mask
    channels = torch.zeros_like(labels) if head.class_agnostic else labels
    masks = logits.sigmoid()[torch.arange(len(labels), device=labels.device), channels]
    pairs = zip(masks.float().cpu(), boxes.float().cpu(), strict=True)
    return [paste(mask, box, tuple(size), threshold) for mask, box in pairs]
