"""Each form that MMEngine takes: the config means what it says, or one line refuses it."""

import importlib
from collections import OrderedDict

import pytest
from mmdet.registry import MODELS
from mmengine.hooks import CheckpointHook
from mmengine.optim import AmpOptimWrapper, OptimWrapper
from mmengine.registry import HOOKS, LOOPS, OPTIM_WRAPPERS, DefaultScope

import mmpanonas.cli
import mmpanonas.register
from mmpanonas.cli import check_amp, enable_amp, is_search
from mmpanonas.config import ConfigError, check_forms, load_config
from mmpanonas.errors import InputError
from mmpanonas.search import SearchLoop
from mmpanonas.training import FairAmpOptimWrapper, FairOptimWrapper
from tests.conftest import ROOT

SHAPES = ROOT / "configs/auto_panoptic/shapes"
NO_VALIDATION = "val_dataloader = val_cfg = val_evaluator = None\n"
EPOCHS = 'train_cfg = dict(_delete_=True, type="EpochBasedTrainLoop", max_epochs=2)\n'
FINITE = 'train_dataloader = dict(sampler=dict(type="DefaultSampler", shuffle=True))\n'


@pytest.fixture
def load(tmp_path):
    """A checked config of shapes' retraining with some text of a user's behind it."""

    def load(text, base="retrain", **options):
        file = tmp_path / "own.py"
        file.write_text(f'_base_ = "{SHAPES}/{base}.py"\n{text}')
        cfg = load_config(file, options)
        check_forms(cfg)
        return cfg

    return load


@pytest.mark.parametrize(
    "text",
    [
        NO_VALIDATION,
        NO_VALIDATION + "test_dataloader = test_cfg = test_evaluator = None",
        'val_evaluator = [dict(type="PanopticQualityMetric"), dict(type="DumpResults")]',
        'param_scheduler = dict(type="LinearLR", by_epoch=False, end=720)',
        "param_scheduler = None",
        "param_scheduler = []",
        'param_scheduler = [dict(type="MultiStepLR", milestones=[1], convert_to_iter_based=True)]',
        "default_hooks = dict(progress=None, logger=None)",
        'custom_hooks = dict(type="EMAHook", momentum=0.1)',
        'custom_hooks = [dict(type="EarlyStoppingHook", monitor="coco_panoptic/PQ")]',
        'default_hooks = dict(checkpoint=dict(save_best="auto", rule="greater"))',
        'optim_wrapper = dict(type="AmpOptimWrapper", dtype="bfloat16")',
        EPOCHS + FINITE,
        EPOCHS + FINITE + 'param_scheduler = dict(type="StepLR", step_size=1)',
        'train_dataloader = dict(batch_sampler=dict(type="AspectRatioBatchSampler"))',
        "log_processor = dict(by_epoch=True)",
    ],
)
def test_accepted(load, text):
    cfg = load(text)
    assert "progress" not in cfg.default_hooks or cfg.default_hooks.progress
    assert isinstance(cfg.get("custom_hooks", []), list)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("val_dataloader = None", "val_cfg, val_evaluator without val_dataloader: give all of"),
        ("optim_wrapper = None", "without optim_wrapper"),
        (EPOCHS, "epochs, which never end with train_dataloader.sampler InfiniteSampler"),
        ('param_scheduler = dict(type="StepLR", step_size=1)', "param_scheduler counts epochs"),
        (
            'param_scheduler = [dict(type="LinearLR", by_epoch=False), dict(type="PolyLR")]',
            r"param_scheduler\.1 counts epochs",
        ),
        (
            "default_hooks = dict(checkpoint=dict(by_epoch=True))",
            r"default_hooks\.checkpoint counts epochs",
        ),
        (
            NO_VALIDATION
            + 'default_hooks = dict(checkpoint=dict(save_best="auto", rule="greater"))',
            "save_best needs a validation",
        ),
        ('default_hooks = dict(checkpoint=dict(save_best="auto"))', "needs rule='greater'"),
        (
            NO_VALIDATION + 'custom_hooks = [dict(type="EarlyStoppingHook", monitor="PQ")]',
            r"custom_hooks\.0 needs a validation",
        ),
        ("val_dataloader = dict(drop_last=True)", r"val_dataloader\.drop_last: expected False"),
        ("model = dict(data_preprocessor=dict(mean=-1))", "mean: expected a list"),
        ("model = dict(test_cfg=dict(rcnn=dict(max_per_img=0)))", "max_per_img: expected a whole"),
        ("model = dict(train_cfg=dict(rcnn=dict(pos_weight=[])))", "pos_weight: expected a number"),
        (
            'model = dict(roi_head=dict(bbox_roi_extractor=dict(roi_layer=dict(output_size="x"))))',
            "output_size: expected a whole number",
        ),
        (
            "train_dataloader = dict(dataset=dict(filter_cfg=dict(min_size=-1)))",
            "min_size: expected a number of 0 or more",
        ),
        ("optim_wrapper = dict(optimizer=dict(lr=None))", "lr: expected a number of 0 or more"),
        ('default_hooks = [dict(type="EMAHook")]', "default_hooks: expected a dictionary"),
        ('custom_hooks = dict(ema=dict(type="EMAHook"))', "custom_hooks: expected a list"),
    ],
)
def test_refused_in_a_line(load, text, said):
    with pytest.raises(ConfigError, match=said) as caught:
        load(text)
    assert "\n" not in str(caught.value)


def test_subclasses_count_as_what_they_are(load, monkeypatch):
    """Types are resolved as MMEngine resolves them, never compared as text."""

    class OwnSearch(SearchLoop):
        pass

    class OwnCheckpoints(CheckpointHook):
        pass

    for registry, kind in ((LOOPS, OwnSearch), (HOOKS, OwnCheckpoints)):
        monkeypatch.setitem(registry._module_dict, kind.__name__, kind)
    cfg = load('val_cfg = dict(type="OwnSearch")', "search_evolution")
    assert is_search(cfg)
    assert not is_search(load(""))
    assert not is_search(load(NO_VALIDATION))
    with pytest.raises(ConfigError, match=r"custom_hooks\.0 counts epochs"):
        load('custom_hooks = [dict(type="OwnCheckpoints", interval=1)]')


def test_mixed_precision_by_class(load, monkeypatch):
    class OwnWrapper(OptimWrapper):
        pass

    monkeypatch.setattr(mmpanonas.cli, "is_cuda_available", lambda: True)
    monkeypatch.setitem(OPTIM_WRAPPERS._module_dict, "OwnWrapper", OwnWrapper)
    for base, text, expected in (
        ("retrain", "", AmpOptimWrapper),
        ("supernet", "", FairAmpOptimWrapper),
        ("retrain", 'optim_wrapper = dict(type="AmpOptimWrapper")', AmpOptimWrapper),
    ):
        cfg = load(text, base)
        enable_amp(cfg)
        assert cfg.optim_wrapper.type == expected.__name__
    with pytest.raises(ConfigError, match=r"--amp: expected .*'OwnWrapper'"):
        enable_amp(load('optim_wrapper = dict(type="OwnWrapper")'))
    check_amp(cfg)
    monkeypatch.setattr(mmpanonas.cli, "is_cuda_available", lambda: False)
    with pytest.raises(ConfigError, match="'AmpOptimWrapper' needs a GPU"):
        check_amp(cfg)


def test_a_fair_supernet_counts_its_own_window():
    with pytest.raises(InputError, match="accumulative_counts is 4"):
        FairOptimWrapper(optimizer=None, accumulative_counts=4)


PURE = """
from mmengine.config import read_base
from mmengine.runner import IterBasedTrainLoop

with read_base():
    from .base import *

train_cfg = dict(type=IterBasedTrainLoop, max_iters=5, val_interval=5)
model.update(arch=None)
"""


def test_a_pure_python_config(tmp_path):
    load_config(SHAPES / "supernet.py").dump(tmp_path / "base.py")
    (tmp_path / "own.py").write_text(PURE)
    cfg = load_config(tmp_path / "own.py", {"data_root": "mine", "image_scale": [64, 48]})
    check_forms(cfg)
    assert cfg.train_cfg.max_iters == 5
    assert cfg.train_dataloader.dataset.data_root == "mine"
    assert cfg.val_dataloader.dataset.pipeline[1].scale == (64, 48)


def test_boxes_are_found_down_to_the_fusions_limit(shapes_config):
    keys = {"model.test_cfg.panoptic.score_thr": 0.2, "data_root": "nowhere"}
    cfg = shapes_config("supernet", **keys)
    model = MODELS.build(cfg.model)
    assert model.roi_head.test_cfg.score_thr == model.panoptic_fusion_head.rules.score_thr == 0.2
    assert cfg.model.test_cfg.rcnn.score_thr is None
    cfg.model.test_cfg.rcnn.score_thr = 0.5
    with pytest.raises(InputError, match=r"rcnn\.score_thr is 0\.5 and drops boxes"):
        MODELS.build(cfg.model)


@pytest.mark.parametrize(("chosen", "scope"), [(None, "mmdet"), ("mmengine", "mmengine")])
def test_the_import_chooses_a_scope_where_none_is_chosen(monkeypatch, chosen, scope):
    monkeypatch.setattr(DefaultScope, "_instance_dict", OrderedDict())
    if chosen:
        DefaultScope.get_instance("deliberate", scope_name=chosen)
    importlib.reload(mmpanonas.register)
    assert DefaultScope.get_current_instance().scope_name == scope
