"""The search space: its size, codes, fair windows, sampling, and what it refuses."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmpanonas.space import PART_CHOICES, Arch, ArchError, Part, SearchSpace

ARCHS = Path(__file__).parents[2] / "configs" / "auto_panoptic" / "archs"


@st.composite
def spaces(draw) -> SearchSpace:
    """Any subset of the parts, each of 1 to 4 layers, searched, fixed or one choice as a whole."""
    parts = []
    for name, choices in PART_CHOICES.items():
        kind = draw(st.sampled_from(["searched", "whole", "fixed", "absent"]))
        if kind == "absent":
            continue
        layers = draw(st.integers(1, 4))
        row = st.lists(st.sampled_from(choices), min_size=layers, max_size=layers)
        fixed = draw(row) if kind == "fixed" else None
        parts.append(Part(name, layers, fixed=fixed, whole=kind == "whole"))
    return SearchSpace(parts)


def named(*names: str, fixed: tuple[str, ...] = ()) -> SearchSpace:
    """Two layers of every named part; those of ``fixed`` are fixed to their first choice."""
    return SearchSpace(
        Part(name, 2, fixed=PART_CHOICES[name][:1] * 2 if name in fixed else None) for name in names
    )


def test_uniform_paths_use_every_choice_and_depend_on_seed_and_window_alone():
    space = SearchSpace([Part("backbone", 2), Part("things_to_stuff", 1)])
    assert space.uniform_paths(1, 2) == space.uniform_paths(1, 2)
    assert space.uniform_paths(1, 2) != space.uniform_paths(1, 3) != space.uniform_paths(2, 3)
    codes = np.array([space.encode(a) for w in range(500) for a in space.uniform_paths(0, w)])
    assert codes.shape == (6000, 3)
    for layer, choices in enumerate(space.num_choices):
        shares = np.bincount(codes[:, layer], minlength=choices) / len(codes)
        assert np.abs(shares - 1 / choices).max() < 4 * np.sqrt(1 / choices / len(codes))


def test_the_whole_space_has_the_size_of_the_paper():
    space = SearchSpace.full()
    assert space.size == 4**40 * 6**7 * 3**9
    assert f"{space.size:.1e}" == "6.7e+33"
    assert space.num_choices.tolist() == [4] * 40 + [6] * 7 + [3] * 9
    assert SearchSpace.full(blocks=(1, 2, 1, 1)).size == 4**5 * 6**7 * 3**9


@pytest.mark.parametrize("name", ["coco", "ade20k"])
def test_the_published_architectures_lie_in_the_whole_space(name):
    arch = Arch.load(ARCHS / f"{name}.json")
    space = SearchSpace.full()
    codes = space.encode(arch)
    assert codes.tolist() == [c for codes in arch.to_published()[0].values() for c in codes]
    assert space.decode(codes) == arch


@pytest.mark.parametrize(
    ("parts", "fixed", "window"),
    [
        (tuple(PART_CHOICES), (), 12),
        (("backbone",), (), 4),
        (("backbone", "mask_head"), (), 12),
        (("mask_head", "semantic_head", "things_to_stuff", "stuff_to_things"), (), 6),
        (tuple(PART_CHOICES), ("backbone",), 6),
        (("things_to_stuff", "stuff_to_things"), (), 3),
        (("backbone", "stuff_to_things"), ("stuff_to_things",), 4),
        (("backbone",), ("backbone",), 1),
        ((), (), 1),
    ],
)
def test_a_window_is_the_least_common_multiple_of_what_is_searched(parts, fixed, window):
    space = named(*parts, fixed=fixed)
    assert space.window == window
    assert len(space.fair_window(np.random.default_rng(0))) == window
    assert (space.size == 1) == (window == 1)


@given(spaces(), st.integers(0, 2**32))
@settings(deadline=None)
def test_in_a_window_every_layer_uses_its_choices_equally_often(space, seed):
    codes = np.array([space.encode(a) for a in space.fair_window(np.random.default_rng(seed))])
    assert codes.shape == (space.window, len(space.num_choices))
    for column, n in zip(codes.T, space.num_choices, strict=True):
        assert np.bincount(column, minlength=n).tolist() == [space.window // n] * n


def test_layers_of_a_window_are_shuffled_apart():
    """Were the orders of two layers tied, most pairs of choices would never be trained."""
    space, rng = named("backbone"), np.random.default_rng(0)
    pairs = Counter(tuple(space.encode(a)) for _ in range(400) for a in space.fair_window(rng))
    assert len(pairs) == 16
    # 1600 draws of 16 equal pairs: 100 each, standard deviation below 10.
    assert max(abs(count - 100) for count in pairs.values()) < 50


@given(spaces(), st.integers(0, 2**32), st.integers(0, 10**6))
@settings(deadline=None)
def test_a_pass_takes_its_place_of_its_window(space, seed, iteration):
    window, place = divmod(iteration, space.window)
    paths = space.fair_window(np.random.default_rng([seed, window]))
    assert space.fair_path(seed, iteration) == paths[place]


def test_paths_depend_on_seed_and_iteration_alone():
    space = SearchSpace.full(blocks=(2, 2, 4, 2))
    forward = [space.fair_path(3, i) for i in range(36)]
    np.random.default_rng(3).random(10)
    other = SearchSpace.full(blocks=(2, 2, 4, 2))
    assert [other.fair_path(3, i) for i in reversed(range(36))][::-1] == forward
    windows = [tuple(forward[start : start + 12]) for start in (0, 12, 24)]
    assert len(set(windows)) == 3  # fresh orders in every window
    assert [space.fair_path(4, i) for i in range(36)] != forward


@given(spaces(), st.data())
@settings(deadline=None)
def test_decoding_inverts_encoding(space, data):
    codes = [data.draw(st.integers(0, int(n) - 1)) for n in space.num_choices]
    arch = space.decode(codes)
    assert space.encode(arch).tolist() == codes
    assert space.decode(space.encode(arch)) == arch
    assert space.check(arch) is arch
    for part in space.parts.values():
        assert part.fixed in (None, getattr(arch, part.name))


@given(spaces(), st.data())
@settings(deadline=None)
def test_codes_outside_are_refused(space, data):
    codes = [0] * len(space.num_choices)
    for wrong in ([*codes, 0], codes[1:] if codes else [0]):
        with pytest.raises(ArchError, match=f"expected {len(codes)} codes, got {len(wrong)}"):
            space.decode(wrong)
    if codes:
        place = data.draw(st.integers(0, len(codes) - 1))
        for code in (-1, int(space.num_choices[place])):
            codes[place] = code
            with pytest.raises(ArchError, match=f"code {code} is not"):
                space.decode(codes)


@given(spaces())
@settings(deadline=None, max_examples=20)
def test_samples_cover_every_choice_and_nothing_else(space):
    rng = np.random.default_rng(0)
    codes = np.array([space.encode(space.sample(rng)) for _ in range(150)])
    for column, n in zip(codes.T, space.num_choices, strict=True):
        assert set(column) == set(range(n))  # a choice is missed with probability 6 (5/6)^150


def test_samples_are_uniform():
    space, rng = named("things_to_stuff"), np.random.default_rng(0)
    counts = Counter(space.sample(rng) for _ in range(1800))
    assert len(counts) == 9
    assert max(abs(count - 200) for count in counts.values()) < 70  # five standard deviations


def test_check_says_what_is_lacking_and_what_is_too_much():
    whole, backbone = named("backbone", "mask_head"), named("backbone")
    arch = Arch(backbone=("xception",) * 2, mask_head=("dw_3x3",) * 2)
    assert whole.check(arch) is arch
    with pytest.raises(ArchError, match="has mask_head, which this model does not search"):
        backbone.check(arch)
    with pytest.raises(ArchError, match="lacks mask_head, which this model has"):
        whole.check(Arch(backbone=arch.backbone))
    with pytest.raises(ArchError, match="backbone: expected 2 choices, got 3"):
        backbone.check(Arch(backbone=("xception",) * 3))
    with pytest.raises(ArchError, match="backbone: expected 2 choices, got 3"):
        backbone.encode(Arch(backbone=("xception",) * 3))


def test_a_fixed_part_refuses_other_choices():
    space = named("backbone", "mask_head", fixed=("backbone",))
    with pytest.raises(ArchError, match="backbone is fixed to"):
        space.check(Arch(backbone=("xception",) * 2, mask_head=("dw_3x3",) * 2))


def test_parts_come_in_code_order_whatever_order_they_are_given_in():
    parts = [Part(name, 1) for name in PART_CHOICES]
    space = SearchSpace(reversed(parts))
    assert list(space.parts) == list(PART_CHOICES)
    assert space.num_choices.tolist() == [4, 6, 6, 3, 3]


def test_impossible_parts_are_refused():
    with pytest.raises(ArchError, match="unknown part 'neck'"):
        Part("neck", 2)
    with pytest.raises(ArchError, match="backbone: expected 3 choices, got 2"):
        Part("backbone", 3, fixed=("xception",) * 2)
    with pytest.raises(ArchError, match=r"backbone\[1\]: unknown choice 'dw_3x3'"):
        Part("backbone", 2, fixed=("xception", "dw_3x3"))
    with pytest.raises(ArchError, match="'backbone' is given twice"):
        SearchSpace([Part("backbone", 2), Part("backbone", 2)])


def test_a_whole_part_shares_one_choice_or_is_absent():
    space = SearchSpace([Part("backbone", 2), Part("things_to_stuff", 4, whole=True)])
    assert (space.size, space.window, space.num_choices.tolist()) == (64, 4, [4, 4, 4])
    blocks = ("xception", "shuffle_5x5")
    assert space.decode([3, 1, 2]) == Arch(blocks, things_to_stuff=("r16",) * 4)
    assert space.decode([3, 1, 3]) == Arch(blocks)
    assert space.encode(Arch(blocks)).tolist() == [3, 1, 3]
    with pytest.raises(ArchError, match="things_to_stuff: expected one choice for all"):
        space.check(Arch(blocks, things_to_stuff=("r4", "r4", "r8", "r4")))
    with pytest.raises(ArchError, match="things_to_stuff: expected 4 choices, got 1"):
        space.check(Arch(blocks, things_to_stuff=("r4",)))
