"""Every config loads, says what it should, and builds the network that it describes."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper

from mmpanonas.config import ConfigError, class_slots, datasets_of, load_config
from mmpanonas.models import Searchable
from mmpanonas.models.fusion import PRESETS
from mmpanonas.space import CostMeasure, NetworkShape, SearchSpace, space_of
from mmpanonas.strategies import STRATEGIES
from tests.conftest import ROOT, shapes_arch

CONFIGS = sorted(
    path.relative_to(ROOT)
    for folder in ("configs", "studies/ranking/configs")
    for path in (ROOT / folder).rglob("*.py")
    if not {"_base_", "imagenet"} & set(path.parts)  # tests/tools/test_pretraining.py
)
#: Of panoptic networks; those of detectors are in tests/detectors.
BUILDABLE = [path for path in CONFIGS if not {"custom", "custom_full", "detnas"} & set(path.parts)]


def read(path: Path | str) -> Config:
    """A config whose architecture is there: some name what a search of theirs finds."""
    path = Path(path)
    config = Config.fromfile(path)
    if str(config.model.get("arch")).startswith("work_dirs") and "elastic" in path.name:
        supernet = Config.fromfile(path.with_name("elastic_supernet.py"))
        config.model.arch = space_of(supernet.model).sample(np.random.default_rng(0)).to_dict()
    elif str(config.model.get("arch")).startswith("work_dirs"):
        whole = shapes_arch("shuffle_5x5").to_dict()
        config.model.arch = {part: whole[part] for part in searchable_parts(config.model)}
    return config


def searchable_parts(model: dict) -> list[str]:
    configs = dict(
        backbone=model.backbone,
        mask_head=model.roi_head.mask_head,
        semantic_head=model.semantic_head,
        things_to_stuff=model.things_to_stuff,
        stuff_to_things=model.stuff_to_things,
    )
    kinds = {name: config and MODELS.get(config.type) for name, config in configs.items()}
    return [name for name, kind in kinds.items() if kind and issubclass(kind, Searchable)]


def test_the_main_configs_are_where_the_readme_says():
    for data in ("coco", "ade20k", "shapes"):
        for name in ("supernet", "search_evolution", "retrain"):
            assert Path(f"configs/auto_panoptic/{data}/{name}.py") in CONFIGS


@pytest.mark.parametrize("path", BUILDABLE, ids=str)
def test_config_builds_its_network(path):
    config = read(path)
    model = MODELS.build(config.model)
    things, stuff = {"coco": (80, 53), "ade20k": (100, 50), "shapes": (6, 4)}[
        next((data for data in ("coco", "ade20k") if data in str(path)), "shapes")
    ]
    for part, key, kind in class_slots(config.model):
        assert part[key] == (things, stuff)[kind], part.type
    assert model.num_classes == things + stuff
    for dataset in datasets_of(config):
        assert dataset.pipeline[0].type == "LoadImageFromFile"


@pytest.mark.parametrize("path", [p for p in BUILDABLE if "auto_panoptic" in p.parts], ids=str)
def test_supernets_are_searched_and_retrained_networks_fixed(path):
    model = MODELS.build(read(path).model)
    if any(word in path.name for word in ("retrain", "fusion", "alone")):
        size = 1
    elif path.name.startswith("elastic"):
        full = bool({"coco", "ade20k"} & set(path.parts))
        stage = 4**4 + 4**6 + 4**8 if full else 4 + 4**2  # operations of the blocks there are
        third = 4**8 + 4**12 + 4**16 if full else 4**2 + 4**3 + 4**4
        heads = 6**7 if full else 6**3
        size = stage**3 * third * heads * 3**9 * 4**5 * 4**3
    elif {"coco", "ade20k"} & set(path.parts):
        size = SearchSpace.full().size
    else:
        parts = dict(backbone_only=4**10, heads_only=6**3, attention_only=3**9)
        parts["no_attention"] = 4**10 * 6**3
        parts["shapes"] = 4**5 * 6**2 * 4**2
        size = parts.get(path.stem, 4**10 * 6**3 * 3**9)
    assert model.search_space.size == size


def test_published_widths():
    for data in ("coco", "ade20k"):
        shapes = [
            NetworkShape.of_model(read(f"configs/auto_panoptic/{data}/{name}.py").model)
            for name in ("supernet", "retrain")
        ]
        assert shapes[0].channels == (48, 96, 240, 480, 960)
        assert shapes[1].channels == (72, 172, 432, 864, 1728)
        assert all(shape.blocks == (8, 8, 16, 8) for shape in shapes)


def test_schedules_are_the_papers():
    supernet = read("configs/auto_panoptic/coco/supernet.py")
    epoch = 84960 // 12
    assert epoch == (118287 - 5000) // 16
    assert supernet.train_cfg.max_iters == 12 * epoch
    warm_up, steps = supernet.param_scheduler
    assert (warm_up.start_factor, warm_up.begin, warm_up.end) == (0.1, 0, 3000)
    assert steps.milestones == [8 * epoch, 11 * epoch]
    ade = read("configs/auto_panoptic/ade20k/supernet.py")
    assert ade.train_cfg.max_iters == 24 * ((20210 - 2000) // 16)
    assert ade.param_scheduler[0] == warm_up
    assert ade.param_scheduler[1].milestones == [18208, 25036]
    retrain = read("configs/auto_panoptic/coco/retrain.py")
    assert retrain.train_cfg.max_iters == 90000
    assert retrain.param_scheduler[1].milestones == [60000, 80000]
    assert (retrain.param_scheduler[0].start_factor, retrain.param_scheduler[0].end) == (0.1, 500)
    for config in (supernet, ade, retrain):
        optimizer = config.optim_wrapper.optimizer
        assert optimizer == dict(type="SGD", lr=0.02, momentum=0.9, weight_decay=1e-4)
        assert config.train_dataloader.batch_size * 8 == 16


def test_search_evaluates_nas_val_and_recalibrates_on_nas_train():
    config = read("configs/auto_panoptic/coco/search_evolution.py")
    assert "nas_val" in config.val_dataloader.dataset.ann_file
    assert "train2017" in config.val_dataloader.dataset.data_prefix.img
    recalibration = config.val_cfg.recalibration
    assert "nas_train" in recalibration.dataset.ann_file
    assert (recalibration.num_images, recalibration.batch_size) == (500, 16)
    strategy = config.val_cfg.strategy
    assert strategy.generations * strategy.population == 1000


@pytest.mark.parametrize("data", ["coco", "ade20k", "shapes"])
def test_strategies_of_a_data_set_evaluate_equally_often(data):
    totals = {}
    for name in ("evolution", "random", "pareto"):
        options = dict(read(f"configs/auto_panoptic/{data}/search_{name}.py").val_cfg.strategy)
        kind = STRATEGIES[options.pop("type")]
        if "cost" in options:
            options["cost"] = partial(CostMeasure(**options["cost"]).of, shape=NetworkShape())
        totals[kind] = kind(SearchSpace.full(), **options).total
    assert len(totals) == 3
    assert set(totals.values()) == {32 if data == "shapes" else 1000}


@pytest.mark.parametrize("name", ["supernet", "search_evolution", "retrain"])
def test_full_size_custom_configs_differ_from_cocos_in_data_and_classes_alone(shapes_root, name):
    """Built without memory for shapes' classes, with the published architecture to retrain."""
    options = {"data_root": str(shapes_root)}
    if name == "retrain":
        options["model.arch"] = "configs/auto_panoptic/archs/coco.json"
    config = load_config(f"configs/auto_panoptic/custom_full/{name}.py", options)
    coco = load_config(f"configs/auto_panoptic/coco/{name}.py")
    for part, key, kind in class_slots(config.model):
        assert part[key] == (6, 4)[kind]
    for own, cocos in zip(class_slots(config.model), class_slots(coco.model), strict=True):
        own[0][own[1]] = cocos[0][cocos[1]]
    for key in ("model", "optim_wrapper", "param_scheduler", "train_cfg", "sync_bn"):
        assert config[key] == coco[key], key
    assert config.train_dataloader.batch_size == coco.train_dataloader.batch_size
    assert config.val_cfg.get("strategy") == coco.val_cfg.get("strategy")
    (scale,) = {step.scale for d in datasets_of(config) for step in d.pipeline if "scale" in step}
    assert scale == coco.train_dataloader.dataset.pipeline[2].scale


def test_custom_configs_take_classes_root_and_scale_from_the_data(shapes_root):
    options = {"data_root": str(shapes_root), "image_scale": (96, 64)}
    config = load_config("configs/auto_panoptic/custom/supernet.py", options)
    counts = {(part.type, key): part[key] for part, key, _ in class_slots(config.model)}
    assert counts["Shared2FCBBoxHead", "num_classes"] == 6
    assert counts["SearchableSemanticHead", "num_stuff_classes"] == 4
    roots = {dataset.data_root for dataset in datasets_of(config)}
    assert roots == {str(shapes_root)}
    scales = {
        tuple(step.scale)
        for dataset in datasets_of(config)
        for step in dataset.pipeline
        if step.type == "Resize"
    }
    assert scales == {(96, 64)}


def test_max_iters_moves_the_whole_schedule():
    """A third of retraining's 720 iterations, 48 of them warm-up; a tenth of COCO's 90,000."""
    config = load_config("configs/auto_panoptic/shapes/retrain.py", {"max_iters": 240})
    assert config.train_cfg.max_iters == config.train_cfg.val_interval == 240
    warm_up, cosine = config.param_scheduler
    assert (warm_up.begin, warm_up.end) == (0, 16)
    assert (cosine.begin, cosine.end, cosine.T_max) == (0, 240, 240)
    config = load_config("configs/auto_panoptic/coco/retrain.py", {"max_iters": 9000})
    assert config.train_cfg.val_interval == 1000
    assert config.param_scheduler[0].end == 50
    assert config.param_scheduler[1].milestones == [6000, 8000]


@pytest.mark.parametrize("length", [0, -12, "long", 12.5])
def test_a_length_that_is_none_is_one_clear_error(length):
    with pytest.raises(ConfigError, match="max_iters: expected a positive number"):
        load_config("configs/auto_panoptic/shapes/supernet.py", {"max_iters": length})


def test_unknown_keys_fail():
    config = read("configs/auto_panoptic/shapes/supernet.py")
    config.model.backbone.widths = (1, 2, 3, 4, 5)
    with pytest.raises(TypeError, match="widths"):
        MODELS.build(config.model)


def test_missing_config_is_one_clear_error():
    with pytest.raises(ConfigError, match="does not exist"):
        load_config("configs/auto_panoptic/coco/supernett.py")


def test_a_missing_base_is_one_clear_error(tmp_path):
    own = tmp_path / "own.py"
    own.write_text('_base_ = "../nowhere/base.py"')
    with pytest.raises(ConfigError, match=r"own.py inherits from .*nowhere/base.py, which does"):
        load_config(own)


@pytest.mark.parametrize(
    ("name", "preset"),
    [
        (f"{data}/{name}", "released")
        for data in ("coco", "ade20k")
        for name in ("retrain", "supernet")
    ]
    + [("custom_full/supernet", "released"), ("shapes/retrain", "paper")],
)
def test_full_size_networks_fuse_as_the_published_numbers_were_made(name, preset):
    config = read(f"configs/auto_panoptic/{name}.py")
    head = config.model.panoptic_fusion_head
    assert head.preset == preset
    assert head.also == (("released", "paper") if preset == "released" else ())
    assert bool(config.model.test_cfg.panoptic) == (preset == "paper")
    assert config.default_hooks.report_presets.type == "ReportPresetsHook"


def test_fusion_presets_are_one_key_apart():
    config = read("configs/auto_panoptic/coco/retrain.py")
    config.model.backbone.channels = (2, 4, 6, 8, 10)
    config.model.neck.in_channels = [4, 6, 8, 10]
    for preset in ("paper", "released"):
        config.model.panoptic_fusion_head.preset = preset
        assert MODELS.build(config.model).panoptic_fusion_head.rules == PRESETS[preset]
    small = read("configs/auto_panoptic/ablations/released_fusion.py")
    rules = MODELS.build(small.model).panoptic_fusion_head.rules
    assert rules == replace(PRESETS["released"], stuff_area_limit=144, area_limits_at=(128, 128))


@pytest.mark.parametrize("name", ["retrain", "supernet"])
def test_released_configs_differ_by_the_conventions_alone(name):
    ours, released = (read(f"configs/auto_panoptic/coco/{n}{name}.py") for n in ("", "released_"))
    conventions = released.released_conventions
    ours.merge_from_dict(dict(model=conventions))
    assert ours.model == released.model
    assert set(released) - set(ours) == {"released_conventions", "ratios", "nms", "extractor"}
    model = MODELS.build(released.model)
    assert model.panoptic_fusion_head.rules == PRESETS["released"]
    assert model.test_cfg.rcnn.nms == dict(type="nms", iou_threshold=0.5, offset=1)
    assert model.test_cfg.rpn.nms == dict(type="nms", iou_threshold=0.7, offset=1)


RECIPE = {
    "model.rpn_head.loss_bbox.type": ("L1Loss", "SmoothL1Loss"),
    "model.rpn_head.loss_bbox.beta": (None, 1 / 9),
    "model.roi_head.bbox_head.type": ("Shared2FCBBoxHead", "Shared2FCGNBBoxHead"),
    "model.roi_head.bbox_head.loss_bbox.type": ("L1Loss", "SmoothL1Loss"),
    "model.roi_head.bbox_head.loss_bbox.beta": (None, 1.0),
    "optim_wrapper.paramwise_cfg.custom_keys.bias.lr_mult": (None, 2.0),
    "optim_wrapper.paramwise_cfg.custom_keys.bias.decay_mult": (None, 0.0),
    "train_dataloader.dataset.filter_cfg.filter_empty_gt": (False, True),
}
WHOLE = {"train_dataloader.dataset.things_file": (None, "annotations/instances_train2017.json")}
SLOW_NORM = {
    "model.backbone.norm_cfg.type": (None, "BN"),
    "model.backbone.norm_cfg.requires_grad": (None, True),
    "model.backbone.norm_cfg.momentum": (None, 0.01),
}


def leaves_of(node: object, place: str = "") -> dict:
    """The values in dictionaries, and in lists of such, by dotted place."""
    found = {}
    items = node.items() if isinstance(node, dict) else enumerate(node)
    for key, value in items:
        many = isinstance(value, list) and any(isinstance(item, dict) for item in value)
        is_inner = many or (isinstance(value, dict) and value)
        found |= leaves_of(value, f"{place}{key}.") if is_inner else {f"{place}{key}": value}
    return found


@pytest.mark.parametrize("data", ["coco", "ade20k"])
@pytest.mark.parametrize("name", ["retrain", "supernet", "search_evolution"])
def test_the_released_recipe_differs_by_its_own_keys_alone(data, name):
    """Fusion `released` and batches of one orientation are in both."""
    ours, theirs = (
        leaves_of(load_config(f"configs/auto_panoptic/{data}/{name}{end}.py").to_dict())
        for end in ("", "_released")
    )
    changed = {k: (ours.get(k), theirs.get(k)) for k in ours | theirs}
    changed = {k: v for k, v in changed.items() if v[0] != v[1] and not k.startswith("released_")}
    schedule = {k for k in changed if k.startswith("param_scheduler.1.")}
    assert bool(schedule) == (name != "retrain")
    expected = RECIPE | (SLOW_NORM if name == "retrain" else {}) | (WHOLE if data == "coco" else {})
    assert {k: v for k, v in changed.items() if k not in schedule} == expected
    assert theirs["model.panoptic_fusion_head.preset"] == "released"
    assert theirs["train_dataloader.batch_sampler.type"] == "InfiniteGroupBatchSampler"


@pytest.mark.parametrize("data", ["coco", "ade20k"])
def test_the_released_supernet_falls_by_a_cosine_after_a_warm_up(data):
    config = load_config(f"configs/auto_panoptic/{data}/supernet_released.py")
    warm_up, cosine = config.param_scheduler
    assert (warm_up.start_factor, warm_up.begin, warm_up.end) == (0.1, 0, 3000)
    assert (cosine.type, cosine.begin, cosine.eta_min) == ("CosineAnnealingLR", 3000, 0)
    assert cosine.end == config.train_cfg.max_iters


@pytest.mark.parametrize("name", ["retrain", "supernet"])
def test_biases_of_the_released_recipe_learn_at_twice_the_rate_without_decay(name):
    """Those of norm layers too, as there: whatever has "bias" in its name."""
    wrapper = load_config(f"configs/auto_panoptic/coco/{name}_released.py").optim_wrapper
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 1), torch.nn.GroupNorm(2, 4))
    found = build_optim_wrapper(model, wrapper).optimizer.param_groups
    rates = {(group["lr"], group["weight_decay"]) for group in found}
    assert rates == {(0.02, 1e-4), (0.04, 0.0)}
    names = {id(p): n for n, p in model.named_parameters()}
    doubled = [names[id(g["params"][0])] for g in found if g["lr"] == 0.04]
    assert doubled == ["0.bias", "1.bias"]


@pytest.mark.parametrize("name", ["supernet", "retrain", "retrain_ade20k"])
def test_imagenet_decays_neither_biases_nor_norms(name):
    path = f"configs/auto_panoptic/imagenet/{name}.py"
    wrapper = Config.fromfile(path, import_custom_modules=False).optim_wrapper
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 1), torch.nn.BatchNorm2d(4))
    found = build_optim_wrapper(model, wrapper).optimizer.param_groups
    assert [group["weight_decay"] for group in found] == [4e-5, 0, 0, 0]


def test_released_networks_see_blue_green_red_minus_the_means():
    preprocessor = MODELS.build(
        read("configs/auto_panoptic/coco/released_retrain.py").model.data_preprocessor
    )
    picture = torch.tensor([103, 116, 123], dtype=torch.uint8).view(3, 1, 1).expand(3, 32, 40)
    data = preprocessor(dict(inputs=[picture], data_samples=None))
    assert data["inputs"].shape == (1, 3, 32, 64)
    expected = torch.tensor([103 - 102.9801, 116 - 115.9465, 123 - 122.7717])
    torch.testing.assert_close(data["inputs"][0, :, 31, 39], expected)
    assert (data["inputs"][..., 40:] == 0).all()
