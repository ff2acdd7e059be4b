"""Pareto against brute force: true fronts, hypervolume, failures; scores and costs made up."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymoo.indicators.hv import HV

from mmpanonas.errors import InputError
from mmpanonas.space import Arch, Part, SearchSpace, pareto_front
from mmpanonas.strategies import Pareto, Random
from tests.strategies.common import SPACE, search, separable

TINY = SearchSpace([Part("backbone", 3), Part("things_to_stuff", 1)])  # 192 architectures
ALL = [TINY.decode(codes) for codes in itertools.product(*map(range, TINY.num_choices))]


def dominated(point: tuple, points: list[tuple]) -> bool:
    return any(other[0] >= point[0] and other[1] <= point[1] and other != point for other in points)


def hypervolume(points: list[tuple], reference: tuple = (0.0, 6.0)) -> float:
    """Area between the (score, cost) points and a worst (score, cost)."""
    minimised = np.array([(-score, cost) for score, cost in points])
    return HV(ref_point=np.array([-reference[0], reference[1]]))(minimised)


def front_of(strategy: Pareto) -> list[tuple]:
    return [(point["score"], point["cost"]) for point in strategy.report()["front"]]


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=30))
def test_the_front_is_what_nothing_dominates(points):
    front = pareto_front(points)
    assert sorted({points[i] for i in front}) == sorted(
        {point for point in points if not dominated(point, points)}
    )
    assert len({points[i] for i in front}) == len(front)  # of equal points one,
    assert all(points.index(points[i]) == i for i in front)  # the first
    assert [points[i][1] for i in front] == sorted(points[i][1] for i in front)


def test_a_front_by_hand():
    points = [(3, 5), (4, 5), (1, 1), (4, 9), (0, 0), (4, 5), (2, 2), (2, 1)]
    assert pareto_front(points) == [4, 7, 1]
    assert pareto_front([]) == []


@pytest.mark.parametrize("seed", range(2))
def test_a_search_of_the_whole_space_finds_the_true_front(seed):
    score, cost = separable(TINY, seed), separable(TINY, seed + 100)
    strategy = Pareto(TINY, seed, cost=cost, generations=20, population=16)
    assert set(search(strategy, score)) == set(ALL)
    points = [(score(arch), cost(arch)) for arch in ALL]
    true = [points[i] for i in pareto_front(points)]
    assert front_of(strategy) == true
    assert hypervolume(front_of(strategy)) == hypervolume(points)
    assert "ends in generation 12 after 192 architectures" in strategy.note
    assert f"the front has {len(true)} of 192 architectures" in strategy.note


def test_a_third_of_the_space_holds_nearly_all_of_the_front():
    shares = []
    for seed in range(8):
        score, cost = separable(TINY, seed), separable(TINY, seed + 100)
        strategy = Pareto(TINY, seed, cost=cost, generations=8, population=8)
        search(strategy, score)
        whole = hypervolume([(score(arch), cost(arch)) for arch in ALL])
        shares.append(hypervolume(front_of(strategy)) / whole)
    assert max(shares) <= 1
    assert np.mean(shares) > 0.97


def test_nsga_beats_random_at_equal_evaluations():
    gains = []
    for seed in range(8):
        score, cost = separable(SPACE, seed), separable(SPACE, seed + 100)
        bred = Pareto(SPACE, seed, cost=cost, generations=8, population=12)
        drawn = [(score(a), cost(a)) for a in search(Random(SPACE, seed, total=96), score)]
        search(bred, score)
        gains.append(hypervolume(front_of(bred), (0, 26)) - hypervolume(drawn, (0, 26)))
    assert np.mean(gains) > 3 * np.std(gains) / np.sqrt(8)


def test_the_report_is_the_front_by_cost_with_every_point():
    score, cost = separable(TINY, 0), separable(TINY, 1)
    strategy = Pareto(
        TINY, cost=cost, cost_name="MACs of the backbone", generations=2, population=6
    )
    proposed = search(strategy, score)
    report = strategy.report()
    assert report["cost"] == "MACs of the backbone"
    assert report["candidates"] == [dict(score=score(a), cost=cost(a)) for a in proposed]
    for point in report["front"]:
        arch = Arch.from_dict(point["arch"])
        assert arch in proposed
        assert (point["score"], point["cost"]) == (score(arch), cost(arch))
    costs = [point["cost"] for point in report["front"]]
    assert costs == sorted(costs)
    assert strategy.note.endswith("(MACs of the backbone)")


def test_what_failed_is_never_on_the_front_however_cheap():
    cost = separable(SPACE, 3)
    median = np.median([cost(SPACE.sample(np.random.default_rng(i))) for i in range(99)])

    def score(arch: Arch) -> float:
        return -np.inf if cost(arch) < median else -cost(arch)

    strategy = Pareto(SPACE, cost=cost, generations=8, population=8)
    proposed = search(strategy, score)
    assert len(proposed) == 64
    failed = [arch for arch in proposed if cost(arch) < median]
    assert len(failed) > 10
    ((best, least),) = front_of(strategy)
    assert least == min(cost(arch) for arch in proposed if arch not in failed)
    assert best == -least
    assert len(strategy.report()["candidates"]) == 64 - len(failed)


@pytest.mark.parametrize("failure", [-np.inf, np.nan, np.inf])
def test_when_everything_fails_the_front_is_empty(failure):
    strategy = Pareto(SPACE, cost=separable(SPACE, 0), generations=3, population=4)
    assert len(set(search(strategy, lambda arch: failure))) == 12
    assert strategy.report()["front"] == []
    assert strategy.note == "the front is empty: every candidate failed"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(cost=None), r"strategy\.cost: Pareto needs its second goal"),
        (dict(population=1), "population: expected a whole number of 2 or more, got 1"),
        (dict(mutation_prob=2), "mutation_prob: expected a number from 0 to 1, got 2"),
    ],
)
def test_wrong_settings_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        Pareto(SPACE, **dict(cost=separable(SPACE, 0)) | options)
