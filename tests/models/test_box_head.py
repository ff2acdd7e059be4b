"""The box head with GroupNorm: its layers, its start, regions of no picture."""

import pytest
import torch
from torch import nn

from mmpanonas.models import Shared2FCGNBBoxHead
from tests.conftest import SEED

SMALL = dict(in_channels=4, fc_out_channels=8, roi_feat_size=3, num_classes=5)
GN = dict(type="GN", num_groups=2)


def test_each_layer_is_normed_in_groups_and_then_cut_at_zero():
    head = Shared2FCGNBBoxHead(**SMALL, norm_cfg=GN)
    x = torch.randn(6, 4, 3, 3)
    hidden = x.flatten(1)
    for layer in head.shared_fcs:
        hidden = hidden @ layer.fc.weight.T
        groups = hidden.view(6, 2, 4)
        spread = groups.var(dim=2, unbiased=False, keepdim=True)
        hidden = (groups - groups.mean(dim=2, keepdim=True)) / (spread + 1e-5).sqrt()
        hidden = hidden.view(6, 8).clamp(min=0)
    scores, deltas = head(x)
    torch.testing.assert_close(scores, head.fc_cls(hidden))
    torch.testing.assert_close(deltas, head.fc_reg(hidden))
    assert (scores.shape, deltas.shape) == ((6, 6), (6, 20))


def test_weights_start_like_mmdetections():
    torch.manual_seed(SEED)
    head = Shared2FCGNBBoxHead(in_channels=64, fc_out_channels=256)
    head.init_weights()
    bound = (6 / (49 * 64 + 256)) ** 0.5
    first = head.shared_fcs[0].fc.weight
    assert first.abs().max() <= bound
    assert first.std().item() == pytest.approx(bound / 3**0.5, rel=0.02)
    for layer in head.shared_fcs:
        assert layer.fc.bias is None
        assert isinstance(layer.gn, nn.GroupNorm)
        assert (layer.gn.weight == 1).all()
    for layer, spread in ((head.fc_cls, 0.01), (head.fc_reg, 0.001)):
        assert layer.weight.std().item() == pytest.approx(spread, rel=0.05)
        assert (layer.bias == 0).all()


def test_no_region_is_no_error():
    head = Shared2FCGNBBoxHead(**SMALL, norm_cfg=GN)
    scores, deltas = head(torch.zeros(0, 4, 3, 3))
    (scores.sum() + deltas.sum()).backward()
    assert (scores.shape, deltas.shape) == ((0, 6), (0, 20))
    assert all(p.grad is not None for p in head.parameters())
