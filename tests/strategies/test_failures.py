"""Candidates that failed, and the order of telling: the same laws for every strategy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmpanonas.space import Arch, Part, SearchSpace
from mmpanonas.strategies import FAILED, STRATEGIES, Evolution, PathPriority, Strategy
from studies.strategies.sizes import sizes
from tests.strategies.common import GOALS

SPACE = SearchSpace([Part("backbone", 4), Part("things_to_stuff", 2)])


def make(name: str, seed: int) -> Strategy:
    return STRATEGIES[name](SPACE, seed=seed, **sizes(name, 30), **GOALS.get(name, {}))


def scorer(seed: int, failing: float):
    """Scores that are a function of the architecture, ``failing`` of them FAILED."""

    def score(arch: Arch) -> float:
        rng = np.random.default_rng([seed, *SPACE.encode(arch)])
        return FAILED if rng.random() < failing else float(rng.integers(9))

    return score


def play(strategy: Strategy, score, chunk=lambda: 1, order=lambda archs: None) -> list[Arch]:
    """Tell in any order whatever is proposed in chunks; returns the order of proposals."""
    proposed, waiting = [], []
    while not strategy.done:
        if archs := strategy.propose(chunk()):
            proposed += archs
            waiting += archs
            if len(waiting) < 4:  # as many workers
                continue
        order(waiting)
        arch = waiting.pop()
        strategy.tell(arch, score(arch))
    return proposed


@pytest.mark.parametrize("name", sorted(STRATEGIES))
@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 999),
    failing=st.sampled_from([0.0, 0.2, 0.7, 1.0]),
    chance=st.randoms(use_true_random=False),
)
def test_proposals_are_a_function_of_the_seed_and_of_what_was_told(name, seed, failing, chance):
    score = scorer(seed, failing)
    first, second = make(name, seed), make(name, seed)
    expected = play(first, score)
    assert play(second, score, lambda: chance.randint(1, 5), chance.shuffle) == expected
    assert second.report() == first.report()
    assert (second.note, second.total) == (first.note, first.total) == (first.note, len(expected))


def test_a_failed_architecture_is_never_a_parent():
    strategy = Evolution(SPACE, generations=3, population=6, parents=4, mutants=3, crosses=3)
    first = strategy.propose(6)
    for place, arch in enumerate(first):
        strategy.tell(arch, FAILED if place in (0, 1, 4) else float(place))
    assert strategy.report()["parents"] == [5, 3, 2]
    assert strategy.report()["population"] == list(range(6, 12))
    assert strategy.best(9) == [first[5], first[3], first[2]]


def test_a_generation_without_parents_is_random():
    strategy = Evolution(SPACE, generations=2, population=6, parents=2, mutants=3, crosses=3)
    for arch in strategy.propose(6):
        strategy.tell(arch, FAILED)
    assert strategy.report()["parents"] == []
    assert len(set(strategy.propose(99))) == 6


def test_failed_paths_rank_last_and_the_note_says_so():
    strategy = PathPriority(SPACE, seed=1, cycles=1, runners_up=1)
    paths = strategy.propose(99)
    for place, path in enumerate(paths):
        strategy.tell(path, FAILED if place < 2 else 1.0)
    points = strategy.report()["scoreboard"]["backbone"][0]
    behind = [path.backbone[0] for path in paths[2:] + paths[:2]]  # of equals the earlier first
    for choice, number in points.items():
        assert number == sum(11 - rank for rank, used in enumerate(behind) if used == choice)
    for arch in strategy.propose(99):
        strategy.tell(arch, FAILED)
    assert "best path of the cycles scores 1; 2 paths that failed are ranked last" in strategy.note
    assert "winner failed; the best of 1 runners-up failed" in strategy.note
