"""Conventions of the released code, worked out by hand from Detectron's rules."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mmdet.models.layers import multiclass_nms
from mmdet.models.roi_heads.roi_extractors import SingleRoIExtractor
from mmengine.config import Config

from mmpanonas.models.mask_crops import cut_masks, whole_masks
from mmpanonas.models.released import (
    DetectronAnchorGenerator,
    DetectronBoxCoder,
    DetectronRoIExtractor,
    paste_in_whole_pixels,
)

#: At each stride: width and height of ratio 0.5 are e.g. 4 * sqrt(2) = 5.66, rounded 6, and
#: 6 * 0.5 = 3, both times 8; a half rounds to the even number (22.5 to 22 at stride 32).
ANCHORS = {
    4: [(-22, -10, 25, 13), (-14, -14, 17, 17), (-10, -22, 13, 25)],
    8: [(-40, -20, 47, 27), (-28, -28, 35, 35), (-20, -44, 27, 51)],
    16: [(-84, -40, 99, 55), (-56, -56, 71, 71), (-36, -80, 51, 95)],
    32: [(-164, -72, 195, 103), (-112, -112, 143, 143), (-76, -168, 107, 199)],
    64: [(-332, -152, 395, 215), (-224, -224, 287, 287), (-148, -328, 211, 391)],
}


def test_anchors_are_detectrons():
    generator = DetectronAnchorGenerator(strides=list(ANCHORS), ratios=[0.5, 1.0, 2.0], scales=[8])
    for level, (stride, expected) in enumerate(ANCHORS.items()):
        assert generator.base_anchors[level].tolist() == [list(map(float, a)) for a in expected]
        second = generator.single_level_grid_priors((2, 2), level, device="cpu")[3]
        assert second.tolist() == [x + d for x, d in zip(expected[0], (stride, 0) * 2, strict=True)]


def test_every_scale_of_a_ratio_follows_the_one_before():
    generator = DetectronAnchorGenerator(strides=[4], ratios=[1.0, 4.0], scales=[1, 2])
    widths = generator.base_anchors[0][:, 2] - generator.base_anchors[0][:, 0] + 1
    heights = generator.base_anchors[0][:, 3] - generator.base_anchors[0][:, 1] + 1
    assert widths.tolist() == [4, 8, 2, 4]
    assert heights.tolist() == [4, 8, 8, 16]


def test_boxes_hold_their_last_pixels_when_decoded():
    coder = DetectronBoxCoder()
    box = torch.tensor([[0.0, 0, 9, 9]]).repeat(3, 1)  # ten pixels wide
    deltas = torch.tensor([[0, 0, 0, 0], [0.1, 0, 0, 0], [0, 0, math.log(2), 0]])
    expected = torch.tensor([[0.0, 0, 9, 9], [1, 0, 10, 9], [-5, 0, 14, 9]])
    torch.testing.assert_close(coder.decode(box, deltas), expected)
    within = coder.decode(box, deltas, max_shape=(8, 12))
    torch.testing.assert_close(within, torch.tensor([[0.0, 0, 9, 7], [1, 0, 10, 7], [0, 0, 11, 7]]))
    assert torch.equal(
        coder.decode(box[:1], deltas.view(1, 12))[0, 4:8], within.new_tensor([1, 0, 10, 9])
    )


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0, 500), min_size=8, max_size=8))
def test_decoding_undoes_encoding(numbers):
    first, second = torch.tensor(numbers).view(2, 1, 4)
    boxes = [torch.cat((b[:, :2], b[:, :2] + 8 + b[:, 2:]), dim=1) for b in (first, second)]
    coder = DetectronBoxCoder(target_stds=(0.1, 0.1, 0.2, 0.2))
    again = coder.decode(boxes[0], coder.encode(*boxes))
    kept = (boxes[1][:, 2:] - boxes[1][:, :2] + 1) / (boxes[0][:, 2:] - boxes[0][:, :2] + 1)
    if (kept.log().abs() < math.log(1000 / 16)).all():
        torch.testing.assert_close(again, boxes[1], atol=1e-2, rtol=1e-4)


def test_a_region_of_112_pixels_is_of_the_second_level():
    options = dict(
        roi_layer=dict(type="RoIAlign", output_size=7, sampling_ratio=2, aligned=False),
        out_channels=1,
        featmap_strides=[4, 8, 16, 32],
    )
    rois = torch.tensor([[0.0, 0, 0, size - 1, size - 1] for size in (111, 112, 224, 448, 900)])
    assert DetectronRoIExtractor(**options).map_roi_levels(rois, 4).tolist() == [0, 1, 2, 3, 3]
    assert SingleRoIExtractor(**options).map_roi_levels(rois, 4).tolist() == [0, 0, 1, 2, 3]


@pytest.mark.parametrize("name", ["released_retrain", "released_supernet"])
def test_the_configs_suppression_counts_last_pixels(name):
    """Half of a box of ten by ten pixels; between the corners it is 36 of 81."""
    test_cfg = Config.fromfile(f"configs/auto_panoptic/coco/{name}.py").model.test_cfg
    boxes = torch.tensor([[0.0, 0, 9, 9], [0, 0, 9, 4]])
    scores = torch.tensor([[0.9, 0.0], [0.8, 0.0]])  # one class, then the background
    for cfg in (test_cfg.rpn.nms, test_cfg.rcnn.nms):
        left = {}
        for offset in (0, 1):
            chosen = dict(cfg, iou_threshold=0.47, offset=offset)
            left[offset] = len(multiclass_nms(boxes, scores, 0.05, chosen)[0])
        assert cfg.offset == 1
        assert left == {0: 2, 1: 1}


def picture_of(mask, box, size):
    return whole_masks([paste_in_whole_pixels(mask, torch.tensor(box), size, 0.5)], size)[0]


def test_a_mask_is_pasted_into_whole_pixels():
    """A box 10 to 37 grows by 30 / 28 to 9.04 .. 37.96, so to the pixels 9 .. 37; the border of
    zeros takes the first and the last of these 29."""
    mask = torch.ones(28, 28)
    picture = picture_of(mask, [10.0, 20, 37, 47], (60, 50))
    rows, columns = picture.nonzero().T
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (20, 46, 10, 36)
    assert picture.sum() == 27 * 27
    assert picture.shape == (60, 50)
    partly = picture_of(mask, [40.0, -10, 67, 17], (60, 50))
    assert partly.sum() == 10 * 17
    assert partly[:17, 40:].all()
    assert not picture_of(mask, [70.0, 80, 97, 107], (60, 50)).any()


@settings(max_examples=100, deadline=None)
@given(st.tuples(*[st.floats(0, 39)] * 2, *[st.floats(0.0, 30)] * 2))
def test_a_pasted_mask_lies_where_fusion_looks_for_it(numbers):
    x, y, width, height = numbers
    box = [x, y, min(x + width, 47), min(y + height, 41)]
    masks = picture_of(torch.ones(28, 28), box, (42, 48))[None]
    assert torch.equal(whole_masks(cut_masks(masks, torch.tensor([box])), (42, 48)), masks)
