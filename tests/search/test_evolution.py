"""Evolution with fake scores: what it proposes, in which order, and when it ends."""

from collections.abc import Callable, Iterator
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmpanonas.errors import InputError
from mmpanonas.search import STRATEGIES, Evolution, cross, mutate
from mmpanonas.space import BACKBONE_CHOICES, PART_CHOICES, Arch, Part, SearchSpace

SPACE = SearchSpace.full(blocks=(2, 2, 4, 2))
SMALL = SearchSpace([Part("backbone", 2)])  # 16 architectures
BRIEF = {"generations": 4, "population": 6, "parents": 3, "mutants": 2, "crosses": 2}

Score = Callable[[Arch], float]


def separable(space: SearchSpace, seed: int) -> Score:
    """A sum over layers of what the chosen operation is worth."""
    worth = np.random.default_rng(seed).random((len(space.num_choices), 6))
    return lambda arch: float(worth[np.arange(len(worth)), space.encode(arch)].sum())


def coarse(arch: Arch) -> float:
    """A score with many ties."""
    return SPACE.encode(arch).sum() % 3


def search(strategy: Evolution, score: Score, chunks: Iterator[int] | None = None) -> list[Arch]:
    """Evaluate to the end, as many at once as ``chunks`` says (one); returns the proposals."""
    proposed = []
    while not strategy.done:
        proposals = strategy.propose(next(chunks) if chunks else 1)
        assert proposals, "neither done nor waiting for a score, but nothing is proposed"
        proposed += proposals
        for arch in proposals:
            strategy.tell(arch, score(arch))
    return proposed


def generation_of(strategy: Evolution) -> list[Arch]:
    """All that the current generation still has."""
    return strategy.propose(10**6)


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


def test_no_architecture_is_proposed_twice_and_all_generations_are_full():
    strategy = Evolution(SPACE, seed=1, **BRIEF)
    proposed = search(strategy, coarse)
    assert len(set(proposed)) == len(proposed) == strategy.total == 24
    assert [strategy.label(arch)["generation"] for arch in proposed] == [
        generation for generation in range(4) for _ in range(6)
    ]
    assert strategy.note == ""
    assert strategy.propose(1) == []


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


def test_waits_for_the_scores_of_a_generation():
    strategy = Evolution(SPACE, **BRIEF)
    archs = strategy.propose(4) + strategy.propose(4)
    assert len(archs) == 6  # no further than the generation
    for arch in archs:
        assert strategy.propose(1) == []
        assert not strategy.done
        strategy.tell(arch, 0.0)
    assert len(strategy.propose(4)) == 4


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


@given(st.data())
@settings(deadline=None, max_examples=30)
def test_the_order_in_which_a_generation_is_told_does_not_matter(data):
    reference, strategy = Evolution(SPACE, seed=2, **BRIEF), Evolution(SPACE, seed=2, **BRIEF)
    while not reference.done:
        archs = generation_of(reference)
        assert generation_of(strategy) == archs
        for arch in archs:
            reference.tell(arch, coarse(arch))
        for arch in data.draw(st.permutations(archs)):
            strategy.tell(arch, coarse(arch))
    assert strategy.done
    assert strategy.best(24) == reference.best(24)


@given(st.lists(st.integers(1, 9), min_size=24, max_size=24))
@settings(deadline=None, max_examples=30)
def test_proposals_in_chunks_equal_proposals_one_by_one(chunks):
    alone = search(Evolution(SPACE, seed=3, **BRIEF), coarse)
    assert search(Evolution(SPACE, seed=3, **BRIEF), coarse, iter(chunks)) == alone


@given(st.integers(0, 24), st.integers(1, 4), st.integers(1, 4))
@settings(deadline=None, max_examples=30)
def test_a_killed_search_told_its_results_again_goes_on_the_same(killed_at, before, after):
    """Killed amid a chunk: what was proposed but not told is proposed, and evaluated, again."""
    whole = search(Evolution(SPACE, seed=4, **BRIEF), coarse)
    strategy, on_disk = Evolution(SPACE, seed=4, **BRIEF), {}
    while not strategy.done and len(on_disk) < killed_at:
        for arch in strategy.propose(before)[: killed_at - len(on_disk)]:
            on_disk[arch] = coarse(arch)
            strategy.tell(arch, on_disk[arch])
    evaluated = []

    def score(arch: Arch) -> float:
        if arch not in on_disk:
            evaluated.append(arch)
        return on_disk.get(arch, coarse(arch))

    resumed = Evolution(SPACE, seed=4, **BRIEF)
    assert search(resumed, score, iter([after] * 24)) == whole
    assert evaluated == whole[killed_at:]


def test_an_architecture_that_was_not_proposed_is_refused():
    strategy = Evolution(SPACE, **BRIEF)
    with pytest.raises(ValueError, match="not proposed"):
        strategy.tell(Evolution(SPACE, seed=9, **BRIEF).propose(1)[0], 1.0)


# Budgets and small spaces


def few_xceptions(arch: Arch) -> bool:
    return arch.backbone.count("xception") <= 1


def test_everything_proposed_keeps_the_budget():
    proposed = search(Evolution(SPACE, legal=few_xceptions, **BRIEF), lambda a: -len(a.backbone))
    assert len(proposed) == 24
    assert all(map(few_xceptions, proposed))
    free = search(Evolution(SPACE, **BRIEF), coarse)
    assert not all(map(few_xceptions, free))  # the budget is one that is felt


def test_a_budget_that_nothing_meets_ends_the_search_after_bounded_draws():
    asked = []
    strategy = Evolution(SPACE, legal=lambda arch: bool(asked.append(arch)), max_draws=40)
    assert strategy.done
    assert strategy.propose(5) == strategy.best(5) == []
    assert "ends in generation 0 after 0 architectures" in strategy.note
    assert "40 draws gave no further one that is new and within the budget" in strategy.note
    assert 40 <= len(asked) <= 80


def test_an_exhausted_space_ends_the_search_with_its_true_best():
    score = separable(SMALL, seed=0)
    strategy = Evolution(SMALL, **BRIEF)
    proposed = search(strategy, score)
    everything = [Arch((a, b)) for a in BACKBONE_CHOICES for b in BACKBONE_CHOICES]
    assert sorted(proposed, key=score) == sorted(everything, key=score)
    assert "in generation 2 after 16 architectures" in strategy.note  # 6, 6, 4
    assert strategy.best(16) == sorted(everything, key=score, reverse=True)


def test_a_budget_that_few_meet_ends_the_search_after_those():
    allowed = {Arch((a, "xception")) for a in BACKBONE_CHOICES}
    strategy = Evolution(SMALL, legal=allowed.__contains__, **BRIEF)
    assert set(search(strategy, lambda arch: 0.0)) == allowed
    assert "in generation 0 after 4 architectures" in strategy.note


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
        ({"generations": 0}, "must be positive"),
        ({"population": 0, "mutants": 0, "crosses": 0}, "must be positive"),
        ({"parents": 0}, "must be positive"),
        ({"max_draws": 0}, "must be positive"),
        ({"mutants": -1}, "must be positive"),
        ({"crosses": -1}, "must be positive"),
        ({"population": 39}, r"mutants \(20\) and crosses \(20\) exceed the population \(39\)"),
        ({"mutation_prob": 1.5}, "mutation_prob"),
        ({"mutation_prob": -0.1}, "mutation_prob"),
    ],
)
def test_wrong_numbers_are_refused(numbers, message):
    with pytest.raises(InputError, match=message):
        Evolution(SPACE, **numbers)


@pytest.mark.parametrize(
    ("evaluations", "generations", "parents", "children"),
    [(1000, 20, 10, 20), (60, 5, 2, 5), (32, 4, 2, 3), (10, 2, 1, 2), (62, 2, 6, 12)],
)
def test_plan_keeps_detnas_proportions(evaluations, generations, parents, children):
    population = evaluations // generations
    assert Evolution.plan(evaluations) == dict(
        generations=generations,
        population=population,
        parents=parents,
        mutants=children,
        crosses=children,
    )


@given(st.integers(2, 600))
def test_planned_evaluations_are_exact(evaluations):
    if any(evaluations % size == 0 for size in range(5, evaluations // 2 + 1)):
        plan = Evolution.plan(evaluations)
        assert plan["generations"] * plan["population"] == evaluations
        assert plan["generations"] >= 2
        assert plan["mutants"] + plan["crosses"] <= plan["population"]
    else:
        with pytest.raises(InputError, match=f"{evaluations} evaluations do not divide"):
            Evolution.plan(evaluations)


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
