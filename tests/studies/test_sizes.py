"""Exactly so many evaluations of each strategy."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmpanonas.errors import InputError
from mmpanonas.space import Part, SearchSpace
from mmpanonas.strategies import STRATEGIES, PathPriority
from studies.strategies.sizes import sizes
from tests.strategies.common import GOALS

SMALL = SearchSpace([Part("backbone", 3), Part("things_to_stuff", 2)])  # window 12


@pytest.mark.parametrize(
    ("evaluations", "generations", "parents", "children"),
    [(1000, 20, 10, 20), (60, 5, 2, 5), (32, 4, 2, 3), (10, 2, 1, 2), (62, 2, 6, 12)],
)
def test_sizes_keep_detnas_proportions(evaluations, generations, parents, children):
    population = evaluations // generations
    assert sizes("Evolution", evaluations) == dict(
        generations=generations,
        population=population,
        parents=parents,
        mutants=children,
        crosses=children,
    )


@given(st.integers(2, 600))
def test_evaluations_by_generations_are_exact(evaluations):
    if any(evaluations % size == 0 for size in range(5, evaluations // 2 + 1)):
        plan = sizes("Evolution", evaluations)
        assert plan["generations"] * plan["population"] == evaluations
        assert plan["generations"] >= 2
        assert plan["mutants"] + plan["crosses"] <= plan["population"]
    else:
        with pytest.raises(InputError, match=f"{evaluations} evaluations do not divide"):
            sizes("Evolution", evaluations)


@given(evaluations=st.integers(13, 500))
def test_evaluations_by_cycles_are_exact(evaluations):
    plan = sizes("PathPriority", evaluations)
    assert plan["cycles"] * plan["paths"] + 1 + plan["runners_up"] == evaluations
    assert plan["runners_up"] < 12
    assert PathPriority(SMALL, **plan).total == evaluations


def test_sizes_of_every_strategy():
    assert sizes("PathPriority", 60) == dict(cycles=4, paths=12, runners_up=11)
    assert sizes("Random", 60) == dict(total=60)
    for name, strategy in STRATEGIES.items():
        searched = strategy(SMALL, seed=1, **sizes(name, 60), **GOALS.get(name, {}))
        assert searched.total == 60
    with pytest.raises(InputError, match="12 evaluations, fewer than a cycle of 12 and its winner"):
        sizes("PathPriority", 12)
