"""What begins from random weights, and is told so in a line before anything is read."""

import pytest
import torch

from mmpanonas.config import ConfigError, check_start, load_config
from tests.conftest import ROOT
from tests.tools.conftest import one_line

FULL = ["coco/supernet", "coco/search_evolution", "coco/retrain", "ade20k/retrain"]
WEIGHTS = dict(type="PretrainedBackbone", checkpoint="backbone.pth")


def read(name: str, **options):
    return load_config(ROOT / f"configs/auto_panoptic/{name}.py", options)


@pytest.mark.parametrize("name", FULL)
def test_full_networks_do_not_begin_from_random_weights(name):
    with pytest.raises(ConfigError) as refused:
        check_start(read(name))
    message = str(refused.value)
    assert "\n" not in message
    for way in ("configs/auto_panoptic/imagenet", "autopanoptic_to_mmdet.py", "--from-scratch"):
        assert way in message


@pytest.mark.parametrize(
    "options",
    [
        {"model.backbone.init_cfg": WEIGHTS},
        {"model.init_cfg": [dict(type="Xavier", layer="Linear"), WEIGHTS]},
        {"load_from": "detector.pth"},
        {"model.backbone.channels": (24, 96, 240, 480, 960)},
    ],
    ids=["backbone", "model", "load_from", "narrow"],
)
def test_what_begins_with_weights_or_is_narrow_passes(options):
    check_start(read("coco/supernet", **options))


def test_initialisations_that_read_no_file_are_random_weights():
    options = {"model.backbone.init_cfg": dict(type="Kaiming", layer="Conv2d")}
    with pytest.raises(ConfigError, match="random weights"):
        check_start(read("coco/retrain", **options))


@pytest.mark.parametrize("name", ["shapes/supernet", "shapes/retrain"])
def test_small_networks_learn_from_scratch(name):
    check_start(read(name, **{"model.arch": None}))


@pytest.mark.parametrize("name", ["coco_r50", "shapes_r50"])
def test_backbones_that_nobody_searches_are_not_asked(name):
    check_start(load_config(ROOT / f"configs/panoptic_fpn/{name}.py"))


def test_the_training_says_so_before_it_reads_data(call_tool, tmp_path):
    """COCO is not here, which the second training says, and the third that nothing is resumed."""
    argv = ["tools/train.py", "configs/auto_panoptic/coco/supernet.py", "--work-dir", tmp_path]
    assert "would begin from random weights" in one_line(call_tool(*argv))
    assert "annotations/panoptic" in one_line(call_tool(*argv, "--from-scratch"))
    code, out, err = call_tool(*argv, "--resume")
    assert code == 2
    assert "nothing to resume" in out
    assert "would begin from random weights" in err
    file = tmp_path / "some.pth"
    torch.save({}, file)
    options = ["--from-scratch", "--cfg-options", f"load_from={file}"]
    said = one_line(call_tool(*argv, *options))
    assert f"--from-scratch and load_from={file}: weights of a file are not random" in said
