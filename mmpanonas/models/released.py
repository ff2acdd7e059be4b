"""The released code's conventions, of maskrcnn-benchmark, in which its weights were trained.

A box holds its last pixels: its width is x2 - x1 + 1. MMDetection's own legacy classes stand for
its first version, whose anchors and decoded boxes differ from these by up to a few pixels.
"""

from collections import OrderedDict

import torch
import torch.nn.functional as F
from mmcv.cnn import build_norm_layer
from mmdet.models.roi_heads.bbox_heads import Shared2FCBBoxHead
from mmdet.models.roi_heads.roi_extractors import SingleRoIExtractor
from mmdet.models.task_modules.coders import LegacyDeltaXYWHBBoxCoder
from mmdet.models.task_modules.prior_generators import LegacyAnchorGenerator
from mmdet.registry import MODELS, TASK_UTILS
from torch import Tensor, nn

from mmpanonas.models.mask_crops import MaskCrop
from mmpanonas.values import checked


@TASK_UTILS.register_module()
class DetectronAnchorGenerator(LegacyAnchorGenerator):
    """Anchors whose width and height are rounded at the stride's size, before they are scaled."""

    def gen_single_level_base_anchors(
        self, base_size: float, scales: Tensor, ratios: Tensor, center: tuple | None = None
    ) -> Tensor:
        """Anchors (len(ratios) * len(scales), 4) of the first place, ratio by ratio.

        Args:
            base_size: the level's stride.
            scales: width of a square anchor in strides.
            ratios: height to width.
            center: of the anchors; the middle pixel of the first place if None.
        """
        widths = (base_size / ratios.sqrt()).round()
        heights = (widths * ratios).round()
        sizes = torch.stack((widths, heights), dim=-1)[:, None] * scales[:, None]
        sizes = (sizes.view(-1, 2) - 1) / 2
        middle = (base_size - 1) / 2
        middle = sizes.new_tensor(center or (middle, middle))
        return torch.cat((middle - sizes, middle + sizes), dim=-1)


@TASK_UTILS.register_module()
class DetectronBoxCoder(LegacyDeltaXYWHBBoxCoder):
    """Box deltas of boxes that hold their last pixels.

    Encoding is the parent's. Its decoding leaves out the half pixel between the last pixel and
    the border, so that no deltas would not give back the box.
    """

    def decode(
        self,
        bboxes: Tensor,
        pred_bboxes: Tensor,
        max_shape: tuple[int, int] | None = None,
        wh_ratio_clip: float = 16 / 1000,
    ) -> Tensor:
        """Boxes (N, 4 k) from ``bboxes`` (N, 4) and deltas (N, 4 k), within the picture.

        ``max_shape`` is the picture's height and width.
        """
        boxes = super().decode(bboxes, pred_bboxes, wh_ratio_clip=wh_ratio_clip)
        boxes = boxes.view(-1, 4)
        boxes = torch.cat((boxes[:, :2] + 0.5, boxes[:, 2:] - 0.5), dim=1)
        if max_shape is not None:
            boxes[:, 0::2] = boxes[:, 0::2].clamp(0, max_shape[1] - 1)
            boxes[:, 1::2] = boxes[:, 1::2].clamp(0, max_shape[0] - 1)
        return boxes.view_as(pred_bboxes)


@MODELS.register_module()
class DetectronRoIExtractor(SingleRoIExtractor):
    """Regions read from the level of their size, last pixels included."""

    def map_roi_levels(self, rois: Tensor, num_levels: int) -> Tensor:
        """Level (K,) of each region (K, 5), whose first column is the picture."""
        return super().map_roi_levels(torch.cat((rois[:, :3], rois[:, 3:] + 1), dim=1), num_levels)


def paste_in_whole_pixels(
    mask: Tensor, box: Tensor, size: tuple[int, int], threshold: float
) -> MaskCrop:
    """A mask where its probability is above ``threshold``.

    The mask gets a border of zeros, the box grows with it and is cut to whole pixels, and the
    mask is resized to them.

    Args:
        mask: probabilities (m, m).
        box: (4,) in the picture's pixels; may leave the picture.
        size: height and width of the picture.
    """
    padded = F.pad(mask, (1, 1, 1, 1))
    middle, half = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) / 2
    half = half * (len(padded) / len(mask))
    left, top = (middle - half).int().tolist()
    right, bottom = ((middle + half).int() + 1).tolist()
    grid = max(bottom - top, 1), max(right - left, 1)
    resized = F.interpolate(padded[None, None], grid, mode="bilinear")[0, 0]
    y, x = max(top, 0), max(left, 0)
    inside = resized[y - top : max(size[0] - top, 0), x - left : max(size[1] - left, 0)]
    window = slice(y, y + inside.shape[0]), slice(x, x + inside.shape[1])
    return MaskCrop((inside > threshold).numpy(), window, size)


@MODELS.register_module()
class Shared2FCGNBBoxHead(Shared2FCBBoxHead):
    """MMDetection's box head whose two shared layers have a GroupNorm instead of a bias.

    Args:
        *args, **kwargs: of ``Shared2FCBBoxHead``.
        norm_cfg: the norm layer behind each fully connected one.
        init_cfg: as in MMEngine.
    """

    @checked
    def __init__(
        self,
        *args,
        norm_cfg: dict = dict(type="GN", num_groups=32, requires_grad=True),  # noqa: B006
        init_cfg: dict | list | None = None,
        **kwargs,
    ) -> None:
        # MMDetection's own would draw the norms' weights as well.
        predictors = [dict(type="Normal", name="fc_cls", std=0.01)]
        predictors += [dict(type="Normal", name="fc_reg", std=0.001)]
        init_cfg = init_cfg or dict(
            type="Xavier", layer="Linear", distribution="uniform", override=predictors
        )
        super().__init__(*args, norm_cfg=norm_cfg, init_cfg=init_cfg, **kwargs)

    def _add_conv_fc_branch(self, *args, **kwargs) -> tuple[nn.ModuleList, nn.ModuleList, int]:
        convs, layers, width = super()._add_conv_fc_branch(*args, **kwargs)
        return convs, nn.ModuleList(self._normed(layer) for layer in layers), width

    def _normed(self, layer: nn.Linear) -> nn.Sequential:
        width = layer.out_features
        return nn.Sequential(
            OrderedDict(
                fc=nn.Linear(layer.in_features, width, bias=False),
                gn=build_norm_layer(self.norm_cfg, width)[1],
            )
        )
