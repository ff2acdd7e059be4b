"""What cannot be exported, in a line, before any work."""

from mmcv.ops import DeformConv2d, ModulatedDeformConv2d, RoIAlign
from mmdet.models.roi_heads import StandardRoIHead
from mmdet.models.roi_heads.roi_extractors import SingleRoIExtractor
from mmdet.models.task_modules.coders import DeltaXYWHBBoxCoder, LegacyDeltaXYWHBBoxCoder
from torch import nn

from mmpanonas.errors import InputError
from mmpanonas.models import AutoPanoptic, AutoPanopticFusionHead, SharedSemanticHead

#: Operators of mmcv that ONNX has.
_KNOWN = (DeformConv2d, ModulatedDeformConv2d, RoIAlign)
_CODERS = (DeltaXYWHBBoxCoder, LegacyDeltaXYWHBBoxCoder)


def check_form(model: nn.Module, form: str) -> None:
    """Raise ``InputError`` unless the model can be exported in the form, see ``FORMS``."""
    whole = model.backbone if form == "backbone" else model
    for name, module in whole.named_modules():
        _check_operator(name or "backbone", module)
    if form == "backbone":
        return
    if not isinstance(model, AutoPanoptic):
        raise InputError(
            f"a {type(model).__name__} is exported as its backbone alone: give --backbone"
        )
    _check_things(model)
    if form == "panoptic":
        _expect(
            "model.panoptic_fusion_head", model.panoptic_fusion_head, AutoPanopticFusionHead, True
        )
        _expect("model.semantic_head", model.semantic_head, SharedSemanticHead, True)


def _check_operator(name: str, module: nn.Module) -> None:
    kind = next((k for k in type(module).__mro__ if k.__module__.startswith("mmcv.ops.")), None)
    if kind and not isinstance(module, _KNOWN):
        raise InputError(f"{name}: mmcv's {kind.__name__} has no ONNX form: use another operation")
    if isinstance(module, RoIAlign) and module.pool_mode != "avg":
        raise InputError(f"{name}: RoIAlign with pool_mode={module.pool_mode!r} has no ONNX form")


def _check_things(model: nn.Module) -> None:
    if not model.has_things:
        return
    head = model.roi_head
    if type(head) is not StandardRoIHead:
        _expect("model.roi_head", head, StandardRoIHead)
    for name in ("bbox_roi_extractor", "mask_roi_extractor"):
        _expect(f"model.roi_head.{name}", getattr(head, name), SingleRoIExtractor)
    for name, coder in (
        ("rpn_head", model.rpn_head.bbox_coder),
        ("roi_head.bbox_head", head.bbox_head.bbox_coder),
    ):
        if not isinstance(coder, _CODERS) or getattr(coder, "add_ctr_clamp", False):
            _refuse(f"model.{name}.bbox_coder", coder, "DeltaXYWHBBoxCoder")
    for name, config in (("rpn", model.rpn_head.test_cfg), ("rcnn", head.test_cfg)):
        others = set(config.nms) - {"type", "iou_threshold", "offset"}
        if config.nms.get("type", "nms") != "nms" or others:
            raise InputError(
                f"model.test_cfg.{name}.nms is {dict(config.nms)}: ONNX has "
                f"dict(type='nms', iou_threshold=...)"
            )


def _expect(key: str, part: object, kind: type, raw: bool = False) -> None:
    if not isinstance(part, kind):
        _refuse(key, part, kind.__name__, "; --raw leaves the fusion to you" if raw else "")


def _refuse(key: str, part: object, expected: str, advice: str = "") -> None:
    raise InputError(
        f"{key} is a {type(part).__name__}, which has no ONNX form here: expected {expected}"
        f"{advice}"
    )
