"""Operations from outside: where their widths and strides lie, what they cost, what is refused."""

import pytest
import torch

from mmpanonas.errors import InputError
from mmpanonas.models import ThingsToStuff
from mmpanonas.models.layers.blocks import ShuffleBlock
from mmpanonas.space import OPERATIONS, Arch, Conv, Operation, register_operation
from mmpanonas.space import operations as registry
from mmpanonas.space.cost import block_cost
from tests.counting import COUNTED, counted_params, macs_of

PLAIN, WIDE = Conv(1), Conv(5, depthwise=True)


@pytest.fixture(autouse=True)
def _forgotten(monkeypatch):
    """What a test registers is gone afterwards."""
    monkeypatch.setattr(registry, "_GUESTS", {})
    known = set(OPERATIONS)
    yield
    for name in set(OPERATIONS) - known:
        del OPERATIONS[name]


def register(*convs: Conv, part: str = "backbone", **more) -> Operation:
    return register_operation(Operation("test", "T", "#ffffff", convs, **more), [part])


@pytest.mark.parametrize(
    ("convs", "expected"),
    [
        ((PLAIN, WIDE, PLAIN), [(4, 6, 1), (6, 6, 2), (6, 8, 1)]),
        ((WIDE, PLAIN), [(4, 4, 2), (4, 8, 1)]),
        ((PLAIN, WIDE), [(4, 8, 1), (8, 8, 2)]),
        ((Conv(3), Conv(3)), [(4, 6, 2), (6, 8, 1)]),
        ((Conv(3, deformable=True), PLAIN), [(4, 6, 1), (6, 8, 2)]),
    ],
)
def test_widths_and_stride_by_hand(convs, expected):
    placed = register(*convs).placed(4, 6, 8, stride=2)
    assert [(p.cin, p.cout, p.stride) for p in placed] == expected


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize(
    "convs",
    [(Conv(3), Conv(3)), (PLAIN, WIDE), (Conv(3, dilation=2), Conv(1, groups=2)), (WIDE, PLAIN)],
)
def test_a_block_costs_what_it_does(convs, stride):
    register(*convs)
    cin, cout, size = (8, 24, (13, 10)) if stride == 2 else (16, 16, (13, 10))
    block = ShuffleBlock("test", cin, cout, stride, dict(type="BN"), "interleave").eval()
    macs = []
    for layer in block.modules():
        if isinstance(layer, COUNTED):
            layer.register_forward_hook(lambda m, x, y: macs.append(macs_of(m, x[0], y)))
    out = block(torch.zeros(1, cin, *size))
    assert out.shape == (1, cout, *(-(-side // stride) for side in size))
    cost = block_cost.__wrapped__("test", cin, cout, stride, size, tuple(out.shape[2:]))
    assert (cost.macs, cost.params) == (sum(macs), counted_params(block))


def test_a_ratio_from_outside_is_fixed_and_searched():
    register(ratio=2, part="things_to_stuff")
    fixed = ThingsToStuff(16, 8, 4, arch=Arch(things_to_stuff=("test",) * 4), ratios=RATIOS)
    assert fixed.gates[0]["test"].fc1.weight.shape == (4, 16)
    searched = ThingsToStuff(16, 8, 4, operations=["r4", "test"], ratios=RATIOS)
    assert searched.part.choices == ("r4", "test")


RATIOS = dict(r4=4, r8=8, r16=8)

WRONG = [
    (lambda: Conv(4), "expected an odd kernel, got 4"),
    (lambda: Conv(3, deformable=True, groups=2), "not depthwise, grouped or dilated"),
    (lambda: Conv(3, deformable=True, dilation=2), "not depthwise, grouped or dilated"),
    (lambda: register(WIDE), "one convolution at least must not be depthwise"),
    (lambda: register(), "give convs, or build and count"),
    (lambda: register(PLAIN, part="things_to_stuff"), "operations of things_to_stuff have a ratio"),
    (lambda: register(ratio=2), "operations of backbone have convs, or build and count"),
    (lambda: register(PLAIN, part="nose"), "unknown part 'nose'; known: backbone"),
    (lambda: (register(PLAIN), register(WIDE, PLAIN)), "operation 'test' is registered already"),
    (
        lambda: list(register(Conv(3, deformable=True)).placed(4, 6, 8, stride=2)),
        "no deformable convolution has a stride",
    ),
]


@pytest.mark.parametrize(("make", "message"), WRONG)
def test_what_cannot_be_is_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()
