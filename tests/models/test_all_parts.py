"""The detector with all five parts: released arrays end to end, and the laws of the whole."""

import copy

import numpy as np
import pytest
import torch
from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.registry import DATASETS
from PIL import Image

from mmpanonas.models import AutoPanoptic
from mmpanonas.models.layers.attention import Attended
from mmpanonas.space import PART_CHOICES, Arch, ArchError
from tests import reference
from tests.conftest import SEED, SHAPES

COCO = "configs/auto_panoptic/archs/coco.json"
RATIOS = dict(ratios=dict(r4=4, r8=8, r16=6), allow_remainder=True)


def released_config(arch: str | None) -> Config:
    """The sizes of the released arrays: a pyramid of 64 channels, 32 in the stuff branch."""
    config = Config.fromfile(SHAPES / "supernet.py")
    gn = dict(num_groups=32)
    widths = dict(
        arch=arch,
        backbone=dict(channels=(4, 8, 12, 16, 20), blocks=(8, 8, 16, 8)),
        neck=dict(in_channels=[8, 12, 16, 20], out_channels=64),
        roi_head=dict(mask_head=dict(num_convs=4)),
        semantic_head=dict(
            num_layers=3,
            in_channels=64,
            channels=32,
            num_stuff_classes=53,
            align_corners=True,
            norm_cfg=gn,
        ),
        things_to_stuff=dict(in_channels=4 * 64, out_channels=32, **RATIOS),
        stuff_to_things=dict(in_channels=4 * 32, out_channels=64, **RATIOS),
    )
    config.merge_from_dict(dict(model=widths))
    return config


def load_stuff_branch(model: AutoPanoptic, state: dict[str, torch.Tensor]) -> None:
    """Fill the active choices of the stuff branch and of the attention."""
    prefixes = {
        "semantic_head": (model.semantic_head.layers, "seg_branch.subnet0_"),
        "things_to_stuff": (model.things_to_stuff.gates, "f2b.inter_layer"),
        "stuff_to_things": (model.stuff_to_things.gates, "seg_branch.b2f.inter_layer"),
    }
    for layers, prefix in prefixes.values():
        for place, layer in enumerate(layers):
            part = {k: v for k, v in state.items() if k.startswith(f"{prefix}{place}.")}
            reference.load_in_order(layer[layer.active], part)
    head = model.semantic_head.conv_logits
    for name, parameter in head.named_parameters():
        parameter.data.copy_(state[f"seg_branch.score.{name}"].roll(-1, 0))  # "thing" is last


def active_released(case: str, arrays: dict) -> AutoPanoptic:
    """The network of a case with the released weights in it."""
    if case == "searched":
        model = MODELS.build(released_config(COCO).model).eval()
    else:
        model = MODELS.build(released_config(None).model).eval()
        codes = arrays["supernet/rngs"].tolist()  # head: 7, inter: 9; its backbone is not ours
        model.set_arch([dict(backbone=[0] * 40, head=codes[-16:-9], inter=codes[-9:])])
    load_stuff_branch(model, reference.released_state(arrays, f"{case}/state/"))
    return model


def load_arrays() -> dict[str, np.ndarray]:
    return {k: v for k, v in reference.load("semantic_branch.npz").items() if k != "dcn_impl"}


@pytest.mark.parametrize("case", ["searched", "supernet"])
def test_stuff_branch_and_attention_equal_released_code(case):
    arrays = load_arrays()
    model = active_released(case, arrays)
    levels = [torch.from_numpy(arrays[f"{case}/input_p{level}"]) for level in range(2, 7)]

    def compare(ours: torch.Tensor, name: str) -> None:
        torch.testing.assert_close(ours, torch.from_numpy(arrays[name]), rtol=0, atol=1e-4)

    with torch.no_grad():
        size, maps = levels[0].shape[-2:], model.semantic_head.features(levels)
        for place, gate in enumerate(model.things_to_stuff(levels[1:], size)):
            compare(gate, f"{case}/f2b_attention{place}")
        for place, gate in enumerate(model.stuff_to_things(maps, size)):
            compare(gate, f"{case}/b2f_attention{place}")
        pyramid = model.attend(levels)
        logits = model.semantic_head(pyramid)["seg_preds"]
    compare(torch.cat(pyramid.semantic, dim=1), f"{case}/score_input")
    compare(logits.roll(1, 1), f"{case}/score")
    for place, level in enumerate(pyramid.levels):
        compare(level, f"{case}/modulated_p{place + 2}")


def test_stuff_map_equals_released_code():
    """The released program takes the best class at the input's size, then resizes labels."""
    arrays = load_arrays()
    model = active_released("searched", arrays)
    levels = [torch.from_numpy(arrays[f"searched/input_p{level}"]) for level in range(2, 7)]
    sizes = arrays["searched/image_sizes"].tolist()
    metas = [dict(batch_input_shape=(64, 96), img_shape=size) for size in sizes]
    with torch.no_grad():
        logits = model.semantic_head.predict(model.attend(levels), metas)
    torch.testing.assert_close(
        logits[0].roll(1, 0), torch.from_numpy(arrays["searched/seg_logits0"]), rtol=0, atol=1e-4
    )
    categories = np.append(arrays["c2d"][:, 1], 0)  # stuff from 0, some thing last
    for place, (height, width) in enumerate(sizes):
        first, second = logits[place][:, :height, :width].topk(2, dim=0).values
        best = categories[logits[place][:, :height, :width].argmax(0).numpy()].astype(np.uint8)
        sure = (first - second > 1e-4).numpy()  # a nearer tie is decided by rounding
        original = arrays["searched/ori_sizes"][place][::-1].tolist()
        ours, sure = (
            np.array(Image.fromarray(m).resize(original, Image.NEAREST)) for m in (best, sure)
        )
        assert sure.mean() > 0.999
        np.testing.assert_array_equal(
            ours[sure], arrays[f"searched/stuff_category_map{place}"][sure]
        )


# The laws of the whole, on the small data set


@pytest.fixture
def config(shapes_config):
    narrow = {
        "model.backbone.channels": (8, 12, 24, 48, 80),
        "model.neck.in_channels": [12, 24, 48, 80],
    }
    return shapes_config("supernet", **narrow)


def build(config: Config, **options) -> AutoPanoptic:
    torch.manual_seed(SEED)
    model = copy.deepcopy(config.model)
    model.update(options)
    return MODELS.build(model)


def batch(config: Config, part: str = "train", count: int = 2) -> dict:
    dataset = DATASETS.build(config[f"{part}_dataloader"].dataset)
    return pseudo_collate([dataset[i] for i in range(count)])


def losses_of(model: AutoPanoptic, data: dict) -> dict[str, torch.Tensor]:
    torch.manual_seed(1)  # proposals and anchors are sampled
    inputs = model.train().data_preprocessor(data | {}, True)
    return model.parse_losses(model(**inputs, mode="loss"))[1]


def test_the_space_is_the_whole_one(config):
    model = build(config)
    space = model.search_space
    assert space.window == 12
    layers = {name: part.layers for name, part in space.parts.items()}
    assert list(layers) == list(PART_CHOICES)
    assert list(layers.values()) == [10, 2, 1, 4, 5]
    for iteration in range(3):
        path = space.fair_path(0, iteration)
        model.set_arch(path)
        assert model.active_arch == path


@pytest.mark.parametrize("seed", [0, 1])
def test_supernet_path_and_fixed_network_have_equal_losses_and_gradients(config, seed):
    supernet, data = build(config), batch(config)
    arch = supernet.search_space.fair_path(seed, 5)
    fixed = build(config, arch=arch.to_dict())
    assert fixed.search_space.size == 1
    assert not fixed.load_state_dict(supernet.state_dict(), strict=False).missing_keys
    supernet.set_arch(arch)
    losses = []
    for model in (supernet, fixed):
        values = losses_of(model, data)
        values["loss"].backward()
        losses.append({name: value.item() for name, value in values.items()})
    assert losses[0] == losses[1]
    theirs = dict(supernet.named_parameters())
    for name, parameter in fixed.named_parameters():
        assert parameter.grad is not None, f"{name} is unused"
        assert torch.equal(parameter.grad, theirs.pop(name).grad)
    assert all(parameter.grad is None for parameter in theirs.values())


def test_a_picture_without_things_reaches_every_parameter(config):
    supernet = build(config)
    arch = next(
        path
        for path in (supernet.search_space.fair_path(0, i) for i in range(50))
        if any(choice.startswith("df") for choice in path.mask_head)
    )
    model, data = build(config, arch=arch.to_dict()), batch(config)
    for sample in data["data_samples"]:
        sample.gt_instances = sample.gt_instances[:0]
    losses_of(model, data)["loss"].backward()
    unused = [name for name, p in model.named_parameters() if p.grad is None]
    assert not unused


def test_gates_come_from_ungated_features_and_reach_their_branches(config):
    model = build(config).eval()
    x = tuple(torch.randn(2, 32, 16 // 2**i, 24 // 2**i) for i in range(4))
    x = (*x, torch.randn(2, 32, 1, 2))
    maps, size = model.semantic_head.features(x), (16, 24)
    things, stuff = model.things_to_stuff(x[1:], size), model.stuff_to_things(maps, size)
    pyramid = model.attend(x)
    assert isinstance(pyramid, Attended)
    for level, gate, out in zip(x, stuff, pyramid.levels, strict=True):
        assert torch.equal(out, level + gate * level)
    for level, gate, out in zip(maps, things, pyramid.semantic, strict=True):
        assert torch.equal(out, level + gate * level)

    one = build(config, things_to_stuff=None).eval().attend(x)
    assert all(torch.equal(*pair) for pair in zip(one.semantic, maps, strict=True))
    assert not torch.equal(one.levels[0], x[0])
    other = build(config, stuff_to_things=None).eval().attend(x)
    assert all(torch.equal(*pair) for pair in zip(other.levels, x, strict=True))
    assert not torch.equal(other.semantic[0], maps[0])


def test_raw_outputs_are_those_of_the_heads(config):
    model = build(config).eval()
    data = model.data_preprocessor(batch(config, "val"), False)
    with torch.no_grad():
        *_, masks, logits = model(data["inputs"], data["data_samples"], mode="tensor")
        features = model.features(data["inputs"])
        proposals = model.rpn_head.predict(features.levels, data["data_samples"], rescale=False)
    assert torch.equal(logits, model.semantic_head(features)["seg_preds"])
    assert len(masks) == min(100, sum(map(len, proposals)))


def test_attention_changes_both_branches(config):
    data = batch(config)
    model = build(config)
    before = losses_of(model, data)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("fc2.bias") and "things.gates" in name:
                parameter -= 1
    changed = losses_of(model, data)
    assert before["loss_seg"] == changed["loss_seg"]
    for name in ("loss_rpn_cls", "loss_cls"):
        assert before[name] != changed[name]
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("fc2.bias") and "stuff.gates" in name:
                parameter -= 1
    again = losses_of(model, data)
    assert again["loss_seg"] != changed["loss_seg"]
    assert again["loss_cls"] == changed["loss_cls"]


def test_without_attention_the_pyramid_passes_untouched(config):
    model = build(config, things_to_stuff=None, stuff_to_things=None)
    x = tuple(torch.randn(1, 32, 8, 8) for _ in range(5))
    assert model.attend(x) is x
    assert list(model.search_space.parts) == ["backbone", "mask_head", "semantic_head"]


def test_without_attention_the_detector_is_mmdetections_own(shapes_config):
    """Equal to the bit: losses, gradients and panoptic maps of the class it derives from."""
    config = shapes_config("../ablations/backbone_only")
    data, results = batch(config), []
    ours = build(config)
    theirs = copy.deepcopy(config.model)
    for key in ("arch", "things_to_stuff", "stuff_to_things"):
        assert theirs.pop(key) is None
    theirs.type = "TwoStagePanopticSegmentor"
    theirs.test_cfg.rcnn.score_thr = 0.5  # None is the fusion's, which only ours knows
    theirs = MODELS.build(theirs)
    theirs.load_state_dict(ours.state_dict())
    for model in (ours, theirs):
        values = losses_of(model, data)
        values["loss"].backward()
        gradients = [p.grad for p in model.parameters() if p.grad is not None]
        with torch.no_grad():
            samples = model.eval().test_step(batch(config, "val"))
        maps = [sample.pred_panoptic_seg.sem_seg for sample in samples]
        results.append([*values.values(), *gradients, *maps])
    assert len(results[0]) == len(results[1])
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))


def test_prediction_of_a_path(config):
    model = build(config).eval()
    model.set_arch(model.search_space.fair_path(0, 7))
    with torch.no_grad():
        samples = model.test_step(batch(config, "val"))
    for item in samples:
        assert item.pred_panoptic_seg.sem_seg.shape == (1, *item.ori_shape)


def test_architectures_with_other_parts_are_refused(config):
    model = build(config)
    whole = model.search_space.fair_path(0, 0)
    backbone = Arch(backbone=whole.backbone)
    for refuse in (model.set_arch, lambda arch: build(config, arch=arch)):
        with pytest.raises(ArchError, match="lacks mask_head, which this model has"):
            refuse(backbone.to_dict())
    for name in ("things_to_stuff", "stuff_to_things"):
        lacking = Arch(**{n: c for n, c in whole.to_dict().items() if n != name})
        with pytest.raises(ArchError, match=f"lacks {name}"):
            model.set_arch(lacking)
        with pytest.raises(ArchError, match=f"has {name}, which this model does not search"):
            build(config, **{name: None}, arch=whole.to_dict())
        with pytest.raises(ArchError, match=f"has {name}, which this model does not search"):
            build(config, **{name: None}).set_arch(whole)


def test_one_part_is_fixed_from_a_whole_architecture(config):
    whole = build(config).search_space.fair_path(0, 0)
    config.model.backbone.arch = whole.to_dict()
    model = build(config)
    assert [part.name for part in model.search_space.searched] == list(PART_CHOICES)[1:]
    assert model.search_space.window == 6
    assert model.search_space.fair_path(3, 1).backbone == whole.backbone
