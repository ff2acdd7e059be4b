"""The sandwich rule: which sizes the passes of a window have."""

from collections import Counter
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmpanonas.errors import InputError
from mmpanonas.space import Part, SearchSpace, space_of
from mmpanonas.training import FairOptimWrapper, SandwichHook, StrictFairnessHook
from tests.elastic_networks import elastic_config

SPACE = space_of(elastic_config().model)
SMALLEST = dict(
    stage_widths=("x50",) * 5,
    stage_depths=("d1", "d1", "d2", "d1"),
    pyramid_width=("x50",),
    mask_width=("x50",),
    semantic_width=("x50",),
)
LARGEST = dict(
    stage_widths=("x200",) * 5,
    stage_depths=("d2", "d2", "d4", "d2"),
    pyramid_width=("x150",),
    mask_width=("x100",),
    semantic_width=("x200",),
)


@given(seed=st.integers(0, 2**31), window=st.integers(0, 10**6))
def test_two_of_four_passes_are_the_extremes_and_the_others_fair(seed, window):
    hook = SandwichHook(seed=seed)
    paths = hook.paths(SPACE, window)
    fair = StrictFairnessHook(seed=seed).paths(SPACE, window)
    assert len(paths) == SPACE.window == 12
    for place, path in enumerate(paths):
        if place % 4 > 1:
            assert path == fair[place]
        sizes = (LARGEST, SMALLEST)[place % 4] if place % 4 < 2 else {}
        assert {name: getattr(path, name) for name in sizes} == sizes
        assert SPACE.check(path) == path
    for layer in range(2):
        assert set(Counter(p.mask_head[layer] for p in paths).values()) == {2}


def test_a_window_that_is_not_made_of_fours_is_refused_before_training():
    backbone = Part("backbone", 2, operations=["shuffle_3x3", "shuffle_5x5", "xception"])
    widths = Part("stage_widths", 5, operations=["x50", "x100"])
    cases = [([backbone, widths], "a window has 6"), ([Part("backbone", 2)], "model.elastic")]
    for parts, words in cases:
        model = SimpleNamespace(search_space=SearchSpace(parts))
        runner = SimpleNamespace(model=model, optim_wrapper=object.__new__(FairOptimWrapper))
        with pytest.raises(InputError, match=words):
            SandwichHook().before_train(runner)
