"""The detector: its space, paths by name, the fixed network, prediction for less work."""

import copy

import pytest
import torch
from mmdet.models.detectors import TwoStagePanopticSegmentor
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample

from mmpanonas.models.mask_crops import whole_masks
from mmpanonas.space import Arch, ArchError
from tests.conftest import SEED, shapes_arch


@pytest.fixture
def config(shapes_config):
    return shapes_config("supernet")


def build(config, arch=None):
    torch.manual_seed(SEED)
    config.model.arch = arch
    return MODELS.build(config.model)


def test_space_and_active_arch(config):
    model = build(config)
    assert model.search_space.size == 4**10 * 6**3 * 3**9
    assert model.search_space.window == 12
    arch = model.search_space.fair_path(0, 1)
    model.set_arch(arch)
    assert model.active_arch == arch
    model.set_arch(arch.to_dict())
    assert model.active_arch == arch
    with pytest.raises(ArchError, match="expected 10 choices, got 40"):
        model.set_arch("configs/auto_panoptic/archs/coco.json")


def test_fixed_network_is_its_own_space(config, tmp_path):
    arch = shapes_arch("xception", "at_5x5", "r16")
    arch.dump(tmp_path / "arch.json")
    for given in (arch.to_dict(), str(tmp_path / "arch.json")):
        model = build(config, given)
        assert model.active_arch == arch
        assert model.search_space.size == 1
    with pytest.raises(ArchError, match="is fixed to"):
        model.set_arch(shapes_arch("shuffle_3x3", "at_5x5", "r16"))


def eager(config, **options):
    """A random network that finds things in every box, of any size, and is sure of some.

    Of the box head's classes the background never wins, and the others' scores are far apart; the
    masks' logits have both signs, since the weights of a class add up to 0.
    """
    config.merge_from_dict({f"model.{key}": value for key, value in options.items()})
    config.model.test_cfg.panoptic.update(thing_area_limit=0, stuff_area_limit=0)
    model = build(config).eval()
    model.set_arch(model.search_space.fair_path(0, 3))
    with torch.no_grad():
        model.semantic_head.conv_logits.weight.mul_(1000)
        model.roi_head.bbox_head.fc_cls.weight.mul_(100)
        model.roi_head.bbox_head.fc_cls.bias[-1] = -1e4
        masks = model.roi_head.mask_head.conv_logits.weight
        masks -= masks.mean(1, keepdim=True)
    return model


def pictures() -> tuple[torch.Tensor, list[DetDataSample]]:
    """Two pictures in one batch, of other original sizes; the second is padded."""
    generator = torch.Generator().manual_seed(0)
    samples = []
    for shown, original in (((64, 96), (45, 70)), ((60, 71), (90, 107))):
        scale = (shown[1] / original[1], shown[0] / original[0])
        meta = dict(img_shape=shown, ori_shape=original, scale_factor=scale)
        samples.append(DetDataSample(metainfo=meta | dict(batch_input_shape=(64, 96))))
    return torch.randn(2, 3, 64, 96, generator=generator), samples


HEURISTIC = {
    "panoptic_fusion_head.type": "HeuristicFusionHead",
    "test_cfg.rcnn.score_thr": 0.5,
    "test_cfg.panoptic": dict(_delete_=True, mask_overlap=0.5),
}

PANOPTIC_FPN = {
    "things_to_stuff": None,
    "stuff_to_things": None,
    "semantic_head": dict(
        _delete_=True,
        type="PanopticFPNHead",
        num_things_classes=6,
        num_stuff_classes=4,
        in_channels=32,
        inner_channels=32,
    ),
}


@torch.no_grad()
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"test_cfg.rcnn.score_thr": 0.05, "test_cfg.rcnn.max_per_img": 100},
        {"test_cfg.panoptic.score_thr": 0.9},
        {"test_cfg.panoptic.score_thr": 1.0},  # nothing passes
        {"roi_head.mask_head": dict(type="FCNMaskHead")},
        {"roi_head.mask_head.whole_pixels": True, "semantic_head.align_corners": True},
        {"roi_head.mask_head.class_agnostic": True},
        HEURISTIC,
        PANOPTIC_FPN,
    ],
    ids=lambda options: next(iter(options), "as configured"),
)
def test_prediction_is_mmdetections(config, options, monkeypatch):
    """From whole masks of all detections and logits at the picture's size: the same maps."""
    model, (inputs, samples) = eager(config, **options), pictures()
    # MMDetection gives all heads what the RPN gets.
    features, head = model.features(inputs), model.semantic_head.forward
    monkeypatch.setattr(model.semantic_head, "forward", lambda x: head(features))
    expected = TwoStagePanopticSegmentor.predict(model, inputs, copy.deepcopy(samples))
    monkeypatch.undo()
    for ours, theirs in zip(model.predict(inputs, samples), expected, strict=True):
        assert torch.equal(ours.pred_panoptic_seg.sem_seg, theirs.pred_panoptic_seg.sem_seg)
        assert ours.pred_panoptic_seg.sem_seg.shape[1:] == ours.ori_shape
    instances = [ours.pred_panoptic_seg.sem_seg.max() // 1000 for ours in samples]
    few = options.get("test_cfg.panoptic.score_thr") == 1.0
    assert max(instances) == 0 if few else min(instances) > 2


@torch.no_grad()
def test_things_below_the_fusions_limit_get_no_mask(config):
    """The rest have boxes, scores and masks as ``roi_head.predict`` gives them, to the bit."""
    model = eager(config, **{"test_cfg.rcnn.score_thr": 0.05, "test_cfg.rcnn.max_per_img": 100})
    inputs, samples = pictures()
    regions = []
    model.roi_head.mask_roi_extractor.register_forward_hook(lambda m, i, o: regions.append(i[1]))
    x = model.extract_feat(inputs)
    things = model.predict_things(x, samples)
    proposals = model.rpn_head.predict(x, samples, rescale=False)
    every = model.roi_head.predict(x, proposals, samples, rescale=True)
    limit = model.panoptic_fusion_head.rules.score_thr
    assert [len(r) for r in regions] == [sum(map(len, things)), sum(map(len, every))]
    assert len(regions[0]) < len(regions[1])
    for found, whole, sample in zip(things, every, samples, strict=True):
        passing = whole[whole.scores >= limit]
        for key in ("bboxes", "scores", "labels"):
            assert torch.equal(found[key], passing[key])
        assert torch.equal(whole_masks(found.masks, sample.ori_shape), passing.masks)


def whole(config):
    for name in ("things_to_stuff", "stuff_to_things"):
        config.model[name].whole = True
    return config


def test_an_attention_that_is_whole_may_be_left_out(config):
    """A path without it computes what the network without it does, and trains none of it."""
    model = build(whole(config))
    assert model.search_space.size == 4**10 * 6**3 * 4**2
    full = shapes_arch("shuffle_5x5", "dw_5x5", "r8")
    without = Arch(full.backbone, full.mask_head, full.semantic_head)
    x = torch.randn(1, 3, 64, 64)
    outputs = {}
    for arch in (full, without):
        model.set_arch(arch)
        assert model.active_arch == arch
        outputs[arch] = model.extract_feat(x)
    sum(level.sum() for level in outputs[without]).backward()
    assert all(p.grad is None for p in model.things_to_stuff.parameters())
    assert not torch.allclose(outputs[full][0], outputs[without][0])
    fixed = build(config, without)
    assert (fixed.things_to_stuff, fixed.stuff_to_things) == (None, None)
    state = {k: v for k, v in model.state_dict().items() if k in fixed.state_dict()}
    fixed.load_state_dict(state)
    assert fixed.active_arch == without
    model.eval(), fixed.eval()
    for ours, theirs in zip(model.extract_feat(x), fixed.extract_feat(x), strict=True):
        assert torch.equal(ours, theirs)


def test_a_fixed_network_has_the_attention_of_its_architecture(config):
    arch = shapes_arch()
    model = build(whole(config), arch)
    assert model.active_arch == arch
    assert model.search_space.size == 1
    with pytest.raises(ArchError, match="lacks backbone"):
        build(config, Arch(mask_head=arch.mask_head))
