"""What a resumed training's config says otherwise than its checkpoint's, key by key."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mmengine.config import Config

from mmpanonas.errors import InputError
from mmpanonas.training.resumed_config import config_changes
from tests.conftest import ROOT

SUPERNET = "configs/auto_panoptic/shapes/supernet.py"


def supernet(options: dict | None = None) -> str:
    """The text of a config, as MMEngine keeps it in a checkpoint."""
    cfg = Config.fromfile(ROOT / SUPERNET)
    cfg.merge_from_dict(options or {})
    return cfg.pretty_text


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        # another data set, or other batches
        ("train_dataloader.dataset.ann_file", "x.json", ".ann_file: 'annotations/.*' there, 'x"),
        ("train_dataloader.dataset.data_root", "/b", r"\.data_root: .* there, '/b' here"),
        ("train_dataloader.batch_size", 7, "train_dataloader.batch_size: 2 there, 7 here"),
        ("train_dataloader.dataset.pipeline", [], r"\.pipeline: \[.*\] there, \[\] here"),
        ("train_dataloader.sampler", dict(type="Own"), r"sampler\.type: '.*' there, 'Own' here"),
        # the model
        ("model.rpn_head.loss_cls.loss_weight", 3.0, "loss_cls.loss_weight: 1.0 there, 3.0 here"),
        ("model.data_preprocessor.std", [1, 2, 3], r"std: \[.*\] there, \[1, 2, 3\] here"),
        ("model.new", None, "model.new: absent there, None here"),
        # precision, schedule, averages
        ("optim_wrapper.type", "AmpOptimWrapper", "there, 'AmpOptimWrapper' here"),
        ("optim_wrapper.clip_grad", None, r"optim_wrapper\.clip_grad: .* there, None here"),
        ("default_hooks.fairness.type", "UniformSamplingHook", "there, 'UniformSamplingHook' here"),
        ("custom_hooks", [dict(type="EMAHook")], r"custom_hooks: absent there, \[.*EMAHook"),
        ("randomness.deterministic", True, "deterministic: absent there, True here"),
    ],
)
def test_the_config_wins_and_each_difference_is_said(key, value, said):
    (change,) = config_changes(supernet(), supernet({key: value}))
    assert re.search(said, change), change
    assert "\n" not in change


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("default_hooks.fairness.seed", 3, "the paths of the supernet, and is 0 there, 3 here"),
        ("train_cfg", dict(_delete_=True, type="EpochBasedTrainLoop", max_epochs=3), "'Epoch.* he"),
        ("train_cfg", dict(_delete_=True, by_epoch=True, max_epochs=3), "'EpochBasedTrainLoop' he"),
    ],
)
def test_what_no_half_of_a_training_can_change_is_refused(key, value, said):
    there, here = Config.fromfile(ROOT / SUPERNET), Config.fromfile(ROOT / SUPERNET)
    here.merge_from_dict({key: value})
    with pytest.raises(InputError, match=f"--resume: {key}.*{said}.*--work-dir"):
        config_changes(there.pretty_text, here.pretty_text)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"train_dataloader.num_workers": 9, "work_dir": "/elsewhere", "load_from": "x.pth"},
        {"optim_wrapper.optimizer.lr": 3.0, "train_cfg.max_iters": 9, "randomness.seed": 4},
        {"model.backbone.init_cfg": dict(type="Pretrained", checkpoint="x")},
        {"default_hooks.logger.interval": 3, "default_hooks.checkpoint.interval": 2},
    ],
)
def test_what_is_compared_elsewhere_or_trains_nothing_is_not_said(options):
    assert config_changes(supernet(), supernet(options)) == []


def test_a_loop_and_a_seed_that_are_written_otherwise_are_the_same():
    there = "train_cfg = dict(type='IterBasedTrainLoop')\ndefault_hooks=dict(fairness=dict(seed=0))"
    here = "train_cfg = dict(by_epoch=False)\ndefault_hooks=dict(fairness=dict())"
    assert config_changes(there, here) == []
    assert config_changes("model = dict(a=(1, 2))", "model = {'a': [1, 2]}") == []


def test_a_long_list_is_short():
    here = "model = dict({})".format(", ".join(f"k{i}={i}" for i in range(40)))
    changes = config_changes("model = dict()", here)
    assert len(changes) == 13
    assert changes[-1] == "and 28 other keys of the config"


@pytest.mark.parametrize("there", [None, 3, "", "model = dict(", "\0", "(" * 10_000, b"model = 1"])
def test_a_checkpoint_that_tells_nothing_changes_nothing(there):
    assert config_changes(there, "model = dict(a=1)") == []


def test_text_that_is_no_plain_data_is_compared_as_it_stands_and_never_run(tmp_path):
    there = f"model = open({str(tmp_path / 'trace')!r}, 'w')"
    assert config_changes(there, there) == []
    assert len(config_changes(there, "model = dict(a=1)")) == 1
    assert not (tmp_path / "trace").exists()


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)


@settings(max_examples=40)
@given(there=VALUES, here=VALUES)
def test_of_any_two_values_the_difference_is_one_line_or_none(there, here):
    changes = config_changes(f"model = {there!r}", f"model = {here!r}")
    assert all(len(change.splitlines()) == 1 for change in changes)
    if there == here:
        assert changes == []
