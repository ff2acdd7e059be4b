"""Evolution with fake scores: what it proposes, in which order, and when it ends."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmpanonas.errors import InputError
from mmpanonas.space import BACKBONE_CHOICES, PART_CHOICES, Arch, Part, SearchSpace
from mmpanonas.strategies import STRATEGIES, Evolution, cross, mutate
from tests.strategies.common import SMALL, SPACE, coarse, generation_of, search, separable

BRIEF = {"generations": 4, "population": 6, "parents": 3, "mutants": 2, "crosses": 2}


def distance(first: Arch, second: Arch) -> int:
    return int((SPACE.encode(first) != SPACE.encode(second)).sum())


def parents_of_cross(arch: Arch, parents: list[Arch]) -> set[Arch]:
    """The two parents that together hold every choice of ``arch``; empty if none do."""
    codes = SPACE.encode(arch)
    for pair in combinations(parents, 2):
        if np.any([codes == SPACE.encode(parent) for parent in pair], axis=0).all():
            return set(pair)
    return set()


# The pure functions

codes_and_limits = st.lists(st.sampled_from([3, 4, 6]), min_size=1, max_size=20).flatmap(
    lambda limits: st.tuples(
        st.tuples(*(st.integers(0, n - 1) for n in limits)),
        st.tuples(*(st.integers(0, n - 1) for n in limits)),
        st.just(limits),
    )
)


@given(codes_and_limits, st.integers(0, 2**32))
@settings(deadline=None)
def test_mutation_stays_in_range_and_probability_0_changes_nothing(case, seed):
    codes, _, limits = map(np.array, case)
    rng = np.random.default_rng(seed)
    mutant = mutate(codes, limits, 1.0, rng)
    assert ((mutant >= 0) & (mutant < limits)).all()
    assert (mutate(codes, limits, 0.0, rng) == codes).all()
    assert codes.tolist() == list(case[0])  # the parent is left alone


@pytest.mark.parametrize("prob", [0.1, 0.5, 1.0])
def test_mutation_redraws_the_expected_fraction(prob):
    codes, limits = np.full(40_000, 2), np.full(40_000, 4)
    mutant = mutate(codes, limits, prob, np.random.default_rng(0))
    expected = dict.fromkeys((0, 1, 3), prob / 4) | {2: 1 - prob * 3 / 4}
    for choice, share in expected.items():
        assert abs((mutant == choice).mean() - share) < 5 * np.sqrt(share * (1 - share) / 40_000)


@given(codes_and_limits, st.integers(0, 2**32))
@settings(deadline=None)
def test_a_cross_takes_each_layer_from_either_parent(case, seed):
    first, second, _ = map(np.array, case)
    rng = np.random.default_rng(seed)
    child = cross(first, second, rng)
    assert ((child == first) | (child == second)).all()
    assert (cross(first, first, rng) == first).all()


def test_a_cross_takes_half_from_each_parent_layer_by_layer():
    first, second = np.zeros(40_000, int), np.ones(40_000, int)
    child = cross(first, second, np.random.default_rng(0))
    assert abs(child.mean() - 0.5) < 5 * 0.5 / 200
    changes = (child[1:] != child[:-1]).mean()  # not in blocks: neighbours are independent
    assert abs(changes - 0.5) < 5 * 0.5 / 200


# Generations


def test_the_numbers_are_those_of_detnas():
    strategy = STRATEGIES["Evolution"](SPACE)
    assert strategy.total == 20 * 50
    assert (strategy.parents, strategy.mutants, strategy.crosses) == (10, 20, 20)
    assert strategy.mutation_prob == 0.1
    assert len(generation_of(strategy)) == 50


def test_the_first_generation_is_random_the_next_have_mutants_crosses_and_random_ones():
    """SPACE has 26 layers: chance neither brings 6 of them together nor a cross about."""
    strategy = Evolution(SPACE, mutation_prob=0.02)
    first = generation_of(strategy)
    assert min(distance(a, b) for a, b in combinations(first, 2)) > 6
    rng = np.random.default_rng(0)
    scores = {arch: float(score) for arch, score in zip(first, rng.random(50), strict=True)}
    for arch, score in scores.items():
        strategy.tell(arch, score)
    parents = sorted(first, key=scores.get)[-10:]
    assert strategy.best(10) == parents[::-1]
    kinds, crossed = [], set()
    for arch in generation_of(strategy):
        if min(distance(arch, parent) for parent in parents) <= 4:
            kinds.append("mutant")
        else:
            pair = parents_of_cross(arch, parents)
            crossed |= pair
            kinds.append("cross" if pair else "random")
    assert kinds == ["mutant"] * 20 + ["cross"] * 20 + ["random"] * 10
    assert len(crossed) > 5  # 40 draws of 10 parents


def test_parents_are_the_best_ever_not_of_the_last_generation():
    strategy = Evolution(SPACE, mutation_prob=0.02)
    first = generation_of(strategy)
    for place, arch in enumerate(first):
        strategy.tell(arch, 100 + place)
    for arch in generation_of(strategy):
        strategy.tell(arch, 0)
    parents = first[-10:]
    nearest = [
        min(first, key=lambda old, arch=arch: distance(arch, old))
        for arch in generation_of(strategy)[:20]
    ]
    assert set(nearest) <= set(parents)
    assert len(set(nearest)) > 3  # 20 draws of 10: fewer than 4 different ones is out of reach


def test_the_best_come_by_score_then_by_age():
    strategy = Evolution(SPACE, **BRIEF)
    archs = generation_of(strategy)
    assert strategy.best(3) == []
    for arch, score in zip(reversed(archs), [1, 3, 2, 3, 1, 3], strict=True):
        strategy.tell(arch, score)  # archs[5] has 1, archs[4] has 3, ...
    assert strategy.best(4) == [archs[0], archs[2], archs[4], archs[3]]
    assert len(strategy.best(100)) == 6


# What is proposed is a function of the seed and the told scores


def test_seeds_differ_and_scores_matter():
    runs = [
        search(Evolution(SPACE, seed=seed, **BRIEF), score)
        for seed, score in ((0, coarse), (0, coarse), (1, coarse), (0, separable(SPACE, 0)))
    ]
    assert runs[0] == runs[1]
    assert runs[0][:6] == runs[3][:6]
    assert not set(runs[0]) & set(runs[2])
    assert runs[0][6:12] != runs[3][6:12]


# Small spaces


def test_an_exhausted_space_ends_the_search_with_its_true_best():
    score = separable(SMALL, seed=0)
    strategy = Evolution(SMALL, **BRIEF)
    proposed = search(strategy, score)
    everything = [Arch((a, b)) for a in BACKBONE_CHOICES for b in BACKBONE_CHOICES]
    assert sorted(proposed, key=score) == sorted(everything, key=score)
    assert "in generation 2 after 16 architectures" in strategy.note  # 6, 6, 4
    assert strategy.best(16) == sorted(everything, key=score, reverse=True)


def test_mutants_that_cannot_be_new_become_random():
    """Without mutation a mutant is its parent, which is never new."""
    strategy = Evolution(SPACE, mutation_prob=0.0, max_draws=5, **BRIEF | {"crosses": 0})
    assert len(set(search(strategy, coarse))) == 24
    assert strategy.note == ""


@pytest.mark.parametrize("parts", [0, 5])
def test_nothing_to_search_is_said(parts):
    fixed = [Part(name, 1, fixed=choices[:1]) for name, choices in PART_CHOICES.items()]
    with pytest.raises(InputError, match=r"nothing to search.*model\.arch=None"):
        Evolution(SearchSpace(fixed[:parts]))


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ({"generations": 0}, "generations: expected a whole number of 1 or more, got 0"),
        ({"population": 0, "mutants": 0, "crosses": 0}, "population: expected a whole number"),
        ({"parents": 0}, "parents: expected a whole number of 1 or more, got 0"),
        ({"max_draws": 0}, "max_draws: expected a whole number of 1 or more, got 0"),
        ({"mutants": -1}, "mutants: expected a whole number of 0 or more, got -1"),
        ({"crosses": -1}, "crosses: expected a whole number of 0 or more, got -1"),
        ({"population": 39}, r"mutants \(20\) and crosses \(20\) exceed the population \(39\)"),
        ({"mutation_prob": 1.5}, "mutation_prob"),
        ({"mutation_prob": -0.1}, "mutation_prob"),
    ],
)
def test_wrong_numbers_are_refused(numbers, message):
    with pytest.raises(InputError, match=message):
        Evolution(SPACE, **numbers)


# Worth


def test_evolution_beats_random_at_equal_evaluations():
    numbers = {"generations": 6, "population": 10, "parents": 4}
    gains = []
    for seed in range(12):
        score = separable(SPACE, seed)
        bred = Evolution(SPACE, seed, mutants=4, crosses=4, **numbers)
        drawn = Evolution(SPACE, seed, mutants=0, crosses=0, **numbers)
        best = [max(map(score, search(strategy, score))) for strategy in (bred, drawn)]
        gains.append(best[0] - best[1])
    assert len(gains) == 12
    assert np.mean(gains) > 3 * np.std(gains) / np.sqrt(12)
