"""The six operations of the heads against the released arrays, and what they promise."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from mmcv.ops import modulated_deform_conv2d
from torch import nn

from mmpanonas.models.layers.head_ops import DeformableConv, deform_by_sampling, head_op
from mmpanonas.space import HEAD_CHOICES
from tests import reference

GN = dict(type="GN", num_groups=32)


@pytest.mark.parametrize("choice", HEAD_CHOICES)
def test_operation_equals_released_code(choice):
    arrays = reference.load("heads.npz")
    case = f"{choice[:2].upper()}Conv{choice[3:]}"
    op = head_op(choice, 64, 32, GN).eval()
    reference.load_in_order(op, reference.released_state(arrays, f"{case}/state/"))
    with torch.no_grad():
        reference.assert_close(op(torch.from_numpy(arrays["input"])), arrays[f"{case}/output"])


@pytest.mark.parametrize("choice", HEAD_CHOICES)
@pytest.mark.parametrize("count", [0, 2])
def test_sizes_stay_and_every_parameter_is_reached_also_without_regions(choice, count):
    op = head_op(choice, 8, 16, dict(type="GN", num_groups=4))
    x = torch.randn(count, 8, 5, 7, requires_grad=True)
    out = op(x)
    assert out.shape == (count, 16, 5, 7)
    assert out.min() >= 0 if count else True
    out.sum().backward()
    assert x.grad.shape == x.shape
    assert all(p.grad is not None for p in op.parameters())


def test_a_fresh_deformable_layer_is_half_a_convolution():
    conv = DeformableConv(4, 6, 3, padding=1)
    torch.nn.init.normal_(conv.bias)
    x = torch.randn(2, 4, 9, 8)
    plain = F.conv2d(x, conv.weight * 0.5, conv.bias, padding=1)
    torch.testing.assert_close(conv(x), plain, rtol=1e-5, atol=1e-5)


def test_a_shifted_mask_and_offset_are_read_from_the_right_channels():
    """Last third: the mask. Before it (y, x) of each kernel place: here one pixel right."""
    conv = DeformableConv(1, 1, 3, padding=1)
    bias = torch.zeros(27)
    bias[1:18:2] = 1.0
    bias[18:] = 20.0  # the sigmoid is one
    conv.conv_offset.bias.data.copy_(bias)
    x = torch.randn(1, 1, 6, 6)
    shifted = F.pad(x, (0, 1))[..., 1:]
    expected = F.conv2d(shifted, conv.weight, conv.bias, padding=1)
    inner = (..., slice(1, -1), slice(1, -1))
    torch.testing.assert_close(conv(x)[inner], expected[inner], rtol=1e-5, atol=1e-5)


@settings(max_examples=30, deadline=None)
@given(
    height=st.integers(1, 9),
    width=st.integers(1, 9),
    kernel=st.sampled_from([3, 5]),
    spread=st.sampled_from([0.0, 0.7, 4.0]),
    seed=st.integers(0, 999),
)
def test_sampling_equals_mmcvs_operator_and_its_gradients(height, width, kernel, spread, seed):
    torch.manual_seed(seed)
    places = kernel * kernel
    inputs = [
        torch.randn(2, 3, height, width),
        torch.randn(2, 2 * places, height, width) * spread,
        torch.rand(2, places, height, width),
        torch.randn(4, 3, kernel, kernel),
        torch.randn(4),
    ]
    results = []
    for operator, extra in (
        (deform_by_sampling, ()),
        (modulated_deform_conv2d, (1, kernel // 2, 1, 1, 1)),
    ):
        leaves = [x.double().requires_grad_() for x in inputs]
        out = operator(*leaves, *extra)
        results.append([out, *torch.autograd.grad(out.square().sum(), leaves)])
    if not spread:  # at whole positions the slope differs from side to side: none is right
        del results[0][2], results[1][2]
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("lower", [torch.bfloat16, torch.float16])
def test_deformable_convolution_keeps_float32_under_autocast(lower):
    """At column 300 bfloat16 knows even positions alone; the layer's input alone is rounded."""
    torch.manual_seed(0)
    layer = DeformableConv(4, 3, 3, padding=1)
    nn.init.normal_(layer.conv_offset.weight, std=0.2)
    x = torch.randn(1, 4, 5, 300).to(lower)
    with torch.autocast("cpu", lower):
        found = layer(x)
    assert torch.equal(found, layer(x.float()))


def test_a_seed_gives_the_weights_that_it_gave():
    """The depthwise convolution is drawn before the pointwise one, as layers run."""
    torch.manual_seed(3)
    expected = torch.nn.Conv2d(8, 8, 3, groups=8).weight
    torch.manual_seed(3)
    op = head_op("dw_3x3", 8, 16, dict(type="GN", num_groups=4))
    assert torch.equal(op.depthwise.weight, expected)
