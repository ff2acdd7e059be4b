"""Crops of masks: what MMDetection's mask head pastes, to the last pixel, and the same fusion."""

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from mmdet.models.roi_heads.mask_heads import FCNMaskHead
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData

from mmpanonas.models.fusion import PRESETS, FusionRules, fuse
from mmpanonas.models.mask_crops import MaskCrop, _to_cpu, cut_masks, whole_masks
from mmpanonas.models.mask_head import paste_masks

HEIGHT, WIDTH = 42, 57
SIDES = st.floats(0, WIDTH, width=32) | st.integers(0, WIDTH).map(float)


@st.composite
def found_things(draw):
    """Boxes within the picture, some without area, and logits that often cross the threshold."""
    boxes = torch.tensor(draw(st.lists(st.tuples(*[SIDES] * 4), min_size=1, max_size=5)))
    boxes = torch.cat([boxes[:, :2].minimum(boxes[:, 2:]), boxes[:, :2].maximum(boxes[:, 2:])], 1)
    boxes = boxes.minimum(torch.tensor([WIDTH, HEIGHT] * 2))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**32)))
    classes, side = draw(st.sampled_from([1, 2, 3])), draw(st.sampled_from([1, 14, 28]))
    logits = torch.randn(len(boxes), classes, side, side, generator=generator)
    labels = torch.randint(3, (len(boxes),), generator=generator)
    scores = torch.rand(len(boxes), generator=generator)
    return boxes, logits, labels % classes, scores


@settings(max_examples=150, deadline=None)
@given(found_things(), st.sampled_from([0.0, 0.3, 0.5, 0.8, 1.0]))
@example(
    (torch.tensor([[3.5, 4, 3.5, 4]]), torch.zeros(1, 1, 28, 28), *torch.zeros(2, 1, dtype=int)),
    0.5,
)
def test_crops_are_what_mmdetection_pastes(found, threshold):
    boxes, logits, labels, scores = found
    head = FCNMaskHead(num_convs=1, in_channels=1, conv_out_channels=1, num_classes=logits.shape[1])
    results = InstanceData(bboxes=boxes.clone(), labels=labels, scores=scores)
    meta = dict(ori_shape=(HEIGHT, WIDTH), scale_factor=(1.0, 1.0))
    config = ConfigDict(mask_thr_binary=threshold)
    head.predict_by_feat((logits,), [results], [meta], config, rescale=True)
    crops = paste_masks(head, logits, boxes, labels, (HEIGHT, WIDTH), threshold)
    assert torch.equal(whole_masks(crops, (HEIGHT, WIDTH)), results.masks)
    stuff = torch.full((HEIGHT, WIDTH), 5)
    for rules in PRESETS.values():
        rules = FusionRules(score_thr=0.3, thing_area_limit=9, order=rules.order)
        maps = [fuse(m, None, labels, scores, stuff, rules, 9) for m in (crops, results.masks)]
        assert torch.equal(*maps)


def test_a_crop_by_hand():
    """Sure of its left half, four pixels wide: the middles of the pixels to the left are in."""
    logits = torch.tensor([9.0, -9.0]).expand(1, 1, 2, 2)
    head = FCNMaskHead(num_convs=1, in_channels=1, conv_out_channels=1, num_classes=1)
    box = torch.tensor([[2.0, 1, 6, 3]])
    (crop,) = paste_masks(head, logits, box, torch.tensor([0]), (4, 9), 0.5)
    assert crop.window == (slice(0, 4), slice(1, 7))
    assert crop.mask.astype(int).tolist() == [[0] * 6, *[[0, 1, 1, 0, 0, 0]] * 2, [0] * 6]
    assert crop.size == (4, 9)


def test_masks_are_cut_and_made_whole_again():
    masks = torch.rand(4, 6, 7, generator=torch.Generator().manual_seed(0)) > 0.5
    masks[0] = False
    for given_masks in (masks, masks.byte(), masks.float() * 3):
        assert torch.equal(whole_masks(cut_masks(given_masks, None), (6, 7)), masks)
    one = cut_masks(masks, torch.tensor([[1.5, 2, 3, 2.5]] * 4), [2])[0]
    assert one.window == (slice(1, 4), slice(0, 4))
    assert one.mask.tolist() == masks[2, 1:4, :4].tolist()
    assert whole_masks([], (6, 7)).shape == (0, 6, 7)


def test_crops_of_another_picture_are_refused():
    crop = MaskCrop((torch.ones(2, 2) > 0).numpy(), (slice(0, 2), slice(0, 2)), (4, 4))
    with pytest.raises(ValueError, match=r"masks are \(4, 4\) and the stuff map is \(4, 5\)"):
        fuse([crop], None, *torch.ones(2, 1), torch.zeros(4, 5).int(), FusionRules(), 9)


def test_one_transfer_keeps_every_piece():
    pieces = [torch.rand(shape) > 0.5 for shape in ((2, 3), (0, 4), (1, 1), (5, 0), (4, 2))]
    for piece, moved in zip(pieces, _to_cpu(pieces), strict=True):
        assert moved.tolist() == piece.tolist()
    assert _to_cpu([]) == []
