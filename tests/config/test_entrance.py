"""Wrong keys and values of a config: refused before anything is built, in one line that helps."""

import copy
import math
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mmengine.config import Config

from mmpanonas.config import ConfigError, load_config
from mmpanonas.config.entrance import check_config
from mmpanonas.config.inheritance import merge_options, read_file
from mmpanonas.config.judge.constructors import find, parameters
from mmpanonas.config.judge.keys import Judge
from mmpanonas.config.judge.variables import variables_of
from mmpanonas.options import check_options, read_value
from tests.conftest import ROOT, SHAPES

SEARCH = SHAPES / "search_evolution.py"

#: Key, value, words of the message.
WRONG_KEYS = [
    ("max_iter", 5, "max_iters"),
    ("test_dataloder.batch_size", 1, "test_dataloader"),
    ("defualt_hooks.checkpoint.interval", 5, "default_hooks"),
    ("val_cfg.recalibrtion", 5, "recalibration"),
    ("train_cfg.max_iter", 5, "max_iters"),
    ("train_cfg.interval", 5, "val_interval"),
    ("model.backbone.chanels", 1, "channels"),
    ("model.bakbone.channels", 1, "backbone"),
    ("model.test_cfg.rcnn.score_thresh", 0.5, "score_thr"),
    ("model.test_cfg.rcn.score_thr", 0.5, "rcnn"),
    ("model.test_cfg.rcnn.nms.iou_threshhold", 0.5, "iou_threshold"),
    ("model.test_cfg.panoptic.score_thresh", 0.5, "score_thr"),
    ("model.test_cfg.rpn.nms_preee", 5, "nms_pre"),
    ("model.train_cfg.rpn.asigner.type", "MaxIoUAssigner", "assigner"),
    ("model.train_cfg.rpn.assigner.pos_iou_thresh", 0.5, "pos_iou_thr"),
    ("model.train_cfg.rcnn.sampler.number", 5, "num"),
    ("model.neck.norm_cfg.num_group", 4, "num_groups"),
    ("model.neck.in_channel", 4, "in_channels"),
    ("model.rpn_head.anchor_generator.scale", 4, "scales"),
    ("model.rpn_head.loss_cls.weight", 4, "loss_weight"),
    ("model.roi_head.mask_head.num_conv", 4, "num_convs"),
    ("model.roi_head.bbox_roi_extractor.roi_layer.size", 4, "output_size"),
    ("model.data_preprocessor.pad_divisor", 4, "pad_size_divisor"),
    ("model.semantic_head.inner_channels", 4, "channels"),
    ("model.panoptic_fusion_head.presett", "paper", "preset"),
    ("model.things_to_stuf.whole", True, "things_to_stuff"),
    ("train_dataloader.batchsize", 2, "batch_size"),
    ("train_dataloader.sampler.shufle", True, "shuffle"),
    ("train_dataloader.dataset.anno_file", "a", "ann_file"),
    ("train_dataloader.dataset.pipeline.0.to_float", True, "to_float32"),
    ("train_dataloader.dataset.pipeline.3.probability", 0.5, "prob"),
    ("optim_wrapper.optimiser.lr", 0.1, "optimizer"),
    ("optim_wrapper.optimizer.learning_rate", 0.1, "AdamW has no learning_rate"),
    ("optim_wrapper.clip_grad.maxnorm", 1, "max_norm"),
    ("optim_wrapper.paramwise_cfg.bias_lr", 1, "bias_lr_mult"),
    ("param_scheduler.0.gama", 1, "no gama"),
    ("default_hooks.chekpoint.interval", 5, "has no type"),
    ("default_hooks.checkpoint.intervall", 5, "interval"),
    ("default_hooks.recalibration.images", 5, "num_images"),
    ("visualizer.vis_backend", [], "vis_backends"),
    ("visualizer.vis_backends.0.save_folder", "a", "save_dir"),
    ("val_evaluator.class_wise", True, "classwise"),
    ("val_cfg.budget", [], "budgets"),
    ("val_cfg.budgets", [dict(quantity="macs", limits=1e9)], "limit"),
    ("val_cfg.strategy.generation", 3, "generations"),
    ("val_cfg.recalibration.num_image", 3, "num_images"),
    ("val_cfg.executor", dict(type="ray", worker=3), "workers"),
    ("randomness.sed", 1, "seed"),
    ("env_cfg.cudnn_bench", True, "cudnn_benchmark"),
    ("env_cfg.mp_cfg.start_method", "fork", "mp_start_method"),
    ("log_processor.window", 5, "window_size"),
    ("auto_scale_lr.base_batch", 5, "base_batch_size"),
    ("custom_imports.import", [], "imports"),
    ("norm_cfg.num_groups", 4, "variable of the config"),
    ("model.backbone.type", "SearchableShufleNetV2", "SearchableShuffleNetV2"),
    ("val_cfg.type", "SearchLop", "SearchLoop"),
    ("val_cfg.strategy.type", "Evolutoin", "Evolution"),
    ("optim_wrapper.optimizer.type", "SDG", "SGD"),
    ("train_dataloader.dataset.type", "CocoPanopticDatset", "Dataset"),
    ("train_dataloader.dataset.pipeline.0.type", "LoadImage", "LoadImageFromFile"),
    # Paths that lead nowhere.
    ("train_dataloader.dataset.pipeline.first.type", "Resize", "a place in it"),
    ("train_dataloader.dataset.pipeline.99.type", "Resize", "0 to"),
    ("train_cfg.max_iters.more", 5, "nothing lies below"),
]

WRONG_VALUES = [
    ("randomness.seed", (-1, 2**32, 1.5, "a", True, math.nan)),
    ("train_cfg.max_iters", (0, -1, "many", None, 2.5, True)),
    ("train_cfg.val_interval", (0, -1, "x")),
    ("train_dataloader.batch_size", (0, -2, 1.5, "x", True)),
    ("train_dataloader.num_workers", (-1, "x", 0.5)),
    ("optim_wrapper.optimizer.lr", (-0.1, "fast", math.nan, math.inf)),
    ("optim_wrapper.optimizer.weight_decay", (-1, "x")),
    ("optim_wrapper.optimizer.betas", ([0.5], [1, 2], "x")),
    ("optim_wrapper.accumulative_counts", (0, -1, 1.5)),
    ("optim_wrapper.clip_grad.max_norm", (0, -1, "x", math.nan)),
    ("default_hooks.checkpoint.interval", (0, -5, "x")),
    ("default_hooks.checkpoint.max_keep_ckpts", (0, -5)),
    ("default_hooks.logger.interval", (0, "x")),
    ("val_cfg.recalibration.batch_size", (-1, 0, "x", None)),
    ("val_cfg.recalibration.num_images", (-1, 2.5)),
    ("val_cfg.recalibration.momentum", (0, 1.5, "x")),
    ("val_cfg.strategy.population", (0, -1, "x", 2.5, None)),
    ("val_cfg.strategy.mutation_prob", (-0.1, 1.1, math.nan, "x")),
    ("val_cfg.seed", (-1, 0.5)),
    ("val_cfg.timeout", (0, -3, "soon", math.inf)),
    ("val_cfg.max_tries", (0, "x")),
    ("val_cfg.budgets", ([dict(quantity="macs", limit=-1)], [dict(quantity="macs", limit="x")])),
    ("model.backbone.channels", (5, "wide", [16, 0, 1, 1, 1])),
    ("model.roi_head.bbox_head.num_classes", (-1, "x")),
    ("model.semantic_head.num_layers", (-1, "x", 1.5)),
    ("model.neck.out_channels", (0, -5, "x")),
    ("model.test_cfg.rcnn.score_thr", (-0.5, 1.5, "x", math.nan)),
    ("model.test_cfg.rcnn.nms.iou_threshold", (-1, 2)),
    ("model.train_cfg.rcnn.sampler.num", ("x", None)),
    ("model.backbone", (5, "ResNet")),
    ("train_dataloader", ("x", 5)),
    ("image_scale", (640, [640], "640", [0, 5], [1, 2, 3])),
    ("max_iters", (0, True, "x")),
    ("data_root", (5,)),
    ("resume", ("yes", 1)),
    ("env_cfg.mp_cfg.mp_start_method", ("thread",)),
    ("param_scheduler.0.end", (0, "x")),
    ("train_dataloader.persistent_workers", ("x",)),
    ("log_processor.window_size", (0, "x")),
    ("auto_scale_lr.base_batch_size", (0, -16, "x")),
]


@cache
def read(path) -> Config:
    return read_file(str(path))


def judged(path, options: dict) -> None:
    """What ``load_config`` does first, of a file that is read once."""
    config = copy.deepcopy(read(path))
    check_options(config, options)
    try:
        merge_options(config, options)
    except TypeError as error:  # as load_config does
        raise ConfigError(error) from None
    check_config(config, path, options)


def refused(options: dict, config=SEARCH) -> str:
    with pytest.raises(ConfigError) as error:
        judged(config, options)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(("key", "value", "word"), WRONG_KEYS, ids=[key for key, *_ in WRONG_KEYS])
def test_an_unknown_key_is_refused_with_what_was_meant(key, value, word):
    message = refused({key: value})
    assert key.split(".")[-1].rstrip("0123456789") in message or key.split(".")[0] in message
    assert word in message


@pytest.mark.parametrize(("key", "values"), WRONG_VALUES, ids=[key for key, _ in WRONG_VALUES])
def test_a_value_of_the_wrong_kind_or_range_is_refused(key, values):
    for value in values:
        message = refused({key: value})
        assert key in message, message
        assert "expected" in message


def test_values_that_fit_alone_and_not_together():
    options = {"train_dataloader.num_workers": 0, "train_dataloader.persistent_workers": True}
    assert "needs num_workers of 1 or more" in refused(options)
    options = {"param_scheduler.0.begin": 900, "param_scheduler.0.end": 800}
    assert "param_scheduler.0.end: expected more than begin (900)" in refused(options)
    options = {"train_cfg": 1, "train_cfg.max_iters": 2}
    assert "cannot both be given" in refused(options)


CONFIGS = sorted(
    path for path in ROOT.glob("configs/**/*.py") if not {"_base_", "imagenet"} & set(path.parts)
)


def test_shipped_configs_say_nothing_wrong():
    assert len(CONFIGS) > 35
    for path in CONFIGS[::4]:  # tests/test_configs.py loads them all
        found = Judge().problems(Config.fromfile(path).to_dict(), variables_of(path))
        assert found == [], path


def test_a_dumped_config_holds_variables_that_have_been_read(tmp_path):
    read(SEARCH).dump(tmp_path / "dumped.py")
    assert "norm_cfg" in read(SEARCH)
    judged(tmp_path / "dumped.py", {})


@pytest.mark.parametrize(
    "name",
    [
        "mask_rcnn/mask-rcnn_r50_fpn_1x_coco",
        "panoptic_fpn/panoptic-fpn_r50_fpn_1x_coco",
        "cascade_rcnn/cascade-mask-rcnn_r50_fpn_1x_coco",
        "dcn/faster-rcnn_r50_fpn_dpool_1x_coco",
        "retinanet/retinanet_r50_fpn_1x_coco",
        "fcos/fcos_r50-caffe_fpn_gn-head_1x_coco",
        "detr/detr_r50_8xb2-150e_coco",
        "rtmdet/rtmdet-ins_s_8xb32-300e_coco",
        "mask2former/mask2former_r50_8xb2-lsj-50e_coco-panoptic",
        "soft_teacher/soft-teacher_faster-rcnn_r50-caffe_fpn_180k_semi-0.1-coco",
        "yolox/yolox_s_8xb8-300e_coco",
    ],
)
def test_configs_of_mmdetection_say_nothing_wrong(name):
    path = Config._get_cfg_path(f"mmdet::{name}.py", "")[0]
    config = Config.fromfile(path).to_dict()
    assert Judge().problems(config, set(config)) == []


def write(tmp_path, text: str):
    path = tmp_path / "own.py"
    path.write_text(f'_base_ = "{SEARCH}"\n{text}')
    return path


def test_variables_that_a_config_uses_are_its_own(tmp_path, shapes_root):
    path = write(
        tmp_path, "widths = (16, 24, 48, 96, 160)\nmodel = dict(backbone=dict(channels=widths))"
    )
    assert load_config(path).model.backbone.channels == (16, 24, 48, 96, 160)
    assert "widths: unknown key" in refused({}, write(tmp_path, "widths = (16, 24, 48, 96, 160)"))
    # A base's variable set anew reaches nothing: the base has read its own.
    assert "norm_cfg: unknown key" in refused({}, write(tmp_path, "norm_cfg = dict(num_groups=2)"))
    inherited = write(
        tmp_path, "train_dataloader = dict(dataset=dict(pipeline=_base_.train_pipeline))"
    )
    assert load_config(inherited).train_dataloader.dataset.pipeline


def test_a_class_may_stand_for_its_name():
    from mmpanonas.recalibration import RecalibrationBatches

    assert find(RecalibrationBatches, "mmdet") == [RecalibrationBatches]
    assert set(parameters(RecalibrationBatches).hints) == {
        "dataset",
        "num_images",
        "batch_size",
        "momentum",
    }


class _Base:
    def __init__(self, low: int, high: int = 1) -> None: ...


class _Passes(_Base):
    def __init__(self, more: int, **kwargs) -> None:
        kwargs.pop("old", None)
        super().__init__(**kwargs)


class _Keeps(_Base):
    def __init__(self, more: int, **kwargs) -> None:
        self.rest = kwargs


class _Ignores(_Base):
    def __init__(self, more: int, **kwargs) -> None: ...


def test_what_a_constructor_takes():
    assert set(parameters(_Passes).hints) == {"low", "high", "more", "old"}
    assert not parameters(_Passes).open
    assert parameters(_Keeps).open
    assert set(parameters(_Ignores).hints) == {"more"}
    assert not parameters(_Ignores).open


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5", 5),
        ("1e-3", 1e-3),
        ("None", None),
        ("true", True),
        ("a,b", ["a", "b"]),
        ("640,480", [640, 480]),
        ("[(1,2),(3,4)]", [(1, 2), (3, 4)]),
        ("[]", []),
        ("{'a': 1, 'b': [2, None]}", {"a": 1, "b": [2, None]}),
        ("dict(type=Random, total=3)", {"type": "Random", "total": 3}),
        ("[dict(quantity='macs',limit=1e9)]", [{"quantity": "macs", "limit": 1e9}]),
    ],
)
def test_values_of_options_are_read(text, value):
    assert read_value("key", text) == value


@pytest.mark.parametrize(
    "text", ["[1,2", "(1,2", "{'a': 1", "dict(a=1", "dict(**a)", "dict(a=f(1))"]
)
def test_values_of_options_that_cannot_be_read(text):
    with pytest.raises(ConfigError, match="--cfg-options key: ") as error:
        read_value("key", text)
    assert "\n" not in str(error.value)


def test_a_dictionary_reaches_the_config():
    budgets = read_value("", "[dict(quantity='macs',limit=1e9)]")
    config = load_config(SEARCH, {"val_cfg.budgets": budgets})
    assert config.val_cfg.budgets[0].limit == 1e9


TREE = load_config(SEARCH).to_dict()


def leaves(node: object, path: tuple = ()):
    if isinstance(node, dict):
        for key, value in node.items():
            yield from leaves(value, (*path, key))
        yield path
    elif isinstance(node, list) and node and isinstance(node[0], dict):
        for place, value in enumerate(node):
            yield from leaves(value, (*path, str(place)))


#: Dictionaries that somebody takes whole, or whose names are the user's.
WHOLE = {"dist_cfg", "custom_keys", "ratios", "data_prefix", "default_hooks", "filter_cfg"}
DICTIONARIES = [
    path for path in leaves(TREE) if path and not WHOLE & set(path)
    and path[0] in ("model", "train_dataloader", "val_cfg", "optim_wrapper", "param_scheduler",
                    "visualizer", "train_cfg", "randomness", "env_cfg", "val_evaluator")
]  # fmt: skip


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.sampled_from(DICTIONARIES),
    st.text("abcdefghijklmnopqrstuvwxyz_", min_size=6, max_size=14),
    st.one_of(st.integers(), st.booleans(), st.text(max_size=3), st.floats()),
)
def test_any_unknown_key_anywhere_is_refused(path, name, value):
    key = ".".join((*path, f"zq{name}"))
    assert f"zq{name}" in refused({key: value})


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.sampled_from([key for key, _ in WRONG_VALUES]),
    st.one_of(
        st.integers(-3, 3), st.booleans(), st.text(max_size=3), st.floats(), st.none(),
        st.lists(st.integers(-2, 2), max_size=3),
        st.dictionaries(st.text("ab", min_size=1), st.none()),
    ),
)  # fmt: skip
def test_any_value_is_taken_or_refused_in_one_line(key, value):
    try:
        judged(SEARCH, {key: value})
        message = ""
    except ConfigError as error:
        message = str(error)
    assert "\n" not in message
