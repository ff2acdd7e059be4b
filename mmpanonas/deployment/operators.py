"""mmcv's operators as ONNX's own, and suppression of boxes by the batch.

mmcv writes operators of a domain of its own, which no runtime has; its RoIAlign shifts boxes by
half a pixel that newer versions of the operator shift as well.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

import torch
from mmcv.ops.deform_conv import DeformConv2dFunction
from mmcv.ops.modulated_deform_conv import ModulatedDeformConv2dFunction
from mmcv.ops.nms import nms as one_by_one
from mmcv.ops.roi_align import RoIAlignFunction
from torch import Tensor
from torch._C import Block, TensorType
from torch.nn.modules.utils import _pair
from torch.onnx._internal.torchscript_exporter import utils

#: The operator set: DeformConv is there from 19 on.
OPSET = 20

_BATCH, _BOX = torch.tensor([0]), torch.tensor([1, 2, 3, 4])


def _roi_align(g, x, rois, output_size, spatial_scale, sampling_ratio, pool_mode, aligned):
    height, width = _pair(output_size)
    places = g.op("Gather", rois, g.op("Constant", value_t=_BATCH), axis_i=1)
    axis = g.op("Constant", value_t=torch.tensor([1]))
    return g.op(
        "RoiAlign",
        x,
        g.op("Gather", rois, g.op("Constant", value_t=_BOX), axis_i=1),
        g.op("Cast", g.op("Squeeze", places, axis), to_i=torch.onnx.TensorProtoDataType.INT64),
        output_height_i=height,
        output_width_i=width,
        spatial_scale_f=spatial_scale,
        sampling_ratio_i=max(0, sampling_ratio),
        mode_s=pool_mode,
        coordinate_transformation_mode_s="half_pixel" if aligned else "output_half_pixel",
    )


def _modulated(g, x, offset, mask, weight, bias, stride, padding, dilation, groups, parts):
    return _deform(g, (x, weight, offset, bias, mask), stride, padding, dilation, groups, parts)


def _unmodulated(g, x, offset, weight, stride, padding, dilation, groups, parts, *rest):
    return _deform(g, (x, weight, offset), stride, padding, dilation, groups, parts)


def _deform(g, inputs, stride, padding, dilation, groups, parts):
    given = [g.op("Constant", value_t=torch.zeros(0)) if x is None else x for x in inputs]
    return g.op(
        "DeformConv",
        *given,
        strides_i=_pair(stride),
        pads_i=[*_pair(padding), *_pair(padding)],
        dilations_i=_pair(dilation),
        group_i=groups,
        offset_group_i=parts,
    )


_SYMBOLIC = {
    RoIAlignFunction: _roi_align,
    ModulatedDeformConv2dFunction: _modulated,
    DeformConv2dFunction: _unmodulated,
}


@contextmanager
def standard_operators() -> Iterator[None]:
    """Within it ``torch.onnx.export`` writes mmcv's operators as ONNX's, for any size."""
    optimize = utils._optimize_graph

    def for_any_size(graph: object, *args, **kwargs) -> object:
        _forget_sizes(graph)
        return optimize(graph, *args, **kwargs)

    with ExitStack() as stack:
        # Behind an operator whose output it cannot tell, such as padding by what a picture lacks,
        # the exporter takes the sizes of its example for those of all pictures.
        stack.enter_context(patch.object(utils, "_optimize_graph", for_any_size))
        for function, symbolic in _SYMBOLIC.items():
            stack.enter_context(patch.object(function, "symbolic", staticmethod(symbolic)))
        yield


def _forget_sizes(block: Block) -> None:
    for node in block.nodes():
        for value in node.outputs():
            kind = value.type()
            if isinstance(kind, TensorType) and kind.sizes() is not None:
                value.setType(kind.with_sizes([None] * kind.dim()))
        for inner in node.blocks():
            _forget_sizes(inner)


class _Suppression(torch.autograd.Function):
    """ONNX's NonMaxSuppression, of one class."""

    @staticmethod
    def forward(ctx, boxes, scores, iou_thr, score_thr, limit):
        rows = []
        for batch, (places, values) in enumerate(zip(boxes, scores[:, 0], strict=True)):
            passing = (values > score_thr).nonzero()[:, 0]
            kept = one_by_one(places[passing], values[passing], iou_thr)[1][:limit]
            first = torch.full_like(kept, batch)
            rows.append(torch.stack((first, torch.zeros_like(kept), passing[kept]), dim=1))
        return torch.cat(rows)

    @staticmethod
    def symbolic(g, boxes, scores, iou_thr, score_thr, limit):
        values = torch.tensor([limit]), torch.tensor([iou_thr]), torch.tensor([score_thr])
        constants = (g.op("Constant", value_t=value) for value in values)
        return g.op("NonMaxSuppression", boxes, scores, *constants)


#: The score of a box that is none: below all others.
NONE = -1.0


def suppressed(boxes: Tensor, scores: Tensor, nms: Mapping, score_thr: float, limit: int) -> Tensor:
    """Scores of the boxes that non-maximum suppression keeps; ``NONE`` of the others.

    Args:
        boxes: (B, n, 4) corners; those of a row suppress each other.
        scores: (B, n).
        nms: of a config: ``iou_threshold``, the share by which a box that goes overlaps a better
            one, and ``offset``, 1 where boxes hold their last pixels.
        score_thr: boxes whose score is not above it take no part.
        limit: at most so many are kept in a row.
    """
    if nms.get("offset", 0):
        boxes = boxes + boxes.new_tensor([0, 0, 1, 1])
    found = _Suppression.apply(boxes, scores[:, None], nms["iou_threshold"], score_thr, limit)
    kept = torch.zeros_like(scores).index_put((found[:, 0], found[:, 2]), scores.new_ones(()))
    return torch.where(kept > 0, scores, torch.full_like(scores, NONE))


def best(scores: Tensor, limit: int | Tensor) -> tuple[Tensor, Tensor]:
    """The best ``limit`` of every row (B, n), or all n: values and places, descending."""
    count = torch.minimum(torch.as_tensor(scores.shape[1]), torch.as_tensor(limit))
    return torch.topk(scores, count, dim=1)


def taken(values: Tensor, places: Tensor) -> Tensor:
    """Of ``values`` (B, n, c) those at ``places`` (B, k): (B, k, c)."""
    return torch.gather(values, 1, places[..., None].expand(-1, -1, values.shape[2]))
