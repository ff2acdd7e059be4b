"""Searched parts in MMDetection's own detectors: a path is the network that it is alone."""

import copy
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmdet.registry import MODELS
from mmdet.testing import demo_mm_inputs
from mmengine.config import Config, ConfigDict
from mmengine.registry import init_default_scope

from mmpanonas.config import load_config
from mmpanonas.config.inheritance import base_path
from mmpanonas.running.console import _paths_of
from mmpanonas.space import active_arch, set_arch, space_of
from tests.conftest import ROOT
from tests.docs.page import Page

CHANNELS = (16, 24, 32, 40, 48)
BACKBONE = dict(type="SearchableShuffleNetV2", channels=CHANNELS, blocks=(1, 1, 2, 1))
GN = dict(type="GN", num_groups=4, requires_grad=True)
MASK_HEAD = dict(
    type="SearchableMaskHead",
    num_convs=2,
    in_channels=256,
    conv_out_channels=16,
    num_classes=80,
    norm_cfg=GN,
)
MASK_RCNN = dict(roi_head=dict(mask_head=MASK_HEAD))
DETECTORS = dict(
    retinanet=("_base_/models/retinanet_r50_fpn.py", {}),
    faster_rcnn=("_base_/models/faster-rcnn_r50_fpn.py", {}),
    mask_rcnn=("_base_/models/mask-rcnn_r50_fpn.py", MASK_RCNN),
    cascade_rcnn=("_base_/models/cascade-rcnn_r50_fpn.py", {}),
    fcos=("fcos/fcos_r50-caffe_fpn_gn-head_1x_coco.py", {}),
    panoptic_fpn=("panoptic_fpn/panoptic-fpn_r50_fpn_1x_coco.py", {}),
)


def searched(name: str) -> ConfigDict:
    """The model of MMDetection's config with the searchable backbone, and what else is changed."""
    file, changes = DETECTORS[name]
    model = Config.fromfile(base_path(f"mmdet::{file}", "")[0]).model
    model.backbone = dict(BACKBONE)
    model.neck.in_channels = list(CHANNELS[1:])
    for part, value in changes.items():
        for key, inner in value.items():
            model[part][key] = inner
    heads = (model.get("roi_head") or {}).get("bbox_head") or []
    for head in heads if isinstance(heads, list) else [heads]:
        head.fc_out_channels = 32
    return model


@pytest.mark.parametrize("name", DETECTORS)
def test_a_path_is_the_network_that_it_is_alone(name):
    init_default_scope("mmdet")
    torch.manual_seed(0)
    model = searched(name)
    supernet = MODELS.build(copy.deepcopy(model)).eval()
    space = space_of(supernet)
    assert space.size == 4**5 * (6**2 if name == "mask_rcnn" else 1)
    assert {p.name for p in space.searched} == {p.name for p in space_of(model).searched}
    arch = space.sample(np.random.default_rng(1))
    set_arch(supernet, arch)
    assert active_arch(supernet) == arch

    model["backbone"]["arch"] = arch
    if name == "mask_rcnn":
        model["roi_head"]["mask_head"]["arch"] = arch
    alone = MODELS.build(model).eval()
    assert space_of(alone).size == 1
    weights = supernet.state_dict()
    alone.load_state_dict({key: weights[key] for key in alone.state_dict()})

    semantic = name == "panoptic_fpn"
    has_masks = semantic or name == "mask_rcnn"
    data = demo_mm_inputs(
        1,
        [[3, 64, 64]],
        num_classes=80,
        with_mask=has_masks,
        with_semantic=semantic,
    )
    losses = []
    for network in (supernet, alone):
        network.train()
        torch.manual_seed(0)
        batch = network.data_preprocessor(copy.deepcopy(data), True)
        found = network.parse_losses(network.loss(batch["inputs"], batch["data_samples"]))[0]
        found.backward()
        losses.append(found.item())
    assert losses[0] == losses[1]
    gradients = {key: w.grad for key, w in supernet.named_parameters() if w.grad is not None}
    assert gradients.keys() <= dict(alone.named_parameters()).keys()
    for key, weight in alone.named_parameters():
        if weight.grad is not None:
            torch.testing.assert_close(gradients[key], weight.grad)


def result(lines: list[str]) -> str:
    """What a diff makes of a file."""
    return "\n".join(line[1:] for line in lines if not line.startswith("-"))


def test_ten_lines_make_a_plain_config_a_searched_one(boxes_root, tmp_path):
    lines = Page.read(ROOT / "docs/detectors.md").block("diff").splitlines()
    assert sum(line.startswith("+") for line in lines) <= 10
    file = tmp_path / "supernet.py"
    file.write_text(result(lines).replace("../_base_", str(ROOT / "configs/_base_")))
    cfg = load_config(file)
    assert cfg.model.type == "RetinaNet"
    assert cfg.train_cfg.max_iters == 90000
    assert space_of(cfg.model).size == 4**40
    assert cfg.val_cfg.recalibration.dataset == cfg.val_dataloader.dataset


@pytest.mark.parametrize("name", ["retinanet", "fpn"])
def test_detnas_configs_are_of_the_large_space(name):
    for kind in ("supernet", "search_evolution"):
        cfg = load_config(ROOT / f"configs/detnas/{name}_{kind}.py")
        assert space_of(cfg.model).size == 4**40
        assert cfg.model.backbone.shuffle == "even_odd"
        assert "nas_val2017" in cfg.val_evaluator.ann_file
        assert cfg.train_cfg.max_iters == 90000
    assert cfg.val_cfg.metric == "coco/bbox_mAP"
    options = {"model.backbone.arch": str(ROOT / "configs/auto_panoptic/archs/coco.json")}
    cfg = load_config(ROOT / f"configs/detnas/{name}_retrain.py", options)
    assert space_of(cfg.model).size == 1
    assert cfg.param_scheduler[-1].milestones == [60000, 80000]
    assert cfg.optim_wrapper.optimizer.lr == dict(retinanet=0.01, fpn=0.02)[name]


def test_the_console_knows_a_supernet_of_any_class():
    """So that its training ends with the command of the search, and not of a test."""
    model = MODELS.build(searched("retinanet"))
    assert _paths_of(SimpleNamespace(model=model)).size == 4**5
    fixed = dict(searched("retinanet"))
    fixed["backbone"] = dict(fixed["backbone"], arch=dict(backbone=["xception"] * 5))
    assert _paths_of(SimpleNamespace(model=MODELS.build(fixed))) is None


def test_the_parts_of_a_detector_are_looked_for_once(monkeypatch):
    """Every training pass asks for them, and a walk over all modules takes milliseconds."""
    init_default_scope("mmdet")
    model = MODELS.build(searched("retinanet"))
    copied = copy.deepcopy(model)
    arch = space_of(model).fair_path(0, 1)
    monkeypatch.setattr(model, "modules", None)
    set_arch(model, arch)
    assert active_arch(model) == arch != active_arch(copied)
