"""The thing branch by the batch: what MMDetection does picture after picture, in tensors alone."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from mmdet.models.roi_heads.roi_extractors import SingleRoIExtractor
from mmdet.models.task_modules.coders import LegacyDeltaXYWHBBoxCoder
from torch import Tensor, nn

from mmpanonas.deployment.operators import NONE, best, suppressed, taken

#: Suppression leaves out boxes that are none; no score is below 0.
_ANY = NONE / 2


class Things(NamedTuple):
    """Things of all pictures, those of the first one first, best ones first.

    Attributes:
        picture_index: (n,) int64, which picture of the batch each is in.
        boxes: (n, 4) x1 y1 x2 y2 in the pixels of the network's input.
        scores: (n,).
        labels: (n,) int64.
        masks: (n, m, m) probabilities within the box.
    """

    picture_index: Tensor
    boxes: Tensor
    scores: Tensor
    labels: Tensor
    masks: Tensor


def find_things(
    model: nn.Module, x: Sequence[Tensor], size: Sequence[Tensor], least: float
) -> Things:
    """The things of ``AutoPanoptic`` from its features ``x``, P2 to P6.

    Args:
        size: height and width of the pictures without padding.
        least: things that score below it are left out, beside what ``test_cfg`` leaves out.
    """
    limits = torch.stack([torch.as_tensor(side) for side in (size[1], size[0])] * 2)
    limits = limits.to(x[0].dtype)
    proposals, valid = _proposals(model.rpn_head, x, limits)
    boxes, scores, labels = _detections(model.roi_head, x, proposals, valid, limits)
    found = (scores > model.roi_head.test_cfg.score_thr) & (scores >= least)
    pictures, places = found.nonzero().unbind(1)
    chosen = [each[pictures, places] for each in (boxes, scores, labels)]
    return Things(pictures, *chosen, _masks(model.roi_head, x, pictures, chosen[0], chosen[2]))


def _proposals(head: nn.Module, x: Sequence[Tensor], limits: Tensor) -> tuple[Tensor, Tensor]:
    """Boxes (N, P, 4), and which of them (N, P) are proposals; the best come first."""
    config, boxes, scores = head.test_cfg, [], []
    for level, (logits, deltas) in enumerate(zip(*head(x), strict=True)):
        priors = head.prior_generator.single_level_grid_priors(
            logits.shape[-2:], level, logits.dtype, logits.device
        )
        logits = logits.permute(0, 2, 3, 1).reshape(logits.shape[0], -1, head.cls_out_channels)
        own = (logits.sigmoid() if head.use_sigmoid_cls else logits.softmax(-1))[..., 0]
        deltas = deltas.permute(0, 2, 3, 1).reshape(logits.shape[0], -1, 4)
        own, places = best(own, config.nms_pre if config.get("nms_pre", -1) > 0 else own.shape[1])
        decoded = head.bbox_coder.decode(
            priors[places].reshape(-1, 4), taken(deltas, places).reshape(-1, 4)
        )
        decoded = _clipped(decoded.reshape(logits.shape[0], -1, 4), limits, head.bbox_coder)
        sides = decoded[..., 2:] - decoded[..., :2]
        if config.get("min_bbox_size", -1) >= 0:
            own = torch.where((sides > config.min_bbox_size).all(-1), own, NONE)
        limit = config.max_per_img
        boxes.append(decoded)
        scores.append(suppressed(decoded, own, config.nms, _ANY, limit))
    scores, places = best(torch.cat(scores, dim=1), config.max_per_img)
    return taken(torch.cat(boxes, dim=1), places), scores > _ANY


def _clipped(boxes: Tensor, limits: Tensor, coder: object) -> Tensor:
    """Boxes (..., 4) within the picture, as their coder clips them."""
    if isinstance(coder, LegacyDeltaXYWHBBoxCoder):  # its boxes hold their last pixels
        limits = limits - 1
    elif not coder.clip_border:
        return boxes
    return torch.minimum(boxes.clamp(min=0), limits)


def _detections(
    head: nn.Module, x: Sequence[Tensor], proposals: Tensor, valid: Tensor, limits: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Boxes (N, D, 4), scores (N, D), ``NONE`` where there is none, and labels (N, D)."""
    config, box_head = head.test_cfg, head.bbox_head
    # One is always looked at, for an empty batch is no batch for a norm.
    looked = torch.cat((torch.ones_like(valid[:, :1]), valid[:, 1:]), dim=1)
    pictures, rows = looked.nonzero().unbind(1)
    rois = torch.cat((pictures[:, None].to(proposals.dtype), proposals[pictures, rows]), dim=1)
    logits, deltas = box_head(_regions(head.bbox_roi_extractor, x, rois))
    decoded = box_head.bbox_coder.decode(rois[:, 1:], deltas)
    count, classes = proposals.shape[1], box_head.num_classes
    decoded = decoded.reshape(rois.shape[0], -1, 4)
    if box_head.reg_class_agnostic:
        decoded = decoded.expand(-1, classes, -1)
    decoded = _clipped(decoded, limits, box_head.bbox_coder)
    # (N, C, P): boxes of one class in one picture suppress each other.
    own = logits.new_zeros((valid.shape[0], count, classes))
    own = own.index_put((pictures, rows), logits.softmax(-1)[:, :-1]) * valid[..., None]
    boxes = decoded.new_zeros((valid.shape[0], count, classes, 4))
    boxes = boxes.index_put((pictures, rows), decoded).transpose(1, 2)
    scores = suppressed(
        boxes.reshape(-1, count, 4),
        own.transpose(1, 2).reshape(-1, count),
        config.nms,
        config.score_thr,
        config.max_per_img,
    )
    scores, places = best(scores.reshape(valid.shape[0], -1), config.max_per_img)
    boxes = taken(boxes.reshape(valid.shape[0], -1, 4), places)
    return boxes, scores, torch.div(places, count, rounding_mode="floor")


def _masks(
    head: nn.Module, x: Sequence[Tensor], pictures: Tensor, boxes: Tensor, labels: Tensor
) -> Tensor:
    """Probabilities (n, m, m) of each box's class."""
    rois = torch.cat((pictures[:, None].to(boxes.dtype), boxes), dim=1)
    one_more = torch.cat((rois, rois.new_tensor([[0, 0, 0, 1, 1]])))  # never an empty batch
    logits = head.mask_head(_regions(head.mask_roi_extractor, x, one_more))[:-1]
    if head.mask_head.class_agnostic:
        return logits[:, 0].sigmoid()
    return logits[torch.arange(labels.shape[0], device=labels.device), labels].sigmoid()


def _regions(extractor: SingleRoIExtractor, x: Sequence[Tensor], rois: Tensor) -> Tensor:
    """Features (K, C, s, s) of regions (K, 5), each read from the level of its size."""
    layers = extractor.roi_layers
    levels = extractor.map_roi_levels(rois, len(layers))
    groups = [(levels == level).nonzero()[:, 0] for level in range(len(layers))]
    read = [layer(maps, rois[group]) for layer, maps, group in zip(layers, x, groups, strict=False)]
    return torch.cat(read)[torch.cat(groups).argsort()]
