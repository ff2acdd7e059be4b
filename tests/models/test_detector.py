"""The detector: its space, paths by name, the fixed network, and equality of the two."""

import pytest
import torch
from mmdet.registry import MODELS
from mmengine.dataset import pseudo_collate
from mmengine.registry import DATASETS

from mmpanonas.space import Arch, ArchError


@pytest.fixture
def config(shapes_config):
    return shapes_config("supernet")


def build(config, arch=None):
    torch.manual_seed(0)
    config.model.arch = arch
    return MODELS.build(config.model)


def test_space_and_active_arch(config):
    model = build(config)
    assert model.search_space.size == 4**10
    assert model.search_space.window == 4
    arch = model.search_space.fair_path(0, 1)
    model.set_arch(arch)
    assert model.active_arch == arch
    model.set_arch(arch.to_dict())
    assert model.active_arch == arch
    with pytest.raises(ArchError, match="expected 10 choices, got 40"):
        model.set_arch("configs/auto_panoptic/archs/coco.json")


def test_fixed_network_is_its_own_space(config, tmp_path):
    arch = Arch(backbone=("xception",) * 10)
    arch.dump(tmp_path / "arch.json")
    for given in (arch.to_dict(), str(tmp_path / "arch.json")):
        model = build(config, given)
        assert model.active_arch == arch
        assert model.search_space.size == 1
    with pytest.raises(ArchError, match="is fixed to"):
        model.set_arch(Arch(backbone=("shuffle_3x3",) * 10))


def batch(config, count=2) -> dict:
    dataset = DATASETS.build(config.train_dataloader.dataset)
    return pseudo_collate([dataset[i] for i in range(count)])


def test_supernet_path_and_fixed_network_have_equal_losses_and_gradients(config):
    supernet, data = build(config), batch(config)
    arch = supernet.search_space.fair_path(5, 2)
    fixed = build(config, arch.to_dict())
    assert not fixed.load_state_dict(supernet.state_dict(), strict=False).missing_keys
    supernet.set_arch(arch)
    losses = []
    for model in (supernet, fixed):
        torch.manual_seed(1)
        inputs = model.train().data_preprocessor(data | {}, True)
        total, values = model.parse_losses(model(**inputs, mode="loss"))
        total.backward()
        losses.append({name: value.item() for name, value in values.items()})
    assert losses[0] == losses[1]
    theirs = dict(supernet.named_parameters())
    for name, parameter in fixed.named_parameters():
        assert parameter.grad is not None, f"{name} is unused"
        assert torch.equal(parameter.grad, theirs[name].grad)
        theirs.pop(name)
    assert all(parameter.grad is None for parameter in theirs.values())


def test_prediction_holds_a_panoptic_map_of_the_pictures_size(config):
    model = build(config).eval()
    dataset = DATASETS.build(config.val_dataloader.dataset)
    data = pseudo_collate([dataset[0], dataset[1]])
    with torch.no_grad():
        samples = model.test_step(data)
    for item in samples:
        sem_seg = item.pred_panoptic_seg.sem_seg
        assert sem_seg.shape == (1, *item.ori_shape)
        assert sem_seg.min() >= 0
        assert (sem_seg % 1000).max() <= model.num_classes
