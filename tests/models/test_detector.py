"""The detector: its space, paths by name, and the fixed network (equality: test_all_parts)."""

import pytest
import torch
from mmdet.registry import MODELS

from mmpanonas.space import ArchError
from tests.conftest import shapes_arch


@pytest.fixture
def config(shapes_config):
    return shapes_config("supernet")


def build(config, arch=None):
    torch.manual_seed(0)
    config.model.arch = arch
    return MODELS.build(config.model)


def test_space_and_active_arch(config):
    model = build(config)
    assert model.search_space.size == 4**10 * 6**3 * 3**9
    assert model.search_space.window == 12
    arch = model.search_space.fair_path(0, 1)
    model.set_arch(arch)
    assert model.active_arch == arch
    model.set_arch(arch.to_dict())
    assert model.active_arch == arch
    with pytest.raises(ArchError, match="expected 10 choices, got 40"):
        model.set_arch("configs/auto_panoptic/archs/coco.json")


def test_fixed_network_is_its_own_space(config, tmp_path):
    arch = shapes_arch("xception", "at_5x5", "r16")
    arch.dump(tmp_path / "arch.json")
    for given in (arch.to_dict(), str(tmp_path / "arch.json")):
        model = build(config, given)
        assert model.active_arch == arch
        assert model.search_space.size == 1
    with pytest.raises(ArchError, match="is fixed to"):
        model.set_arch(shapes_arch("shuffle_3x3", "at_5x5", "r16"))
