"""The searchable mask head: the released arrays, its space, the fixed head."""

import pytest
import torch
from mmdet.models.roi_heads.roi_extractors import SingleRoIExtractor
from mmdet.structures.bbox import bbox2roi
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData

from mmpanonas.models.mask_head import SearchableMaskHead
from mmpanonas.space import HEAD_CHOICES, Arch, ArchError
from tests import reference

COCO = "configs/auto_panoptic/archs/coco.json"
SMALL = dict(num_convs=3, in_channels=8, conv_out_channels=16, num_classes=5)
GN = dict(type="GN", num_groups=4)


def test_published_branch_equals_released_code():
    """From the pyramid to the logits; the released RoIAlign has no half-pixel shift."""
    arrays = {k: v for k, v in reference.load("roi_heads.npz").items() if k != "dcn_impl"}
    codes = arrays["mask_architecture"].tolist()
    assert tuple(HEAD_CHOICES[code] for code in codes) == Arch.load(COCO).mask_head
    head = SearchableMaskHead(
        arch=COCO,
        in_channels=32,
        conv_out_channels=32,
        num_classes=9,
        norm_cfg=dict(type="GN", num_groups=32),
    ).eval()
    reference.load_in_order(head, reference.released_state(arrays, "roi_heads/state/mask."))
    extractor = SingleRoIExtractor(
        roi_layer=dict(type="RoIAlign", output_size=14, sampling_ratio=2, aligned=False),
        out_channels=32,
        featmap_strides=[4, 8, 16, 32],
    )
    levels = tuple(torch.from_numpy(arrays[f"input_p{level}"]) for level in range(2, 6))
    rois = bbox2roi([torch.from_numpy(arrays[f"boxes{n}"]) for n in range(2)])
    with torch.no_grad():
        pooled = extractor(levels, rois)
        logits = head(pooled)
    reference.assert_close(pooled[:2], arrays["mask_pooled"])
    reference.assert_close(logits, arrays["mask_logits"])


def test_layers_of_supernet_and_fixed_head():
    supernet = SearchableMaskHead(**SMALL, norm_cfg=GN)
    assert supernet.part.layers == 3
    assert [tuple(layer) for layer in supernet.convs] == [HEAD_CHOICES] * 3
    arch = Arch(mask_head=("df_5x5", "at_3x3", "dw_5x5"))
    fixed = SearchableMaskHead(**SMALL, norm_cfg=GN, arch=arch)
    assert [tuple(layer) for layer in fixed.convs] == [(choice,) for choice in arch.mask_head]
    assert not fixed.load_state_dict(supernet.state_dict(), strict=False).missing_keys
    supernet.set_arch(arch)
    x = torch.randn(2, 8, 14, 14)
    assert torch.equal(fixed(x), supernet(x))
    assert fixed(x).shape == (2, 5, 28, 28)
    keys = [key for key in fixed.state_dict() if key.startswith("convs.0.")]
    assert all(key.startswith("convs.0.df_5x5.") for key in keys)


def test_architectures_that_do_not_fit_are_refused():
    with pytest.raises(ArchError, match="lacks mask_head"):
        SearchableMaskHead(**SMALL, norm_cfg=GN, arch=Arch(backbone=("xception",)))
    with pytest.raises(ArchError, match="mask_head: expected 3 choices, got 4"):
        SearchableMaskHead(**SMALL, norm_cfg=GN, arch=COCO)


def test_masks_in_whole_pixels_of_the_original_picture():
    """Two masks of the second class, in a picture that was shown at twice its size."""
    head = SearchableMaskHead(**SMALL, norm_cfg=GN, whole_pixels=True)
    logits = torch.full((2, 5, 28, 28), -9.0)
    logits[:, 1] = 9.0
    boxes = torch.tensor([[20.0, 40, 74, 94], [0, 0, 0, 0]])
    meta = dict(img_shape=(120, 100), ori_shape=(60, 50), scale_factor=(2.0, 2.0))
    found = InstanceData(bboxes=boxes, labels=torch.tensor([1, 2]))
    config = ConfigDict(mask_thr_binary=0.5)
    (result,) = head.predict_by_feat((logits,), [found], [meta], config, rescale=True)
    expected = torch.zeros(60, 50, dtype=torch.bool)
    expected[20:47, 10:37] = True  # box 10, 20, 37, 47: see test_detectron.py
    assert torch.equal(result.masks[0], expected)
    assert result.bboxes[0].tolist() == [10, 20, 37, 47]
    assert not result.masks[1].any()
    found = InstanceData(bboxes=boxes, labels=torch.tensor([1, 2]))
    (shown,) = head.predict_by_feat((logits,), [found], [meta], config, rescale=False)
    assert shown.masks.shape == (2, 120, 100)
