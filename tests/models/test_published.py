"""The published architectures at their retraining widths: what is built is what is trained."""

import pytest
import torch
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmdet.structures.mask import BitmapMasks
from mmengine.config import Config
from mmengine.structures import InstanceData, PixelData

from mmpanonas.space import PART_CHOICES, Arch
from tests.conftest import SEED


def sample(things: int, stuff: int, size: int = 128) -> DetDataSample:
    """A picture of stuff in stripes, with two things on it."""
    stripes = things + torch.arange(size).div(8, rounding_mode="floor") % stuff
    boxes = torch.tensor([[8.0, 8.0, 72.0, 56.0], [40.0, 60.0, 120.0, 124.0]])
    masks = torch.zeros(2, size, size, dtype=torch.uint8)
    for mask, (left, top, right, bottom) in zip(masks, boxes.int().tolist(), strict=True):
        mask[top:bottom, left:right] = 1
    instances = dict(bboxes=boxes, labels=torch.tensor([0, things - 1]))
    return DetDataSample(
        gt_instances=InstanceData(**instances, masks=BitmapMasks(masks.numpy(), size, size)),
        gt_sem_seg=PixelData(sem_seg=stripes.expand(1, size, size)),
        metainfo=dict(img_shape=(size, size), ori_shape=(size, size)),
    )


@pytest.mark.parametrize(("data", "things", "stuff"), [("coco", 80, 53), ("ade20k", 100, 50)])
def test_every_parameter_of_the_retrained_network_is_used(data, things, stuff):
    torch.manual_seed(SEED)
    arch = Arch.load(f"configs/auto_panoptic/archs/{data}.json")
    config = Config.fromfile(f"configs/auto_panoptic/{data}/retrain.py")
    model = MODELS.build(config.model).train()
    assert model.active_arch == arch
    batch = dict(inputs=[torch.rand(3, 128, 128) * 255], data_samples=[sample(things, stuff)])
    losses = model(**model.data_preprocessor(batch, True), mode="loss")
    model.parse_losses(losses)[0].backward()
    assert [name for name, p in model.named_parameters() if p.grad is None] == []
    for part in PART_CHOICES:
        keys = [key.split(".") for key in model.state_dict() if part in key]
        choices = {name for key in keys for name in key if name in PART_CHOICES[part]}
        assert choices == set(getattr(arch, part))
