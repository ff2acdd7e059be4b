"""Converted weights compute, in the shipped config, what the released code computed."""

import numpy as np
import pytest
import torch
from mmdet.registry import MODELS
from mmdet.structures.bbox import bbox2roi
from mmengine.config import Config
from torch import Tensor

from mmpanonas.convert import Released, convert
from mmpanonas.convert.naming import Naming
from mmpanonas.models import AutoPanoptic, SearchableShuffleNetV2
from mmpanonas.space import Arch
from tests import reference

COCO = "configs/auto_panoptic/archs/coco.json"


def small_detector(width: int, arch: object = COCO) -> AutoPanoptic:
    """The shipped network, as narrow as the arrays: a pyramid of ``width`` channels."""
    config = Config.fromfile("configs/auto_panoptic/coco/released_retrain.py")
    widths = {
        "arch": arch,
        "backbone.channels": (8, 16, 24, 32, 48),
        "neck.in_channels": [16, 24, 32, 48],
        "neck.out_channels": width,
        "rpn_head.in_channels": width,
        "roi_head.bbox_roi_extractor.out_channels": width,
        "roi_head.bbox_head.in_channels": width,
        "roi_head.bbox_head.fc_out_channels": 96,
        "roi_head.bbox_head.num_classes": 8,
        "roi_head.mask_roi_extractor.out_channels": width,
        "roi_head.mask_head.in_channels": width,
        "roi_head.mask_head.conv_out_channels": width,
        "roi_head.mask_head.num_classes": 8,
        "semantic_head.in_channels": width,
        "semantic_head.channels": 32,
        "things_to_stuff.in_channels": 4 * width,
        "things_to_stuff.out_channels": 32,
        "stuff_to_things.in_channels": 4 * 32,
        "stuff_to_things.out_channels": width,
    }
    config.merge_from_dict({f"model.{key}": value for key, value in widths.items()})
    return MODELS.build(config.model).eval()


def fill(model: AutoPanoptic, state: dict, naming: Naming, *parts: str) -> dict[str, str]:
    """Convert ``state`` into the named parts of the model; returns what was dropped."""
    target = {key: value for key, value in model.state_dict().items() if key.startswith(parts)}
    conversion = convert(state, target, naming)
    model.load_state_dict(conversion.state, strict=False)
    return conversion.dropped


def arrays_of(file: str) -> dict[str, np.ndarray]:
    arrays = reference.load(file)
    arrays.pop("dcn_impl", None)
    return arrays


def state_of(arrays: dict, case: str, prefix: str) -> dict[str, Tensor]:
    state = reference.released_state(arrays, case)
    return {prefix + key: value for key, value in state.items()}


def close(actual: Tensor, expected: np.ndarray) -> None:
    torch.testing.assert_close(actual, torch.from_numpy(expected), rtol=0, atol=1e-4)


def test_backbone_pyramid_and_regions():
    """One state dict of three files, as far as they go; the fourth holds the other half."""
    body, pyramid, heads = map(arrays_of, ("backbone_coco.npz", "fpn.npz", "roi_heads.npz"))
    state = state_of(body, "body/state/", "backbone.body.")
    state |= state_of(pyramid, "fpn/state/", "backbone.fpn.")
    state |= state_of(heads, "roi_heads/state/", "roi_heads.")
    model, naming = small_detector(32), Naming("backbone.body.", False, (8, 8, 16, 8))
    dropped = fill(model, state, naming, "backbone.", "neck.", "roi_head.")
    assert {name.split(".")[2] for name in dropped} == {
        *("fpn_inner1", "fpn_layer1"),
        "predictor",  # rows of the background
    }
    with torch.no_grad():
        outputs = model.backbone(torch.from_numpy(body["input"]))
        levels = model.neck([torch.from_numpy(pyramid[f"input{level}"]) for level in range(4)])
    for level, tolerance in enumerate((1e-5, 1e-5, 1e-3, 1e-3)):  # see test_backbone.py
        reference.assert_close(outputs[level], body[f"output{level}"], tolerance)
    for level, output in enumerate(levels, 2):
        reference.assert_close(output, pyramid[f"output_p{level}"])
    check_regions(model, heads)


def check_regions(model: AutoPanoptic, arrays: dict[str, np.ndarray]) -> None:
    """From the pyramid and boxes to classes, box deltas and masks, classes in our order."""
    levels = tuple(torch.from_numpy(arrays[f"input_p{level}"]) for level in range(2, 6))
    rois = bbox2roi([torch.from_numpy(arrays[f"boxes{n}"]) for n in range(2)])
    head = model.roi_head
    found = head.bbox_roi_extractor.map_roi_levels(rois, 4)
    assert found.tolist() == arrays["levels"].tolist()
    with torch.no_grad():
        boxes, masks = (e(levels, rois) for e in (head.bbox_roi_extractor, head.mask_roi_extractor))
        scores, deltas = head.bbox_head(boxes)
        logits = head.mask_head(masks)
    close(boxes[: len(arrays["box_pooled"])], arrays["box_pooled"])
    close(masks[: len(arrays["mask_pooled"])], arrays["mask_pooled"])
    close(scores.roll(1, 1), arrays["box_cls_logits"])
    close(deltas, arrays["box_regression"][:, 4:])
    close(logits, arrays["mask_logits"][:, 1:])


@pytest.mark.parametrize("case", ["searched", "supernet"])
def test_stuff_branch_and_attention(case):
    """A path of the supernet is a fixed network whose weights have the supernet's names."""
    arrays = arrays_of("semantic_branch.npz")
    arch = Arch.load(COCO)
    if case == "supernet":
        codes = arrays["supernet/rngs"].tolist()
        arch = Arch.load([dict(backbone=[0] * 40, head=codes[-16:-9], inter=codes[-9:])])
    model = small_detector(64, arch)
    state = state_of(arrays, f"{case}/state/", "")
    naming = Naming("backbone.", case == "supernet", (8, 8, 16, 8))
    parts = ("semantic_head.", "things_to_stuff.", "stuff_to_things.")
    assert not fill(model, state, naming, *parts)
    levels = [torch.from_numpy(arrays[f"{case}/input_p{level}"]) for level in range(2, 7)]
    with torch.no_grad():
        pyramid = model.attend(levels)
        logits = model.semantic_head(pyramid)["seg_preds"]
    close(torch.cat(pyramid.semantic, dim=1), arrays[f"{case}/score_input"])
    close(logits.roll(1, 1), arrays[f"{case}/score"])
    for number, level in enumerate(pyramid.levels, 2):
        close(level, arrays[f"{case}/modulated_p{number}"])


def test_supernet_backbone():
    arrays = arrays_of("supernet_train_step.npz")
    released = Released.inspect(state_of(arrays, "body/state/", ""))
    assert released.kind == "supernet"
    widths = dict(channels=released.channels, blocks=released.naming.blocks)
    backbone = SearchableShuffleNetV2(**widths).train()
    target = {f"backbone.{key}": value for key, value in backbone.state_dict().items()}
    state = convert(released.state, target, released.naming).state
    backbone.load_state_dict({key.removeprefix("backbone."): state[key] for key in state})
    backbone.set_arch([dict(backbone=arrays["rngs"].tolist())])
    outputs = backbone(torch.from_numpy(arrays["input"]))
    for level, output in enumerate(outputs):
        reference.assert_close(output.detach(), arrays[f"batchnorm2d/output{level}"])
