"""What docs/deployment.md says of pickling and of PyTorch's own ways out."""

import pickle

import numpy as np
import pytest
import torch
from torch.export import Dim

from tests.deployment.networks import config, eager, picture, segment_ids


@pytest.fixture(scope="module")
def model():
    return eager(config())


def test_a_pickled_network_gives_the_same_map(model):
    again = pickle.loads(pickle.dumps(model))
    pixels = picture(96, 128)
    expected = segment_ids(model, pixels, (70, 95))
    assert np.array_equal(segment_ids(again, pixels, (70, 95)), expected)


@torch.no_grad()
def test_the_backbone_is_exported_for_any_size(model):
    sides = {axis: 32 * Dim(f"side_{axis}", min=2, max=40) for axis in (2, 3)}
    example = (torch.randn(1, 3, 96, 128),)
    exported = torch.export.export(model.backbone, example, dynamic_shapes=(sides,)).module()
    x = torch.randn(1, 3, 64, 160)
    for ours, theirs in zip(exported(x), model.backbone(x), strict=True):
        torch.testing.assert_close(ours, theirs)


@torch.no_grad()
def test_the_backbone_is_compiled(model):
    """Up to the compiler's own code, which takes it a minute."""
    x = torch.randn(1, 3, 64, 96)
    compiled = torch.compile(model.backbone, backend="eager")
    for ours, theirs in zip(compiled(x), model.backbone(x), strict=True):
        torch.testing.assert_close(ours, theirs)
