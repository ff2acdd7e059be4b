"""Released names to ours: the key files weight by weight, classes by hand, misfits refused."""

import numpy as np
import pytest
import torch
from mmdet.registry import MODELS
from mmengine.config import Config
from torch import Tensor

from mmpanonas.convert import Released, convert
from mmpanonas.convert.naming import Naming
from mmpanonas.errors import InputError
from mmpanonas.models import SearchableShuffleNetV2
from mmpanonas.space import BACKBONE_CHOICES, Arch
from tests.conftest import ROOT
from tests.reference import TAG, tagged_state

COCO = "configs/auto_panoptic/archs/coco.json"
FILES = {"released_retrain": "keys_coco_3.8g.txt", "released_supernet": "keys_supernet.txt"}
TINY = dict(channels=(4, 8, 12, 16, 20), blocks=(2, 1, 2, 1))
SEARCHED = Naming("backbone.body.", supernet=False, blocks=(8, 8, 16, 8))
SUPERNET = Naming("backbone.", supernet=True, blocks=(8, 8, 16, 8))


@pytest.mark.parametrize(
    ("naming", "ours", "theirs"),
    [
        (SEARCHED, "backbone.stem.bn.running_var", "backbone.body.first_conv.bn.running_var"),
        (
            SEARCHED,
            "backbone.stages.0.0.xception.main.0.bn.weight",
            "backbone.body.features.0.conv.0.interstellar1a_xception_3x3_branch2a_s_bn.weight",
        ),
        (
            SEARCHED,
            "backbone.stages.0.0.xception.main.5.conv.weight",
            "backbone.body.features.0.conv.2.interstellar1a_xception_3x3_branch2c.weight",
        ),
        (
            SEARCHED,
            "backbone.stages.2.1.shuffle_7x7.main.0.bn.bias",
            "backbone.body.features.17.conv.0.bn3b_shufflenet_7x7_branch2a.bias",
        ),
        (
            SUPERNET,
            "backbone.stages.3.7.shuffle_5x5.main.1.conv.weight",
            "backbone.features.39.1.conv.1.interstellar4h_shufflenet_5x5_branch2b_s.weight",
        ),
        (
            SUPERNET,
            "backbone.stages.1.0.xception.proj.0.conv.weight",
            "backbone.features.8.3.proj_conv.interstellar2a_proj_s.weight",
        ),
        (
            SUPERNET,
            "backbone.stages.1.0.xception.proj.1.bn.running_mean",
            "backbone.features.8.3.proj_conv.bn2a_proj.running_mean",
        ),
        (SEARCHED, "neck.lateral_convs.0.conv.weight", "backbone.fpn.fpn_inner2.0.weight"),
        (SUPERNET, "neck.fpn_convs.3.gn.bias", "fpn.fpn_layer5.1.bias"),
        (
            SUPERNET,
            "roi_head.mask_head.convs.0.df_5x5.conv.conv_offset.bias",
            "roi_heads.mask.feature_extractor.AutoPanoptic_mask_fcn_1.3.0.conv.conv_offset.bias",
        ),
        (
            SEARCHED,
            "semantic_head.layers.2.dw_3x3.pointwise.gn.weight",
            "seg_branch.subnet0_2.1.groupnorm.weight",
        ),
        (SUPERNET, "things_to_stuff.gates.3.r16.fc1.bias", "f2b.inter_layer3.2.fc.0.bias"),
        (
            SEARCHED,
            "stuff_to_things.gates.4.r4.fc2.weight",
            "seg_branch.b2f.inter_layer4.fc.2.weight",
        ),
    ],
)
def test_names(naming, ours, theirs):
    assert naming.released(ours) == theirs


@pytest.fixture(scope="module", params=FILES)
def whole(request):
    """State of a key file, our network's, and what it becomes."""
    state = tagged_state(FILES[request.param])
    with pytest.MonkeyPatch.context() as patch, torch.device("meta"):
        patch.chdir(ROOT)  # where the config finds its architecture
        config = Config.fromfile(f"configs/auto_panoptic/coco/{request.param}.py")
        target = MODELS.build(config.model).state_dict()
    return state, target, convert(state, target, Released.inspect(state).naming)


def source_of(state: dict[str, Tensor], value: Tensor) -> str:
    """The released name whose tag a weight of ours bears."""
    return list(state)[int(value.flatten()[0]) // TAG]


def test_every_weight_is_used_or_dropped_for_a_reason(whole):
    state, target, conversion = whole
    used = {source_of(state, value) for value in conversion.state.values()}
    dropped = {name for name in conversion.dropped if "[" not in name}
    assert len(used) == len(conversion.state) == len(target)
    assert used | dropped == set(state)
    assert not used & dropped
    assert conversion.filled == []
    assert len(dropped) == 11
    assert all("fpn_inner1." in n or "fpn_layer1." in n or "cell_anchors" in n for n in dropped)


def test_every_weight_of_ours_is_filled_whole_from_one_of_theirs(whole):
    state, target, conversion = whole
    assert list(conversion.state) == list(target)
    for key, value in conversion.state.items():
        assert (value.shape, value.dtype) == (target[key].shape, target[key].dtype)
        if not key.startswith(REORDERED):
            assert torch.equal(value, state[source_of(state, value)]), key


def test_parts_of_one_order_in_both_are_paired_in_order(whole):
    """Within these parts both list their weights in the order of the forward pass."""
    state, _, conversion = whole
    body = "backbone.body." if "backbone.body.first_conv.conv.weight" in state else "backbone."
    for ours, theirs in (
        ("backbone.", body),
        ("rpn_head.", "rpn.head."),
        ("roi_head.bbox_head.shared_fcs.", "roi_heads.box.feature_extractor."),
        ("roi_head.mask_head.convs.", "roi_heads.mask.feature_extractor."),
        ("roi_head.mask_head.upsample.", "roi_heads.mask.predictor.conv5_mask."),
        ("semantic_head.layers.", "seg_branch.subnet0_"),
        ("things_to_stuff.", "f2b."),
        ("stuff_to_things.", "seg_branch.b2f."),
    ):
        values = [value for key, value in conversion.state.items() if key.startswith(ours)]
        found = [source_of(state, value) for value in values]
        assert found == [name for name in state if name.startswith(theirs)]
        assert found


#: Rows of theirs in our order: our prefix, their name, rows. Their class 0 is the background, or
#: some thing; ours is the last one.
CLASSES = [
    ("roi_head.bbox_head.fc_cls", "roi_heads.box.predictor.cls_score", [*range(1, 81), 0]),
    ("roi_head.bbox_head.fc_reg", "roi_heads.box.predictor.bbox_pred", [*range(4, 324)]),
    (
        "roi_head.mask_head.conv_logits",
        "roi_heads.mask.predictor.mask_fcn_logits",
        [*range(1, 81)],
    ),
    ("semantic_head.conv_logits", "seg_branch.score", [*range(1, 54), 0]),
]
REORDERED = tuple(ours for ours, *_ in CLASSES)


def test_classes_are_in_our_order(whole):
    state, _, conversion = whole
    for ours, theirs, rows in CLASSES:
        for leaf in ("weight", "bias"):
            expected = state[f"{theirs}.{leaf}"][rows]
            assert torch.equal(conversion.state[f"{ours}.{leaf}"], expected)
    rows = {name for name in conversion.dropped if "[" in name}
    box, mask = CLASSES[1][1], CLASSES[2][1]
    assert rows == {
        f"{name}.{leaf}[:{n}]" for name, n in ((box, 4), (mask, 1)) for leaf in ("weight", "bias")
    }


def test_what_the_key_files_hold():
    searched = Released.inspect(tagged_state("keys_coco_3.8g.txt"))
    assert (searched.kind, searched.whole) == ("detector", True)
    assert searched.arch == Arch.load(COCO)
    assert searched.channels == (72, 172, 432, 864, 1728)
    supernet = Released.inspect(tagged_state("keys_supernet.txt"))
    assert (supernet.kind, supernet.whole, supernet.arch) == ("supernet", True, None)
    assert supernet.channels == (48, 96, 240, 480, 960)
    assert supernet.naming == SUPERNET


# Backbones alone, made here: no reference is needed


def released_backbone(supernet: bool, body: str = "", seed: int = 0) -> tuple[dict, dict]:
    """Random weights by our names and by the released ones."""
    torch.manual_seed(seed)
    choices = np.random.default_rng(seed).choice(BACKBONE_CHOICES, sum(TINY["blocks"]))
    arch = None if supernet else Arch(tuple(choices))
    state = SearchableShuffleNetV2(arch, **TINY).state_dict()
    ours = {f"backbone.{key}": torch.rand(v.shape).to(v.dtype) for key, v in state.items()}
    naming = Naming(body, supernet, TINY["blocks"])
    return ours, {naming.released(key): value for key, value in ours.items()}


CLASSIFIER = {
    "last_conv.conv.weight": torch.zeros(8, 20, 1, 1),
    "last_conv.bn.bias": torch.zeros(8),
    "fc.fc.weight": torch.zeros(10, 8),
}


@pytest.mark.parametrize("body", ["", "body.", "backbone.", "backbone.body."])
@pytest.mark.parametrize("supernet", [False, True])
def test_a_backbone_alone_comes_back(supernet, body):
    for seed in range(3):
        ours, theirs = released_backbone(supernet, body, seed)
        released = Released.inspect(theirs | {body + k: v for k, v in CLASSIFIER.items()})
        assert released.kind == ("supernet" if supernet else "backbone")
        assert (released.channels, released.naming.blocks) == tuple(TINY.values())
        network = SearchableShuffleNetV2(released.arch, **TINY)
        target = {f"backbone.{key}": value for key, value in network.state_dict().items()}
        conversion = convert(released.state, target, released.naming)
        assert conversion.dropped == {body + key: "ImageNet classifier" for key in CLASSIFIER}
        assert list(conversion.state) == list(ours)
        assert all(torch.equal(conversion.state[key], ours[key]) for key in ours)


def test_the_order_in_a_file_does_not_matter():
    ours, theirs = released_backbone(supernet=False)
    released = Released.inspect(dict(reversed(theirs.items())))
    conversion = convert(released.state, ours, released.naming)
    assert all(torch.equal(conversion.state[key], ours[key]) for key in ours)


def test_counters_that_the_released_norms_lack_are_filled():
    ours, theirs = released_backbone(supernet=False)
    short = {key: value for key, value in theirs.items() if "num_batches" not in key}
    conversion = convert(short, ours, Released.inspect(short).naming)
    counters = [key for key in ours if "num_batches" in key]
    assert conversion.filled == counters
    assert all(conversion.state[key].item() == 0 for key in counters)
    assert f"filled   {len(counters)} num_batches_tracked with 0" in conversion.report()
    assert f"used     {len(ours) - len(counters)} weights" in conversion.report()


def test_converted_weights_own_their_memory():
    """Rows of a larger tensor would be written with all of it."""
    head = "roi_heads.box.predictor.bbox_pred.weight"
    target = {"roi_head.bbox_head.fc_reg.weight": torch.zeros(8, 3)}
    (value,) = convert({head: torch.rand(12, 3)}, target, SEARCHED).state.values()
    assert value.untyped_storage().nbytes() == 8 * 3 * 4


STEM = "first_conv.conv.weight"
LAST = "features.5.conv.0"


def test_misfits_are_counted_in_one_message():
    ours, theirs = released_backbone(supernet=False)
    naming = Released.inspect(theirs).naming
    stem = theirs.pop(STEM)
    with pytest.raises(InputError, match=rf"1 missing \({STEM}\)"):
        convert(theirs, ours, naming)
    with pytest.raises(
        InputError, match=rf"1 of another shape \({STEM} \(4, 27\) for \(4, 3, 3, 3"
    ):
        convert(theirs | {STEM: stem.flatten(1)}, ours, naming)
    more = {STEM: stem, "fpn.x": stem, "head.y": stem}
    with pytest.raises(InputError, match=r"2 without a place \(fpn\.x, head\.y\)"):
        convert(theirs | more, ours, naming)
    with pytest.raises(InputError, match=r"neck\.bottom_up\.weight, which the released networks"):
        convert(theirs | {STEM: stem}, ours | {"neck.bottom_up.weight": stem}, naming)


def without(state: dict, part: str) -> dict:
    return {key: value for key, value in state.items() if part not in key}


def test_what_is_no_released_network_is_one_clear_error():
    ours, theirs = released_backbone(supernet=False)
    for state, message in (
        ({"layer1.0.conv1.weight": torch.zeros(1)}, "holds no network of Auto-Panoptic or DetNAS"),
        (ours, "ours already"),
        (without(theirs, "branch2a"), r"\(0, 0, 0, 0\) blocks in stages 1 to 4; some are missing"),
        (without(theirs, "interstellar2"), r"\(2, 0, 2, 1\) blocks in stages 1 to 4"),
        (without(theirs, "branch2b.weight") | {STEM: torch.zeros(4)}, "has shape|it lacks"),
    ):
        with pytest.raises(InputError, match=message):
            Released.inspect(state)
    unknown = {key.replace("shufflenet", "resnet"): value for key, value in theirs.items()}
    with pytest.raises(InputError, match="unknown choice 'resnet"):
        Released.inspect(unknown)


def test_kinds_that_do_not_fit_are_refused():
    for supernet, wrong, message in (
        (False, "detector", "a searched backbone, not a searched detector; pass --kind backbone"),
        (False, "supernet", "a searched backbone, not a supernet; pass --kind backbone"),
        (True, "detector", "the supernet of a backbone, not a searched det.*--kind supernet"),
    ):
        released = Released.inspect(released_backbone(supernet)[1])
        with pytest.raises(InputError, match=message):
            released.check_kind(wrong)
        released.check_kind("backbone")
        released.check_kind(released.kind)
    for name, wrong, message in (
        ("keys_coco_3.8g.txt", "supernet", "a searched detector, not a supernet; .* detector"),
        ("keys_coco_3.8g.txt", "backbone", "a searched detector, not a backbone alone"),
        ("keys_supernet.txt", "detector", "the supernet of a detector, not a searched detector"),
        ("keys_supernet.txt", "backbone", "the supernet of a detector, not a backbone alone"),
    ):
        released = Released.inspect(tagged_state(name))
        with pytest.raises(InputError, match=message):
            released.check_kind(wrong)


def test_a_gate_of_an_unknown_ratio_is_refused():
    state = tagged_state("keys_coco_3.8g.txt")
    state["f2b.inter_layer2.fc.0.weight"] = torch.zeros(8, 1024)  # the paper's 16, never trained
    with pytest.raises(InputError, match=r"f2b\.inter_layer2\.fc has 8 hidden channels for 128"):
        Released.inspect(state)
