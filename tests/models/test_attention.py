"""Inter-modular attention: pooling without resizing, released arrays, bad ratios."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from mmpanonas.errors import InputError
from mmpanonas.models.layers.attention import (
    StuffToThings,
    ThingsToStuff,
    apply_gates,
    mean_of_resized,
)
from mmpanonas.space import ATTENTION_CHOICES, Arch, ArchError
from tests import reference

RELEASED = dict(ratios=dict(r4=4, r8=8, r16=6), allow_remainder=True)
SIZES = st.integers(1, 40)


@settings(max_examples=60, deadline=None)
@given(h=SIZES, w=SIZES, height=SIZES, width=SIZES, seed=st.integers(0, 999))
def test_the_mean_of_a_resize_needs_no_resize(h, w, height, width, seed):
    x = torch.randn(2, 3, h, w, generator=torch.Generator().manual_seed(seed)).double()
    resized = F.interpolate(x, (height, width), mode="bilinear", align_corners=True)
    mean = mean_of_resized(x, (height, width))
    torch.testing.assert_close(mean, resized.mean((2, 3)), rtol=1e-6, atol=1e-6)
    single = mean_of_resized(x.float(), (height, width))
    torch.testing.assert_close(single, mean.float(), rtol=1e-5, atol=1e-6)


def test_pooling_at_full_size_and_its_gradient():
    x = torch.randn(1, 2, 50, 84, dtype=torch.float64, requires_grad=True)
    resized = F.interpolate(x, (200, 336), mode="bilinear", align_corners=True).mean((2, 3))
    mean = mean_of_resized(x, (200, 336))
    torch.testing.assert_close(mean, resized, rtol=1e-6, atol=1e-6)
    (ours,) = torch.autograd.grad(mean.sum(), x)
    (theirs,) = torch.autograd.grad(resized.sum(), x)
    torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("choice", ATTENTION_CHOICES)
@pytest.mark.parametrize(("direction", "kind"), [("f2b", ThingsToStuff), ("b2f", StuffToThings)])
def test_gates_equal_released_code(direction, kind, choice):
    arrays = reference.load("inter.npz")
    case = f"{direction}/Inter-{choice}"
    count = 4 if direction == "f2b" else 5
    module = kind(64, 32, count, **RELEASED, arch=Arch(**{kind.part_name: (choice,) * count}))
    reference.load_in_order(module, reference.released_state(arrays, f"{case}/state/"))
    names = sorted(key for key in arrays if key.startswith(f"{direction}/input"))
    with torch.no_grad():
        gates = module([torch.from_numpy(arrays[name]) for name in names], (16, 24))
    assert len(gates) == count
    for place, gate in enumerate(gates):
        reference.assert_close(gate, arrays[f"{case}/output{place}"])


@pytest.mark.parametrize(("direction", "kind"), [("f2b", ThingsToStuff), ("b2f", StuffToThings)])
def test_a_path_of_the_supernet_equals_released_code(direction, kind):
    arrays = reference.load("inter.npz")
    case = f"{direction}_search"
    codes = arrays[f"{case}/rngs"].tolist()
    module = kind(64, 32, len(codes), **RELEASED)
    reference.load_in_order(module, reference.released_state(arrays, f"{case}/state/"))
    module.set_arch(Arch(**{kind.part_name: [ATTENTION_CHOICES[code] for code in codes]}))
    names = sorted(key for key in arrays if key.startswith(f"{direction}/input"))
    with torch.no_grad():
        gates = module([torch.from_numpy(arrays[name]) for name in names], (16, 24))
    for place, gate in enumerate(gates):
        reference.assert_close(gate, arrays[f"{case}/output{place}"])


def test_gates_by_hand():
    """Weights at zero: the gate is 1 - sigmoid(0), and half of a level is added to it."""
    module = ThingsToStuff(in_channels=8, out_channels=16, num_gates=2)
    for parameter in module.parameters():
        torch.nn.init.zeros_(parameter)
    gates = module([torch.randn(3, 4, 5, 5), torch.randn(3, 4, 2, 3)], (9, 9))
    assert [gate.shape for gate in gates] == [(3, 16, 1, 1)] * 2
    assert all((gate == 0.5).all() for gate in gates)
    levels = [torch.ones(3, 16, 4, 4), torch.full((3, 16, 2, 2), -2.0)]
    first, second = apply_gates(levels, gates)
    assert (first == 1.5).all()
    assert (second == -3).all()


def test_hidden_widths():
    module = ThingsToStuff(in_channels=8, out_channels=128, num_gates=1)
    assert [gate.fc1.out_features for gate in module.gates[0].values()] == [32, 16, 8]
    module = ThingsToStuff(in_channels=8, out_channels=128, num_gates=1, **RELEASED)
    assert [gate.fc1.out_features for gate in module.gates[0].values()] == [32, 16, 21]
    module = StuffToThings(in_channels=8, out_channels=256, num_gates=1, **RELEASED)
    assert [gate.fc1.out_features for gate in module.gates[0].values()] == [64, 32, 42]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(ratios=dict(r4=4, r8=8, r16=6)), "r16=6 does not divide the 32 channels"),
        (dict(ratios=dict(r4=4, r8=8)), "expected one for each of"),
        (dict(ratios=dict(r4=4, r8=8, r16=64)), "r16 must be a whole number from 1 to the 32"),
        (dict(ratios=dict(r4=4, r8=8, r16=0)), "got 0"),
        (dict(ratios=dict(r4=4.0, r8=8, r16=16)), r"got 4\.0"),
    ],
)
def test_impossible_ratios_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        ThingsToStuff(in_channels=8, out_channels=32, num_gates=1, **options)


def test_architectures_that_do_not_fit_are_refused():
    with pytest.raises(ArchError, match="stuff_to_things: expected 4 choices, got 5"):
        StuffToThings(8, 16, 4, arch="configs/auto_panoptic/archs/coco.json")
    with pytest.raises(ArchError, match="lacks stuff_to_things"):
        StuffToThings(8, 16, 4).set_arch(Arch(things_to_stuff=("r4",) * 4))
