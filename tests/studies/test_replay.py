"""Strategies replayed on a table whose optimum is known; draws that are spread over a cost."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from mmpanonas.errors import InputError
from mmpanonas.space import Arch, Part, SearchSpace
from mmpanonas.strategies import Evolution, PathPriority, Random
from studies.ranking.replay import best_of, replay
from studies.ranking.stratified import draw_stratified
from tests.strategies.common import SMALL, SPACE, separable

#: 64 architectures, and what each is worth: xceptions, and no attention.
TABLE_SPACE = SearchSpace([Part("backbone", 2), Part("stuff_to_things", 5, whole=True)])
TABLE = {
    arch: arch.backbone.count("xception") + 0.5 * (not arch.stuff_to_things)
    for arch in map(TABLE_SPACE.decode, np.ndindex(*TABLE_SPACE.num_choices))
}
BEST = Arch(("xception",) * 2)


def test_the_table_has_one_optimum():
    assert len(TABLE) == 64
    assert [arch for arch in TABLE if TABLE[arch] == 2.5] == [BEST]


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (Random, dict(total=64)),  # the whole table
        (Evolution, dict(generations=8, population=6, parents=3, mutants=2, crosses=2)),
        (PathPriority, dict(cycles=3, paths=12, runners_up=4)),
    ],
)
@pytest.mark.parametrize("seed", range(5))
def test_a_strategy_finds_the_optimum_of_a_table(kind, options, seed):
    told = replay(kind(TABLE_SPACE, seed, **options), TABLE.__getitem__)
    assert best_of(told) == BEST
    assert all(TABLE[arch] == score for arch, score in told.items())


def test_random_returns_the_best_of_its_proposals_the_earlier_of_equals():
    told = replay(Random(SMALL, 3, total=5), lambda arch: float("xception" in arch.backbone))
    assert len(told) == 5
    best = [arch for arch in told if "xception" in arch.backbone]
    assert best_of(told) == best[0]


def test_the_odds_of_random_search_are_those_of_drawing_without_replacement():
    """The optimum is among 16 of 64 in a quarter of all searches: 100 of 400, deviation 8.7."""
    hits = sum(
        best_of(replay(Random(TABLE_SPACE, seed, total=16), TABLE.__getitem__)) == BEST
        for seed in range(400)
    )
    assert 65 <= hits <= 135


def cost(arch: Arch) -> float:
    return separable(SPACE, 0)(arch)


def test_strata_have_equal_numbers_and_rise_in_cost():
    strata = draw_stratified(SPACE, cost, strata=8, total=48, seed=1)
    assert [len(stratum) for stratum in strata] == [6] * 8
    assert len({arch for stratum in strata for arch in stratum}) == 48
    costs = [[cost(arch) for arch in stratum] for stratum in strata]
    assert all(max(a) < min(b) for a, b in pairwise(costs))
    assert strata == draw_stratified(SPACE, cost, strata=8, total=48, seed=1)
    assert strata != draw_stratified(SPACE, cost, strata=8, total=48, seed=2)


def test_a_stratum_is_an_equal_share_of_the_space():
    """Costs 0 to 15: four strata of four neighbours; drawn whole they are the whole space."""
    by_code = {arch: i for i, arch in enumerate(map(SMALL.decode, np.ndindex(4, 4)))}
    strata = draw_stratified(SMALL, by_code.__getitem__, strata=4, total=16)
    assert [[by_code[arch] for arch in s] for s in strata] == np.arange(16).reshape(4, 4).tolist()
    counts = Counter(
        by_code[arch]
        for seed in range(400)
        for stratum in draw_stratified(SMALL, by_code.__getitem__, 4, 8, seed)
        for arch in stratum
    )
    # Each is one of two drawn from its four: 200 of 400, standard deviation 10.
    assert max(abs(count - 200) for count in counts.values()) < 50


def test_draws_that_cannot_be_are_refused():
    with pytest.raises(InputError, match="10 architectures do not divide into 4 strata"):
        draw_stratified(SPACE, cost, 4, 10)
    with pytest.raises(InputError, match="holds 16 architectures: draw fewer than 20"):
        draw_stratified(SMALL, lambda arch: 0.0, 4, 20)
