"""Strategies under budgets: drawn, repaired, spent; on costs that are known without a network."""

from collections import Counter

import numpy as np
import pytest

from mmpanonas.space import Arch, Budget, BudgetError, Limits, NetworkShape, Part, SearchSpace
from mmpanonas.strategies import STRATEGIES, Random

SHAPE = NetworkShape(
    channels=(8, 16, 32, 48, 64), blocks=(1, 1, 1, 1), mask_layers=1, semantic_layers=1,
    neck_channels=32,
    box_rois=10, mask_rois=10, braided=True,
)  # fmt: skip
WIDTHS = ["x50", "x100", "x150", "x200"]
SPACE = SearchSpace(
    [
        Part("backbone", 4, stages=(1, 1, 1, 1)),
        Part("mask_head", 1),
        Part("semantic_head", 1),
        Part("stage_widths", 5, operations=WIDTHS),
        Part("mask_width", 1, operations=WIDTHS),
    ]
)
SIZE = (64, 64)


def macs(arch: Arch) -> float:
    return Budget("macs", 0, "network", size=SIZE).measure.of(arch, SHAPE)


def costs(count: int = 400) -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.array([macs(SPACE.sample(rng)) for _ in range(count)])


LOW = costs().min() + (costs().max() - costs().min()) / 20  # the lowest twentieth of the range
MIDDLE = np.quantile(costs(), 0.3)

OPTIONS = dict(
    Evolution=dict(generations=2, population=8, parents=2, mutants=3, crosses=3),
    Random=dict(total=12),
    Pareto=dict(generations=2, population=8, cost=macs),
    PathPriority=dict(cycles=1, paths=12, runners_up=2, max_draws=100),
)


def limits(**options) -> Limits:
    budget = dict(quantity="macs", scope="network", size=SIZE) | options
    return Limits([Budget(**budget)], SPACE, SHAPE)


def run(name: str, legal: Limits, backwards: bool = False) -> list[Arch]:
    """All proposals, told in order or against it; scores are made of the cost."""
    strategy, proposed = STRATEGIES[name](SPACE, 0, legal, **OPTIONS[name]), []
    while batch := strategy.propose(100):
        proposed += batch
        for arch in reversed(batch) if backwards else batch:
            strategy.tell(arch, macs(arch) % 1009)
    assert strategy.done
    return proposed


@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.parametrize("options", [dict(limit=LOW), dict(limit=MIDDLE, spend=0.9)])
def test_a_low_limit_is_kept_and_spent(name, options):
    legal = limits(**options)
    proposed = run(name, legal)
    assert len(set(proposed)) == len(proposed) >= 12
    assert all(macs(arch) <= options["limit"] for arch in proposed)
    if "spend" in options and name != "PathPriority":  # whose finalists are not drawn
        near = [macs(arch) >= 0.9 * options["limit"] for arch in proposed]
        assert np.mean(near) > 0.9
    assert run(name, legal, backwards=True) == proposed


@pytest.mark.parametrize("name", OPTIONS)
def test_a_range_is_kept(name):
    low, high = np.quantile(costs(), [0.45, 0.55])
    assert all(low <= macs(arch) <= high for arch in run(name, limits(limit=high, least=low)))


def test_random_is_uniform_over_what_a_budget_allows():
    """Chi-square over the legal architectures of a tiny space, by rejection alone."""
    space = SearchSpace([Part("backbone", 4, stages=(1, 1, 1, 1))])
    shape = NetworkShape(channels=(8, 16, 32, 48, 64), blocks=(1, 1, 1, 1))
    all_of_it = [space.decode(codes) for codes in np.ndindex(*space.num_choices)]
    budget = Budget("macs", 0).measure
    limit = np.quantile([budget.of(arch, shape) for arch in all_of_it], 0.1)
    legal = Limits([Budget("macs", limit)], space, shape)
    able = [arch for arch in all_of_it if legal(arch)]
    draws = 1500
    first = Counter(Random(space, seed, legal, total=1).propose(1)[0] for seed in range(draws))
    expected = draws / len(able)
    chi_square = sum((first[arch] - expected) ** 2 / expected for arch in able)
    assert set(first) <= set(able)
    assert chi_square < len(able) + 4 * (2 * len(able)) ** 0.5  # four standard deviations


def test_repair_reaches_all_that_is_legal_in_a_tiny_space():
    space = SearchSpace([Part("backbone", 4, stages=(1, 1, 1, 1))])
    shape = NetworkShape(channels=(8, 16, 32, 48, 64), blocks=(1, 1, 1, 1))
    all_of_it = [space.decode(codes) for codes in np.ndindex(*space.num_choices)]
    budget = Budget("macs", 0).measure
    limit = np.quantile([budget.of(arch, shape) for arch in all_of_it], 0.05)
    legal = Limits([Budget("macs", limit)], space, shape)
    rng = np.random.default_rng(0)
    found = {legal.repaired(space.encode(a), rng) for _ in range(4) for a in all_of_it}
    assert found == {arch for arch in all_of_it if legal(arch)}


def test_budgets_that_exclude_each_other_are_refused_with_what_shows_it():
    cheapest = Budget("macs", 0, "network", size=SIZE).measure.cheapest(SPACE, SHAPE)
    params = Budget("params", 0, "network").measure.of(cheapest, SHAPE)
    both = [
        Budget("macs", macs(cheapest), "network", size=SIZE),
        Budget("params", 10 * params, "network", least=9 * params),
    ]
    with pytest.raises(BudgetError, match="no architecture was found that keeps all budgets"):
        Limits(both, SPACE, SHAPE)


def test_budgets_that_exclude_each_other_narrowly_are_refused():
    """All 256 known: the most parameters within the first limit, and one more asked for."""
    space = SearchSpace([Part("backbone", 4, stages=(1, 1, 1, 1))])
    shape = NetworkShape(channels=(8, 16, 32, 48, 64), blocks=(1, 1, 1, 1))
    all_of_it = [space.decode(codes) for codes in np.ndindex(*space.num_choices)]
    macs_of, params_of = (
        [Budget(quantity, 0).measure.of(arch, shape) for arch in all_of_it]
        for quantity in ("macs", "params")
    )
    limit, many = np.quantile(macs_of, 0.3), max(params_of)
    most = max(p for p, m in zip(params_of, macs_of, strict=True) if m <= limit)
    assert most < many
    fits = [Budget("macs", limit), Budget("params", many, least=most)]
    rng = np.random.default_rng(0)
    both = Limits(fits, space, shape)
    found = {both.repaired(space.encode(arch), rng) for arch in all_of_it[::8]} - {None}
    assert found
    assert all(map(both, found))
    with pytest.raises(BudgetError, match="no architecture was found that keeps all budgets"):
        Limits([fits[0], Budget("params", many, least=most + 1)], space, shape)
