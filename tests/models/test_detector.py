"""The detector: its space, paths by name, and the fixed network (equality: test_all_parts)."""

import pytest
import torch
from mmdet.registry import MODELS

from mmpanonas.space import Arch, ArchError
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


def whole(config):
    for name in ("things_to_stuff", "stuff_to_things"):
        config.model[name].whole = True
    return config


def test_an_attention_that_is_whole_may_be_left_out(config):
    """A path without it computes what the network without it does, and trains none of it."""
    model = build(whole(config))
    assert model.search_space.size == 4**10 * 6**3 * 4**2
    full = shapes_arch("shuffle_5x5", "dw_5x5", "r8")
    without = Arch(full.backbone, full.mask_head, full.semantic_head)
    x = torch.randn(1, 3, 64, 64)
    outputs = {}
    for arch in (full, without):
        model.set_arch(arch)
        assert model.active_arch == arch
        outputs[arch] = model.extract_feat(x)
    sum(level.sum() for level in outputs[without]).backward()
    assert all(p.grad is None for p in model.things_to_stuff.parameters())
    assert not torch.allclose(outputs[full][0], outputs[without][0])
    fixed = build(config, without)
    assert (fixed.things_to_stuff, fixed.stuff_to_things) == (None, None)
    state = {k: v for k, v in model.state_dict().items() if k in fixed.state_dict()}
    fixed.load_state_dict(state)
    assert fixed.active_arch == without
    model.eval(), fixed.eval()
    for ours, theirs in zip(model.extract_feat(x), fixed.extract_feat(x), strict=True):
        assert torch.equal(ours, theirs)


def test_a_fixed_network_has_the_attention_of_its_architecture(config):
    arch = shapes_arch()
    model = build(whole(config), arch)
    assert model.active_arch == arch
    assert model.search_space.size == 1
    with pytest.raises(ArchError, match="lacks backbone"):
        build(config, Arch(mask_head=arch.mask_head))
