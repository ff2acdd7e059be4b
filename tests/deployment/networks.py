"""Small networks of random weights that find things, and pictures for them."""

import numpy as np
import torch
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from torch import nn

from mmpanonas.config import load_config
from tests.conftest import SEED, SHAPES, shapes_arch

#: One block of every kind, and in the heads the operation with an operator of its own.
ARCH = shapes_arch(head="df_5x5").to_dict() | dict(
    backbone=["shuffle_3x3", "shuffle_5x5", "shuffle_7x7", "xception"], mask_head=["df_5x5"]
)
SMALL = {"backbone.blocks": [1, 1, 1, 1], "roi_head.mask_head.num_convs": 1}


def config(**options: object):
    """Of the shapes network, with keys of ``model`` replaced."""
    given = {f"model.{key}": value for key, value in (SMALL | options).items()}
    return load_config(str(SHAPES / "retrain.py"), {"model.arch": ARCH} | given)


def eager(cfg) -> nn.Module:
    """It finds things in every box, in scores far apart; its masks have both signs."""
    torch.manual_seed(SEED)
    model = MODELS.build(cfg.model).eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "conv_offset" in name:
                nn.init.normal_(weight, std=0.3)
        model.semantic_head.conv_logits.weight.mul_(1000)
        if model.has_things:
            model.roi_head.bbox_head.fc_cls.weight.mul_(20)
            model.roi_head.bbox_head.fc_cls.bias[-1] = -1e4
            masks = model.roi_head.mask_head.conv_logits.weight
            masks -= masks.mean(1, keepdim=True)
    return model


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Noise, uint8 BGR."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def prepared(model: nn.Module, shown: np.ndarray, own: tuple[int, int]):
    """What MMDetection gives the network of a picture, resized from ``own`` (H, W)."""
    height, width = shown.shape[:2]
    meta = dict(img_shape=(height, width), ori_shape=own)
    meta["scale_factor"] = (width / own[1], height / own[0])
    inputs = torch.from_numpy(shown).permute(2, 0, 1)
    sample = DetDataSample(metainfo=meta)
    data = model.data_preprocessor(dict(inputs=[inputs], data_samples=[sample]))
    return data["inputs"], data["data_samples"]


@torch.no_grad()
def segment_ids(model: nn.Module, shown: np.ndarray, own: tuple[int, int]) -> np.ndarray:
    """PyTorch's panoptic map as segment ids, 0 for void."""
    labels = model.predict(*prepared(model, shown, own))[0].pred_panoptic_seg.sem_seg[0].numpy()
    void = model.panoptic_fusion_head.num_classes
    return np.where(labels == void, 0, labels + 1)
