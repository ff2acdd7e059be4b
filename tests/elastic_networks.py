"""Elastic networks of the tests: small, with weights that a mistake in slicing would show."""

import copy

import torch
from mmdet.registry import MODELS
from mmengine.config import Config
from torch import nn

from mmpanonas.models import AutoPanoptic
from mmpanonas.models.layers.attention import thing_levels
from mmpanonas.space import Arch
from tests.conftest import SEED, SHAPES

WIDTHS = ["x50", "x100", "x150", "x200"]
ELASTIC = dict(
    stage_widths=WIDTHS,
    stage_depths=[["d1", "d2"], ["d1", "d2"], ["d2", "d3", "d4"], ["d1", "d2"]],
    pyramid_width=["x50", "x100", "x150"],
    mask_width=["x50", "x100"],
    semantic_width=WIDTHS,
)


def elastic_config(elastic: dict = ELASTIC, **model) -> Config:
    config = Config.fromfile(SHAPES / "supernet.py")
    keys = dict(backbone=dict(shuffle="braided"), elastic=elastic)
    config.merge_from_dict(dict(model=keys))
    config.merge_from_dict({f"model.{key}": value for key, value in model.items()})
    return config


def randomized(model: AutoPanoptic, seed: int) -> AutoPanoptic:
    """Weights and statistics that a mistake in slicing would show, in evaluation mode."""
    torch.manual_seed(seed)
    for parameter in model.parameters():
        parameter.data += 0.05 * torch.randn_like(parameter)
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            nn.init.normal_(module.running_mean, std=0.1)
            nn.init.uniform_(module.running_var, 0.5, 2)
    return model.eval()


def supernet(config: Config | None = None, seed: int = SEED) -> AutoPanoptic:
    return randomized(MODELS.build((config or elastic_config()).model), seed)


def network(config: Config, arch: Arch) -> AutoPanoptic:
    model = copy.deepcopy(config.model)
    model.arch = arch.to_dict()
    return MODELS.build(model).eval()


@torch.no_grad()
def outputs(model: AutoPanoptic) -> list[torch.Tensor]:
    """Of all branches, for one batch and two regions."""
    rng = torch.Generator().manual_seed(0)
    features = model.features(torch.randn(2, 3, 64, 96, generator=rng))
    maps = thing_levels(features)
    rois = torch.tensor([[0, 4.0, 4, 60, 60], [1, 10, 10, 80, 50]])
    boxes = model.roi_head._bbox_forward(maps, rois)
    masks = model.roi_head._mask_forward(maps, rois)
    return [
        *maps,
        model.semantic_head(features)["seg_preds"],
        boxes["cls_score"],
        boxes["bbox_pred"],
        masks["mask_preds"],
        *(out for outs in model.rpn_head(maps) for out in outs),
    ]
