"""Fusion: a slow obvious oracle, hand-computed maps, the arrays of the released program."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mmdet.models.roi_heads.mask_heads import FCNMaskHead
from mmdet.registry import MODELS
from mmdet.structures import INSTANCE_OFFSET
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData

from mmpanonas.models.fusion import PRESETS, FusionRules, fuse
from mmpanonas.models.fusion_head import AutoPanopticFusionHead

REFERENCE = Path(__file__).parents[2] / ".." / "shared" / "reference"
VOID = 9
NONE = np.zeros((0, 4, 4), bool)


def run(masks, labels, scores, stuff, rules, boxes=None):
    return fuse(
        torch.as_tensor(np.asarray(masks)),
        None if boxes is None else torch.as_tensor(boxes),
        torch.as_tensor(np.asarray(labels, np.int64)),
        torch.as_tensor(np.asarray(scores, np.float32)),
        torch.as_tensor(np.asarray(stuff)),
        rules,
        VOID,
    ).numpy()


def oracle_paper(masks, labels, scores, stuff, rules):
    """The paper's rules, pixel by pixel with sets."""
    height, width = np.shape(stuff)
    pixels = [{tuple(p) for p in np.argwhere(mask).tolist()} for mask in masks]
    alive = [i for i in range(len(masks)) if scores[i] >= rules.score_thr and pixels[i]]
    above, kept = set(), []
    for i in sorted(alive, key=lambda i: (-scores[i], i)):
        if len(pixels[i] & above) / len(pixels[i]) > rules.overlap_thr:
            continue
        above |= pixels[i]
        kept.append(i)
    kept = [i for i in kept if len(pixels[i]) >= rules.thing_area_limit]
    kept.sort(key=lambda i: (len(pixels[i]), i))
    return finish(kept, pixels, labels, stuff, rules, height, width)


def oracle_released(masks, labels, scores, stuff, rules):
    """The released order: surer than 0.725 by area, then the rest by score; one pass."""
    height, width = np.shape(stuff)
    pixels = [{tuple(p) for p in np.argwhere(mask).tolist()} for mask in masks]
    alive = [i for i in range(len(masks)) if scores[i] >= rules.score_thr and pixels[i]]
    limit = np.float32(rules.area_order_score_thr)

    def rank(i):
        sure = scores[i] > limit
        return (0, len(pixels[i]), i) if sure else (1, -scores[i], i)

    before, kept = set(), []
    for i in sorted(alive, key=rank):
        if len(pixels[i] & before) / len(pixels[i]) <= rules.overlap_thr:
            before |= pixels[i]
            kept.append(i)
    return finish(kept, pixels, labels, stuff, rules, height, width)


def finish(painted, pixels, labels, stuff, rules, height, width):
    out, taken, number = {}, set(), 0
    for i in painted:
        visible = pixels[i] - taken
        number += bool(visible)
        for p in visible:
            out[p] = labels[i] + number * INSTANCE_OFFSET
        taken |= visible
    left = [(y, x) for y in range(height) for x in range(width) if (y, x) not in taken]
    for p in left:
        mine = stuff[p]
        enough = sum(stuff[q] == mine for q in left) >= rules.stuff_area_limit
        out[p] = mine if enough else VOID
    return np.array([[out[y, x] for x in range(width)] for y in range(height)], np.int32)


@st.composite
def scenes(draw):
    height, width, n = (
        draw(st.integers(1, 7)),
        draw(st.integers(1, 7)),
        draw(st.integers(0, 6)),
    )
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    masks = np.zeros((n, height, width), bool)
    boxes = np.zeros((n, 4), np.float32)
    for i in range(n):
        x1, x2 = np.sort(rng.uniform(-1, width + 1, 2))
        y1, y2 = np.sort(rng.uniform(-1, height + 1, 2))
        boxes[i] = x1, y1, x2, y2
        if rng.random() < 0.1:  # degenerate box, mask anywhere
            boxes[i, 2:] = boxes[i, :2]
            masks[i] = rng.random((height, width)) < 0.3
            continue
        window = np.s_[
            max(int(np.floor(y1)) - 1, 0) : int(np.ceil(y2)) + 1,
            max(int(np.floor(x1)) - 1, 0) : int(np.ceil(x2)) + 1,
        ]
        masks[i][window] = rng.random(masks[i][window].shape) < rng.choice([0, 0.6, 1])
    choices = np.array([0.3, 0.5, np.nextafter(np.float32(0.5), 0), 0.6, 0.725, 0.73, 0.9], "f4")
    scores = rng.choice(choices, n)
    stuff = rng.choice([5, 6, 7, 8, VOID], (height, width), p=[0.4, 0.3, 0.1, 0.1, 0.1])
    return masks, boxes, rng.integers(0, 5, n), scores, stuff


@settings(max_examples=400, deadline=None)
@given(scenes(), st.sampled_from([0, 1, 3, 6]), st.sampled_from([0, 1, 4]), st.booleans())
def test_equals_the_oracles(scene, area_limit, stuff_limit, with_boxes):
    masks, boxes, labels, scores, stuff = scene
    boxes = boxes if with_boxes else None
    keys = {"thing_area_limit": area_limit, "stuff_area_limit": stuff_limit}
    paper = FusionRules.from_config("paper", keys)
    np.testing.assert_array_equal(
        run(masks, labels, scores, stuff, paper, boxes),
        oracle_paper(masks, labels, scores, stuff, paper),
    )
    released = FusionRules.from_config("released", {"stuff_area_limit": stuff_limit})
    np.testing.assert_array_equal(
        run(masks, labels, scores, stuff, released, boxes),
        oracle_released(masks, labels, scores, stuff, released),
    )


def rectangle(y1, y2, x1, x2, shape=(4, 4)):
    mask = np.zeros(shape, bool)
    mask[y1:y2, x1:x2] = True
    return mask


STUFF = np.array([[5, 5, 5, 5], [5, 5, 5, 6], [6, 6, 6, 6], [VOID, VOID, 6, 6]])
SMALL = {"thing_area_limit": 2, "stuff_area_limit": 3}


def test_paper_on_a_scene_by_hand():
    """Big first by score, small painted first; a single pixel and a low score fall away."""
    masks = [
        rectangle(0, 3, 0, 3),  # 9 pixels, painted last of the two
        rectangle(0, 2, 2, 4),  # 4 pixels, 2 of them under the first: exactly half, kept
        rectangle(3, 4, 3, 4),  # under the area limit
        rectangle(2, 4, 0, 2),  # score too low
    ]
    out = run(masks, [1, 2, 0, 0], [0.9, 0.8, 0.99, 0.4], STUFF, FusionRules(**SMALL))
    a, b = 2 + 1000, 1 + 2000
    assert out.tolist() == [[b, b, a, a], [b, b, a, a], [b, b, b, 6], [VOID, VOID, 6, 6]]
    assert out.dtype == np.int32


def test_released_on_the_same_scene():
    masks = [
        rectangle(0, 3, 0, 3),
        rectangle(0, 2, 2, 4),
        rectangle(3, 4, 3, 4),
        rectangle(2, 4, 0, 2),
    ]
    rules = FusionRules.from_config("released", {"stuff_area_limit": 3})
    # 0.7 is not sure: it goes after the others though it is small, and shows half
    out = run(masks, [1, 2, 0, 0], [0.9, 0.7, 0.99, 0.4], STUFF, rules)
    pixel, big, half = 1000, 1 + 2000, 2 + 3000
    v = VOID
    assert out.tolist() == [
        [big, big, big, half],
        [big, big, big, half],
        [big, big, big, v],  # two pixels of stuff 6 are left: too few
        [v, v, v, pixel],
    ]


def test_what_the_area_rule_drops_still_covers():
    masks = [rectangle(0, 1, 0, 3), rectangle(0, 1, 0, 4)]
    rules = FusionRules(thing_area_limit=4, stuff_area_limit=0)
    assert (run(masks, [1, 2], [0.9, 0.8], STUFF, rules) == STUFF).all()


def test_a_hidden_thing_gets_no_number():
    hidden = rectangle(0, 1, 0, 4)
    masks = [rectangle(0, 1, 0, 2), rectangle(0, 1, 2, 4), hidden, rectangle(2, 4, 0, 4)]
    rules = FusionRules(thing_area_limit=0, stuff_area_limit=0)
    out = run(masks, [0, 1, 2, 3], [0.6, 0.6, 0.9, 0.9], STUFF, rules)
    assert out[0].tolist() == [2 + 1000] * 4  # it covers the two, which go
    rules = FusionRules(thing_area_limit=0, stuff_area_limit=0, overlap_thr=1.0)
    out = run(masks, [0, 1, 2, 3], [0.6, 0.6, 0.9, 0.9], STUFF, rules)
    assert np.unique(out[out >= 1000]).tolist() == [1000, 2001, 3003]


@pytest.mark.parametrize("preset", PRESETS)
def test_limits_are_inclusive_where_the_text_says_more_than(preset):
    half = [rectangle(0, 1, 0, 2), rectangle(0, 1, 1, 3)]
    rules = FusionRules.from_config(preset, {"thing_area_limit": 2, "stuff_area_limit": 8})
    stuff = np.full((4, 4), 5)
    stuff[2:] = 6
    out = run(half, [0, 1], [0.5, 0.5], stuff, rules)
    assert out[0].tolist() == [1000, 1000, 2001, VOID]
    assert (out[1] == VOID).all()
    assert (out[2:] == 6).all()


def test_limits_of_area_grow_with_the_picture_where_the_rules_say_of_which_they_are():
    """2 and 4 pixels of 4 x 4 are 4 and 8 of 4 x 8; a thing of 3, stuff of 5 and 20."""
    thing = np.zeros((4, 8), bool)
    thing[0, :3] = True
    stuff = np.array([[5] * 8, [6] * 8, [6] * 8, [6] * 8])
    limits = {"thing_area_limit": 2, "stuff_area_limit": 4}
    for at, kept in ((None, True), ((4, 8), True), ((8, 4), True), ((4, 4), False)):
        rules = FusionRules.from_config("paper", {**limits, "area_limits_at": at})
        found = run(thing[None], [0], [0.9], stuff, rules)
        assert found[0, 0] == (1000 if kept else 5)
        assert found[0, 4] == 5, at
    rules = FusionRules.from_config("paper", {**limits, "area_limits_at": (4, 3)})
    assert run(thing[None], [0], [0.9], stuff, rules)[0].tolist() == [VOID] * 8  # 8 of 11 pixels
    with pytest.raises(ValueError, match=r"area_limits_at: expected \(height, width\) in pixels"):
        FusionRules(area_limits_at=(4, 0))


def test_a_head_makes_the_maps_of_further_presets_when_asked():
    """A thing of 2 pixels, which the paper's rules drop, and the stuff below it keep."""
    limits = {"stuff_area_limit": 1}
    head = AutoPanopticFusionHead(6, 3, "released", limits, also=("paper", "released"))
    assert list(head.also) == ["paper"]
    assert head.also["paper"] == FusionRules(stuff_area_limit=1)
    mask = torch.tensor([[True, True, False]])
    things = InstanceData(masks=mask[None], labels=torch.tensor([2]), scores=torch.tensor([0.9]))
    stuff = torch.tensor([[0, 0, 1]])
    (alone,) = head.predict([things], [stuff])
    assert alone.keys() == ["sem_seg"]
    head.reports_also = True
    (both,) = head.predict([things], [stuff])
    assert both.sem_seg.tolist() == alone.sem_seg.tolist() == [[[1002, 1002, 7]]]
    assert both.sem_seg_paper.tolist() == [[[6, 6, 7]]]


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("with_boxes", [True, False])
def test_no_instances_and_all_rejected(preset, with_boxes):
    rules = FusionRules.from_config(preset, {"stuff_area_limit": 1})
    boxes = np.zeros((0, 4), np.float32) if with_boxes else None
    assert (run(NONE, [], [], STUFF, rules, boxes) == STUFF).all()
    masks = [rectangle(0, 3, 0, 3), rectangle(0, 0, 0, 0)]
    assert (run(masks, [0, 1], [0.49, 0.99], STUFF, rules) == STUFF).all()


@pytest.mark.parametrize("preset", PRESETS)
def test_a_picture_of_one_pixel(preset):
    rules = FusionRules.from_config(preset, {"thing_area_limit": 0, "stuff_area_limit": 0})
    one = np.ones((1, 1, 1), bool)
    assert run(one, [3], [0.9], [[5]], rules, [[0.0, 0.0, 1.0, 1.0]]).tolist() == [[1003]]
    assert run(~one, [3], [0.9], [[5]], rules).tolist() == [[5]]
    assert run(~one, [3], [0.9], [[5]], PRESETS[preset]).tolist() == [[VOID]]


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_masks_need_not_be_bool_and_are_not_written(dtype):
    masks = torch.from_numpy(np.stack([rectangle(0, 3, 0, 3), rectangle(0, 2, 2, 4)])).to(dtype)
    stuff, before = torch.as_tensor(STUFF), masks.clone()
    arguments = (torch.tensor([1, 2]), torch.tensor([0.9, 0.8]), stuff, FusionRules(**SMALL), VOID)
    out = fuse(masks, None, *arguments)
    assert torch.equal(out, fuse(masks.bool(), None, *arguments))
    assert torch.equal(masks, before)
    assert (stuff.numpy() == STUFF).all()


def load_scene(number):
    path = REFERENCE / f"fusion_{number}.npz"
    if not path.exists():
        pytest.skip(f"{path} is absent: the released program's arrays are not in this checkout")
    scene = dict(np.load(path))
    shape = scene["masks_shape"]
    packed = np.unpackbits(scene["masks_packed"])[: np.prod(shape)]
    scene["masks"] = packed.reshape(shape).astype(bool)
    return scene


def predict_scene(scene, preset, with_boxes, **test_cfg):
    """The head's answer as (category, instance) maps in the scene's terms."""
    things, stuff = scene["thing_ids"].tolist(), scene["stuff_ids"].tolist()
    channels = [*stuff, 0]
    logits = torch.from_numpy(np.stack([scene["stuff_map"] == c for c in channels])).float()
    results = InstanceData(
        masks=torch.from_numpy(scene["masks"]),
        labels=torch.tensor([things.index(c) for c in scene["categories"]]),
        scores=torch.from_numpy(scene["scores"]),
    )
    if with_boxes:
        boxes = []
        for mask in scene["masks"]:
            rows, columns = np.nonzero(mask)
            boxes.append([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
        results.bboxes = torch.tensor(boxes, dtype=torch.float32)
    head = AutoPanopticFusionHead(preset=preset, test_cfg=test_cfg)
    panoptic = head.predict([results], [logits])[0].sem_seg
    assert panoptic.shape == (1, 200, 300)
    assert panoptic.dtype == torch.int32
    panoptic = panoptic[0].numpy()
    return np.array([*things, *stuff, 0])[panoptic % 1000], panoptic // 1000


@pytest.mark.parametrize("with_boxes", [True, False])
@pytest.mark.parametrize("number", range(6))
def test_released_preset_equals_the_released_program(number, with_boxes):
    scene = load_scene(number)
    category, instance = predict_scene(scene, "released", with_boxes)
    np.testing.assert_array_equal(category, scene["combine_category"])
    np.testing.assert_array_equal(instance, scene["combine_instance"])


@pytest.mark.parametrize("with_boxes", [True, False])
@pytest.mark.parametrize("number", range(6))
def test_paper_preset_equals_the_paper_read_literally(number, with_boxes):
    scene = load_scene(number)
    category, instance = predict_scene(scene, "paper", with_boxes)
    np.testing.assert_array_equal(category, scene["paper_category_stufflimit"])
    np.testing.assert_array_equal(instance, scene["paper_instance"])
    source = scene["paper_source"]
    pairs = np.unique(np.stack([instance.ravel(), source.ravel()]), axis=1).T.tolist()
    order = [0, *(scene["paper_final_order"] + 1).tolist()]
    assert pairs == [[k, s] for k, s in enumerate(order)]
    category, _ = predict_scene(scene, "paper", with_boxes, stuff_area_limit=0)
    np.testing.assert_array_equal(category, scene["paper_category"])


@pytest.mark.parametrize("seed", range(5))
def test_masks_of_mmdets_mask_head_lie_within_the_boxes(seed):
    """With boxes and without them the answer is the same on masks as the mask head pastes them."""
    generator = torch.Generator().manual_seed(seed)
    corners = torch.rand(12, 2, generator=generator) * torch.tensor([80.0, 60.0]) - 5
    sides = torch.rand(12, 2, generator=generator) * 40
    sides[:2] = 0
    boxes = torch.cat([corners, corners + sides], dim=1)  # clipped, as the box head does
    picture = torch.tensor([100.0, 48.0, 100.0, 48.0])
    results = InstanceData(
        bboxes=torch.minimum(boxes.clamp(min=0), picture),
        labels=torch.arange(12) % 3,
        scores=torch.rand(12, generator=generator),
    )
    logits = torch.randn(12, 3, 28, 28, generator=generator) + 2
    mask_head = FCNMaskHead(num_convs=1, in_channels=4, conv_out_channels=4, num_classes=3)
    metas = [{"ori_shape": (60, 80), "scale_factor": (1.25, 0.8)}]
    config = ConfigDict(mask_thr_binary=0.5)
    mask_head.predict_by_feat((logits,), [results], metas, config, rescale=True)
    stuff = torch.full((60, 80), 5)
    for preset in PRESETS:
        rules = FusionRules.from_config(preset, {"thing_area_limit": 20, "score_thr": 0.1})
        arguments = (results.labels, results.scores, stuff, rules, VOID)
        with_boxes = fuse(results.masks, results.bboxes, *arguments)
        assert torch.equal(with_boxes, fuse(results.masks, None, *arguments))
        assert (with_boxes >= 1000).any()


def test_config_keys_reach_the_rules_and_unknown_ones_fail():
    config = {"type": "AutoPanopticFusionHead", "num_things_classes": 6, "num_stuff_classes": 4}
    head = MODELS.build({**config, "test_cfg": ConfigDict(score_thr=0.3, thing_area_limit=16)})
    assert head.rules == FusionRules(score_thr=0.3, thing_area_limit=16)
    assert head.num_classes == 10
    assert head.loss() == {}
    head = MODELS.build({**config, "preset": "released"})
    assert head.rules == PRESETS["released"]
    with pytest.raises(ValueError, match=r"unknown keys \['mask_overlap'\].*overlap_thr"):
        MODELS.build({**config, "test_cfg": {"mask_overlap": 0.5}})
    with pytest.raises(ValueError, match=r"preset 'papre'; known: \['paper', 'released'\]"):
        MODELS.build({**config, "preset": "papre"})
    with pytest.raises(ValueError, match=r"order: .*got 'size'"):
        MODELS.build({**config, "test_cfg": {"order": "size"}})
    with pytest.raises(ValueError, match=r"score_thr: .*got 'high'"):
        MODELS.build({**config, "test_cfg": {"score_thr": "high"}})
    with pytest.raises(ValueError, match="1000 classes"):
        MODELS.build({**config, "num_things_classes": 996})


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int16, torch.int32, torch.int64])
def test_the_best_channels_stand_for_the_logits(dtype):
    head = AutoPanopticFusionHead(num_things_classes=200, num_stuff_classes=100)
    head.rules = FusionRules(stuff_area_limit=2)
    logits = torch.rand(101, 9, 9, generator=torch.Generator().manual_seed(0))
    none = InstanceData(
        masks=torch.zeros(0, 9, 9), labels=torch.zeros(0).long(), scores=torch.zeros(0)
    )
    labels = logits.argmax(0).to(dtype)
    before = labels.clone()
    maps = [head.predict([none], [semantic])[0].sem_seg for semantic in (logits, labels)]
    assert torch.equal(*maps)
    assert torch.equal(labels, before)
    assert set(maps[0].unique().tolist()) <= set(range(200, 301))


def test_sizes_that_do_not_fit_fail():
    head = AutoPanopticFusionHead(num_things_classes=5, num_stuff_classes=4)
    results = InstanceData(
        masks=torch.zeros(1, 4, 4, dtype=torch.bool),
        labels=torch.tensor([0]),
        scores=torch.tensor([0.9]),
    )
    with pytest.raises(ValueError, match=r"masks are \(4, 4\) and the stuff map is \(4, 5\)"):
        head.predict([results], [torch.zeros(5, 4, 5)])
    with pytest.raises(ValueError, match=r"expected \(4 \+ 1, H, W\)"):
        head.predict([results], [torch.zeros(4, 4, 4)])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_gpu_equals_cpu():
    scene = load_scene(0)
    logits = torch.from_numpy(np.stack([scene["stuff_map"] == c for c in (0, 100, 138)])).float()
    results = InstanceData(
        masks=torch.from_numpy(scene["masks"]),
        labels=torch.zeros(len(scene["scores"]), dtype=torch.long),
        scores=torch.from_numpy(scene["scores"]),
    )
    head = AutoPanopticFusionHead(num_things_classes=1, num_stuff_classes=2)
    on_cpu = head.predict([results], [logits])[0].sem_seg
    on_gpu = head.predict([results.to("cuda")], [logits.cuda()])[0].sem_seg
    assert on_gpu.device.type == "cpu"  # it is made there, and nobody reads it on the GPU
    assert torch.equal(on_gpu, on_cpu)
