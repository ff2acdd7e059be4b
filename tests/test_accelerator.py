"""On a pretended accelerator: no mixed devices, no ``numpy()``, and no copies of ours to it."""

import pytest
import torch
from mmdet.registry import DATASETS, MODELS
from mmengine.dataset import pseudo_collate

from mmpanonas.evaluation import PanopticQualityMetric
from mmpanonas.recalibration.recalibration import measure
from tests.conftest import SEED
from tests.models.test_detector import eager
from tests.pretended_device import DEVICE, MixedDevicesError, OnDevice, move, ours, pretended


@pytest.fixture
def config(shapes_config):
    return shapes_config("supernet")


@pytest.fixture
def model(config):
    torch.manual_seed(SEED)
    model = MODELS.build(config.model)
    model.set_arch(model.search_space.fair_path(0, 0))
    return model


def test_the_device_refuses_what_a_real_one_refuses():
    with pretended() as seen:
        there, here = torch.ones(3).to(DEVICE), torch.ones(3)
        assert isinstance(there, OnDevice)
        assert (there * 2 + 1).sum().item() == 9
        with pytest.raises(MixedDevicesError, match="of tensors on the device and on the CPU"):
            there + here
        with pytest.raises(TypeError, match="numpy"):
            there.numpy()
        assert there.cpu().numpy().tolist() == [1, 1, 1]
        there.copy_(here)
        there.new_tensor([1.0])
        torch.tensor([1.0], device=DEVICE)
        there[[0, 2]]
    assert sum(seen.to_device.values()) == 5
    assert sum(seen.to_host.values()) == 2


def test_training_copies_nothing_of_ours_to_the_device(model, config):
    dataset = DATASETS.build(config.train_dataloader.dataset)
    batch = pseudo_collate([dataset[0], dataset[1]])
    move(model).train()
    with pretended() as seen:
        for _ in range(2):
            seen.clear()
            data = model.data_preprocessor(batch, True)
            losses, _ = model.parse_losses(model(**data, mode="loss"))
            losses.backward()
        assert isinstance(losses, OnDevice)
        assert model.semantic_head.conv_logits.weight.grad is not None
    assert ours(seen.to_device) == {}
    assert ours(seen.to_host) == {}
    assert seen.to_device  # the pictures


@torch.no_grad()
def test_recalibration_and_prediction_copy_nothing_of_ours_to_the_device(config):
    model = eager(config)
    dataset = DATASETS.build(config.val_dataloader.dataset)
    metric = PanopticQualityMetric()
    metric.dataset_meta = dataset.metainfo
    move(model).eval()
    with pretended() as seen:
        for _ in range(2):
            batch = pseudo_collate([dataset[0], dataset[1]])
            seen.clear()
            statistics = measure(model, [batch], shared=False)
            samples = model.val_step(batch)
            metric.process(None, [sample.to_dict() for sample in samples])
        assert len(statistics) > 30
    assert ours(seen.to_device) == {}
    assert max(s.pred_panoptic_seg.sem_seg.max() for s in samples) > 1000
