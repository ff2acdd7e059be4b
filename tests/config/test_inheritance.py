"""Values with many copies follow their key; what a place says itself stays (no run, no data)."""

import pytest
import torch
from mmdet.registry import MODELS
from mmengine.config import DictAction

from mmpanonas.config import ConfigError, load_config
from mmpanonas.config.datasets import named_datasets
from mmpanonas.config.inheritance import read_file
from mmpanonas.config.spread import scales_of
from mmpanonas.errors import InputError
from tests.conftest import ROOT

CUSTOM = ROOT / "configs/auto_panoptic/custom"
SHAPES = ROOT / "configs/auto_panoptic/shapes"
CLASSES = (("thing",), ("stuff",))


@pytest.fixture
def load(tmp_path):
    """A config from what a user's file says after its ``_base_``, and options."""

    def load(base, text="", **options):
        file = tmp_path / "own.py"
        file.write_text(f'_base_ = "{base}"\n{text}')
        return load_config(file, options, CLASSES)

    return load


def roots(cfg):
    return {place: dataset.get("data_root") for place, dataset in named_datasets(cfg)}


def test_data_root_reaches_loaders_hooks_and_the_search(load):
    for cfg in (
        load(SHAPES / "search_evolution.py", 'data_root = "mine"'),
        load(SHAPES / "search_evolution.py", data_root="mine"),
    ):
        found = roots(cfg)
        assert set(found.values()) == {"mine"}
        assert {"default_hooks.recalibration.dataset", "val_cfg.recalibration.dataset"} <= {*found}


def test_a_root_of_ones_own_is_kept_and_named(load, caplog):
    text = 'val_dataloader = dict(dataset=dict(data_root="/other/"))'
    with caplog.at_level("WARNING", "mmengine"):
        found = roots(load(CUSTOM / "retrain.py", text, data_root="mine"))
    assert found["train_dataloader.dataset"] == found["test_dataloader.dataset"] == "mine"
    assert found["val_dataloader.dataset"] == "/other/"
    key = {"val_dataloader.dataset.data_root": "data/custom/"}  # as inherited, but said
    found = roots(load(CUSTOM / "retrain.py", data_root="mine", **key))
    assert found["val_dataloader.dataset"] == "data/custom/"


WRAPPED = {
    "ConcatDataset": 'dict(_delete_=True, type="ConcatDataset", '
    'datasets=[one, dict(one, data_root="/other/")])',
    "RepeatDataset": 'dict(_delete_=True, type="RepeatDataset", times=2, dataset=one)',
    "ClassBalanced": 'dict(_delete_=True, type="ClassBalancedDataset", oversample_thr=0.1, '
    'dataset=dict(type="RepeatDataset", times=2, dataset=one))',
    "MultiImageMix": 'dict(_delete_=True, type="MultiImageMixDataset", dataset=one, pipeline=[])',
}


@pytest.mark.parametrize("kind", WRAPPED)
def test_wrapped_data_sets_follow(load, kind):
    text = (
        "one = dict(_base_.train_dataloader.dataset)\n"
        f"train_dataloader = dict(dataset={WRAPPED[kind]})"
    )
    found = roots(load(CUSTOM / "retrain.py", text, data_root="mine"))
    inner = [root for place, root in found.items() if place.startswith("train")]
    assert inner == (["mine", "/other/"] if kind == "ConcatDataset" else ["mine"])


def test_paths_of_metrics_follow_the_root(load):
    text = 'val_evaluator = dict(ann_file="data/custom/annotations/panoptic_val.json")'
    cfg = load(CUSTOM / "retrain.py", text, data_root="mine")
    assert cfg.val_evaluator.ann_file == "mine/annotations/panoptic_val.json"


def test_what_reaches_nothing_is_refused(load):
    own = "\n".join(
        f'{s}_dataloader = dict(dataset=dict(data_root="{s}"))' for s in ("train", "val", "test")
    )
    with pytest.raises(ConfigError, match=r"data_root=mine reaches nothing.*\.dataset \(train\)"):
        load(CUSTOM / "retrain.py", own, data_root="mine")


@pytest.mark.parametrize("text", ["640,480", "[640,480]", "(640,480)", "[640, 480]"])
def test_image_scale_as_text_is_a_pair(load, text):
    scale = DictAction._parse_iterable(text)
    cfg = load(CUSTOM / "search_evolution.py", image_scale=scale)
    assert {*dict(scales_of(cfg)).values()} == {(640, 480)}
    key = {"test_dataloader.dataset.pipeline.1.scale": scale}
    cfg = load(CUSTOM / "retrain.py", **key)
    assert cfg.test_dataloader.dataset.pipeline[1].scale == (640, 480)


@pytest.mark.parametrize("scale", [640, "wide", (640,), (640, 0), (640, 480, 3), (1.5, 2), "640,"])
def test_an_image_scale_that_is_no_pair_is_refused(load, scale):
    with pytest.raises(ConfigError, match="image_scale: expected two whole numbers"):
        load(CUSTOM / "retrain.py", image_scale=scale)


OWN = """
pipeline = [
    dict(type="LoadImageFromFile"),
    dict(type="LoadPanopticSegments"),
    dict(type="Resize", scale=(1333, 800), keep_ratio=True),
    dict(type="PackDetInputs"),
]
train_dataloader = dict(dataset=dict(pipeline=pipeline))
"""


def test_a_pipelines_own_scale_wins(load, caplog):
    """Also if it is the one that a file further up had: (1333, 800) is COCO's."""
    for text in (OWN, "image_scale = (640, 480)" + OWN):
        cfg = load(CUSTOM / "retrain.py", text)
        assert cfg.train_dataloader.dataset.pipeline[2].scale == (1333, 800)
    assert cfg.test_dataloader.dataset.pipeline[1].scale == (640, 480)
    key = {"test_dataloader.dataset.pipeline.1.scale": (64, 48)}
    cfg = load(CUSTOM / "retrain.py", image_scale=(640, 480), **key)
    assert cfg.train_dataloader.dataset.pipeline[2].scale == (640, 480)
    assert cfg.test_dataloader.dataset.pipeline[1].scale == (64, 48)


NESTED = """
resize = dict(type="Resize", scale=_base_.image_scale, keep_ratio=True)
pipeline = [
    dict(type="LoadImageFromFile"),
    dict(type="RandomChoice", transforms=[[resize], [dict(type="RandomApply", transforms=resize)]]),
    dict(type="RandomChoiceResize", scales=[(160, 120), _base_.image_scale], keep_ratio=True),
    dict(type="RandomResize", scale=_base_.image_scale, ratio_range=(0.5, 2.0), keep_ratio=True),
    dict(type="RandomResize", scale=[(160, 120), (200, 100)], keep_ratio=True),
]
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type="MultiImageMixDataset",
        dataset=_base_.train_dataloader.dataset,
        pipeline=pipeline,
    )
)
"""


def test_image_scale_reaches_nested_and_chosen_resizes(load, tmp_path):
    middle = tmp_path / "middle.py"
    middle.write_text(f'_base_ = "{CUSTOM}/retrain.py"\n{NESTED}')
    cfg = load(middle, image_scale=(640, 480))
    _, choice, chosen, ranged, own = cfg.train_dataloader.dataset.pipeline
    assert choice.transforms[0][0].scale == choice.transforms[1][0].transforms.scale == (640, 480)
    assert chosen.scales == [(160, 120), (640, 480)]
    assert ranged.scale == (640, 480)
    assert own.scale == [(160, 120), (200, 100)]
    assert cfg.train_dataloader.dataset.dataset.pipeline[2].scale == (640, 480)


def test_a_reference_to_an_inherited_pipeline_follows(load):
    text = 'image_scale = (64, 48)\nd = dict(type="RepeatDataset", times=2, dataset=dict(\n'
    text += 'type="PanopticDataset", data_root="x", pipeline=_base_.train_pipeline))\n'
    text += "train_dataloader = dict(dataset=dict(d, _delete_=True))"
    cfg = load(CUSTOM / "retrain.py", text)
    assert cfg.train_dataloader.dataset.dataset.pipeline[2].scale == (64, 48)


@pytest.mark.parametrize("form", ["file", "key", "dictionary"])
def test_recalibration_at_the_top_reaches_every_place(load, form):
    text = "recalibration = dict(num_images=3, momentum=0.1)" if form == "file" else ""
    options = {
        "file": {},
        "key": {"recalibration.num_images": 3, "recalibration.momentum": 0.1},
        "dictionary": {"recalibration": dict(num_images=3, momentum=0.1)},
    }[form]
    cfg = load(SHAPES / "search_evolution.py", text, **options)
    for place in (cfg.recalibration, cfg.val_cfg.recalibration, cfg.default_hooks.recalibration):
        assert (place.num_images, place.momentum, place.batch_size) == (3, 0.1, 16)


def test_recalibration_that_reaches_nothing_is_said(load, monkeypatch):
    lines = []
    monkeypatch.setattr("mmpanonas.config.reach.print_log", lambda text, *_: lines.append(text))
    load(SHAPES / "search_evolution.py", **{"recalibration.num_images": 3})
    load(SHAPES / "supernet.py", **{"recalibration.num_images": 3})
    assert not lines
    for options in ({"recalibration.num_images": 3}, {"recalibration": dict(num_images=3)}):
        load(SHAPES / "retrain.py", **options)
        assert lines.pop().startswith(f"{next(iter(options))}: nothing in ")
    assert not lines


def test_a_places_own_recalibration_wins(load):
    keys = {"recalibration.num_images": 3, "val_cfg.recalibration.num_images": 5}
    cfg = load(SHAPES / "search_evolution.py", **keys)
    assert (cfg.val_cfg.recalibration.num_images, cfg.default_hooks.recalibration.num_images) == (
        5,
        3,
    )
    text = "val_cfg = dict(recalibration=dict(num_images=7))\nrecalibration = dict(num_images=3)"
    cfg = load(SHAPES / "search_evolution.py", text)
    assert cfg.val_cfg.recalibration.num_images == 7
    assert cfg.val_cfg.recalibration.batch_size == 16


def test_max_iters_moves_checkpoints_and_log_and_never_cuts_a_window(load):
    cfg = load(SHAPES / "supernet.py", max_iters=2412)  # a multiple of 12; half of it is none
    assert cfg.default_hooks.checkpoint.interval == 1212
    cfg = load(SHAPES / "supernet.py", max_iters=24)
    assert cfg.default_hooks.checkpoint.interval == 24
    assert cfg.default_hooks.logger.interval == 24
    keys = {"max_iters": 24, "default_hooks.checkpoint.interval": 7, "train_cfg.val_interval": 5}
    cfg = load(SHAPES / "retrain.py", **keys)
    assert (cfg.default_hooks.checkpoint.interval, cfg.train_cfg.val_interval) == (7, 5)


SCHEDULES = {
    "one": 'param_scheduler = dict(type="PolyLR", by_epoch=False, begin=0, end=720)',
    "list": "param_scheduler = [dict(type='StepLR', by_epoch=False, step_size=720, end=720)]",
    "periods": "param_scheduler = dict(type='CosineRestartLR', by_epoch=False, periods=[360, 720],"
    " restart_weights=[1, 1], end=720)",
}


@pytest.mark.parametrize("form", SCHEDULES)
def test_max_iters_moves_every_form_of_schedule(load, tmp_path, form):
    middle = tmp_path / "middle.py"
    middle.write_text(f'_base_ = "{SHAPES}/retrain.py"\n{SCHEDULES[form]}')
    cfg = load(middle, max_iters=72)
    scheduler = cfg.param_scheduler[0] if form == "list" else cfg.param_scheduler
    assert scheduler.end == 72
    assert scheduler.get("step_size", 72) == 72
    assert scheduler.get("periods", [36, 72]) == [36, 72]


def test_two_lengths_are_refused_and_a_variable_of_that_name_is_none(load):
    with pytest.raises(ConfigError, match=r"max_iters is 24 and train_cfg\.max_iters 12"):
        load(SHAPES / "retrain.py", **{"max_iters": 24, "train_cfg.max_iters": 12})
    cfg = load(SHAPES / "retrain.py", "max_iters = 24\ntrain_cfg = dict(max_iters=max_iters)")
    assert cfg.train_cfg.max_iters == 24


def test_files_in_between_hand_on(load, tmp_path):
    """A grandchild follows the child's values, whoever stated them first."""
    middle = tmp_path / "middle.py"
    middle.write_text(f'_base_ = "{SHAPES}/supernet.py"\ndata_root = "a/"\nimage_scale = (64, 48)')
    cfg = load(middle, 'data_root = "b/"')
    assert set(roots(cfg).values()) == {"b/"}
    assert {*dict(scales_of(cfg)).values()} == {(64, 48)}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = (", "SyntaxError|syntax"),
        ("x = y", "NameError: name 'y' is not defined"),
        ("import nowhere", "nowhere"),
        ("model = 3", "describes no network|cannot be read|model"),
        ("train_dataloader = dict(dataset=3, sampler=dict(shuffle=dict(a=1)))", "shuffle"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_line(load, text, said):
    with pytest.raises(ConfigError, match=said) as caught:
        load(SHAPES / "retrain.py", text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "options",
    [
        {"model.backbone.channels.9": 3},
        {"train_cfg.max_iters.x": 3},
        {"model": 3, "model.arch": None},
        {"model.arch": None, "model": None},
    ],
)
def test_options_that_do_not_fit_are_one_line(load, options):
    with pytest.raises(ConfigError) as caught:
        load(SHAPES / "retrain.py", **options)
    assert "\n" not in str(caught.value)


NARROW = dict(backbone=(8, 16, 32, 64, 96), pyramid=48, rpn=40, mask=56, semantic=64, groups=4)


def test_a_width_reaches_every_module_that_reads_it(load):
    for cfg in (
        load(SHAPES / "supernet.py", f"model_widths = {NARROW}"),
        load(SHAPES / "supernet.py", **{f"model_widths.{name}": w for name, w in NARROW.items()}),
    ):
        model, heads = cfg.model, cfg.model.roi_head
        assert list(model.backbone.channels) == [8, *model.neck.in_channels] == [8, 16, 32, 64, 96]
        assert model.rpn_head.feat_channels == 40
        assert (model.semantic_head.in_channels, model.semantic_head.channels) == (48, 64)
        assert (heads.mask_head.in_channels, heads.mask_head.conv_out_channels) == (48, 56)
        for part, ins, out in (("things_to_stuff", 4 * 48, 64), ("stuff_to_things", 4 * 64, 48)):
            assert (model[part].in_channels, model[part].out_channels) == (ins, out)
        network = MODELS.build(model)
        with torch.no_grad():
            levels, maps = network.features(torch.zeros(1, 3, 64, 64))
        assert {x.shape[1] for x in levels} == {48}
        assert {x.shape[1] for x in maps} == {64}
        assert {m.num_groups for m in network.modules() if isinstance(m, torch.nn.GroupNorm)} == {4}
        boxes = heads.bbox_head.in_channels * heads.bbox_head.roi_feat_size**2
        assert network.roi_head.bbox_head.shared_fcs[0].in_features == boxes == 48 * 49


def test_a_width_reaches_one_stage_detectors_and_classifiers(load, tmp_path):
    wide = dict(backbone=(8, 16, 32, 64, 96), pyramid=24)
    shapes = ROOT / "configs/detnas/shapes_retinanet_supernet.py"
    model = load(shapes, f"model_widths = {wide}").model
    assert (model.neck.in_channels, model.bbox_head.in_channels) == ([16, 32, 64, 96], 24)
    own = tmp_path / "classifier.py"  # which MMPretrain would build
    base = ROOT / "configs/auto_panoptic/imagenet/supernet.py"
    own.write_text(f'_base_ = "{base}"\nmodel_widths = {wide}')
    model = read_file(str(own), import_modules=False).model
    assert model.head.in_channels == 96


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"model_widths.pyramid": 48, "model.neck.out_channels": 40},
            r"model\.neck\.out_channels is 40, and model_widths\.pyramid=48 makes it 48",
        ),
        (
            {"model_widths.pyramid": 48, "model.things_to_stuff.in_channels": 48},
            r"in_channels is 48, and model_widths\.pyramid=48 makes it 192: give model_widths",
        ),
        ({"model_widths.neck": 8}, "model_widths has no neck; its keys are backbone, pyramid"),
        (
            {"model_widths.mask": 0},
            r"model_widths\.mask: expected a whole number of 1 or more, got 0",
        ),
        ({"model_widths.backbone": [8, 16]}, r"model_widths\.backbone: expected 5 values"),
        ({"model_widths": 8}, r"model_widths: expected dict\(pyramid=\.\.\., \.\.\.\), got 8"),
    ],
)
def test_a_width_that_disagrees_or_is_none_is_refused(load, options, message):
    with pytest.raises(InputError, match=message):
        load(SHAPES / "supernet.py", **options)
