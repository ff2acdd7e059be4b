"""What is exported, run by PyTorch: MMDetection's things, and the fusion's maps."""

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData

from mmpanonas.deployment.fusion import Fusion
from mmpanonas.deployment.networks import Prepared
from mmpanonas.deployment.things import Things, find_things
from mmpanonas.models import AutoPanopticFusionHead, SearchableMaskHead
from mmpanonas.models.mask_head import paste_masks
from tests.deployment.networks import config, eager, picture, prepared

RELEASED = {
    "rpn_head.anchor_generator.type": "DetectronAnchorGenerator",
    "rpn_head.bbox_coder.type": "DetectronBoxCoder",
    "roi_head.bbox_roi_extractor.type": "DetectronRoIExtractor",
    "roi_head.bbox_roi_extractor.roi_layer.aligned": False,
    "roi_head.bbox_head.bbox_coder.type": "DetectronBoxCoder",
    "test_cfg.rpn.nms.offset": 1,
    "test_cfg.rcnn.nms.offset": 1,
}


@torch.no_grad()
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"test_cfg.rcnn.score_thr": 0.3, "test_cfg.rpn.min_bbox_size": 20},
        {"roi_head.bbox_head.reg_class_agnostic": True, "roi_head.mask_head.class_agnostic": 1},
        {"test_cfg.panoptic.score_thr": 1.0},  # nothing passes
        RELEASED,
    ],
    ids=lambda options: next(iter(options), "as configured"),
)
def test_things_are_mmdetections(options):
    model, own = eager(config(**options)), (70, 95)
    inputs, samples = prepared(model, picture(96, 130), own)
    features = model.extract_feat(inputs)
    least = model.panoptic_fusion_head.rules.score_thr
    found = find_things(model, features, (96, 130), least)
    head, meta = model.roi_head, [samples[0].metainfo]
    proposals = model.rpn_head.predict(features, samples, rescale=False)
    expected = head.predict_bbox(features, meta, proposals, head.test_cfg)[0]
    expected = expected[expected.scores >= least]
    assert len(expected) > 2 or options.get("test_cfg.panoptic.score_thr") == 1
    assert found.labels.tolist() == expected.labels.tolist()
    torch.testing.assert_close(found.scores, expected.scores, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(found.boxes, expected.bboxes, rtol=1e-4, atol=1e-3)
    if not len(expected):
        return
    rois = torch.cat((torch.zeros(len(expected), 1), expected.bboxes), dim=1)
    logits = head._mask_forward(features, rois)["mask_preds"]
    channels = 0 if head.mask_head.class_agnostic else expected.labels
    masks = logits[torch.arange(len(logits)), channels].sigmoid()
    torch.testing.assert_close(found.masks, masks, rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_pictures_of_a_batch_do_not_see_each_other():
    model = eager(config())
    prepare = Prepared(model.data_preprocessor)
    batch = torch.from_numpy(np.stack([picture(64, 90, seed) for seed in range(3)]))
    together = find_things(model, model.extract_feat(prepare(batch)), (64, 90), 0.5)
    for number in range(3):
        features = model.extract_feat(prepare(batch[number : number + 1]))
        alone = find_things(model, features, (64, 90), 0.5)
        mine = together.picture_index == number
        assert len(alone.labels) > 2
        assert together.labels[mine].tolist() == alone.labels.tolist()
        torch.testing.assert_close(together.boxes[mine], alone.boxes, rtol=1e-4, atol=1e-3)


def random_things(rng: np.random.Generator, count: int, size: tuple[int, int]) -> Things:
    """Blobs in boxes, two of which have no area, of equal scores here and there."""
    corners = rng.uniform(0, 1, (count, 2, 2)) * size[::-1]
    boxes = np.concatenate((corners.min(1), corners.max(1)), axis=1).astype(np.float32)
    boxes[:2, 2] = boxes[:2, 0]
    scores = np.sort(rng.integers(5, 11, count) / 10)[::-1].astype(np.float32)
    masks = rng.uniform(0, 1, (count, 14, 14)).astype(np.float32) ** 0.5
    values = (rng.integers(0, 6, count), boxes, scores, rng.integers(0, 6, count), masks)
    things = Things(*(torch.from_numpy(value.copy()) for value in values))
    return things._replace(picture_index=torch.zeros(count, dtype=torch.int64))


@pytest.mark.parametrize("preset", ["paper", "released"])
@pytest.mark.parametrize("whole_pixels", [False, True])
@pytest.mark.parametrize("limits", [{}, dict(area_limits_at=(128, 128), thing_area_limit=2000)])
def test_maps_are_the_fusions(preset, whole_pixels, limits):
    rules = dict(thing_area_limit=60, stuff_area_limit=90, overlap_thr=0.3) | limits
    head = AutoPanopticFusionHead(6, 4, preset, rules)
    mask_head = SearchableMaskHead(num_classes=6, class_agnostic=True, whole_pixels=whole_pixels)
    fusion, rng = Fusion(head, 0.5, whole_pixels), np.random.default_rng(0)
    for count in (0, 1, 2, 8, 20):
        things = random_things(rng, count, (48, 70))
        stuff = torch.from_numpy(rng.integers(0, 5, (48, 70)) + 6)
        stuff[:40] = 7
        logits = things.masks.logit()[:, None]
        crops = paste_masks(mask_head, logits, things.boxes, things.labels, (48, 70), 0.5)
        results = InstanceData(labels=things.labels, scores=things.scores, masks=crops)
        expected = head.predict([results], [stuff - 6])[0].sem_seg[0].numpy()
        ids, segments = fusion(things, stuff)
        unlike = (ids.numpy() != np.where(expected == 10, 0, expected + 1)).sum()
        assert unlike <= 1, count  # a pixel on the threshold itself
        numbers, areas = np.unique(ids.numpy()[ids.numpy() > 0], return_counts=True)
        rows = zip(numbers, (numbers - 1) % 1000, areas, strict=True)
        assert segments.tolist() == [list(map(int, row)) for row in rows]
