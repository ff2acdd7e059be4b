"""The laws of every strategy of generations: order, chunks, kills, budgets; fake scores."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmpanonas.errors import InputError
from mmpanonas.space import BACKBONE_CHOICES, Arch
from mmpanonas.strategies import Evolution, Pareto
from tests.strategies.common import SMALL, SPACE, coarse, generation_of, search, separable


def evolution(space=SPACE, **options) -> Evolution:
    numbers = dict(generations=4, population=6, parents=3, mutants=2, crosses=2)
    return Evolution(space, **numbers | options)


def pareto(space=SPACE, **options) -> Pareto:
    return Pareto(space, **dict(generations=4, population=6, cost=separable(space, 7)) | options)


BOTH = pytest.mark.parametrize("make", [evolution, pareto])


def failing(arch: Arch) -> float:
    """Some candidates fail, and they are among the cheap ones."""
    return -np.inf if arch.backbone[0] == "xception" else coarse(arch)


SCORES = st.sampled_from([coarse, failing, lambda arch: -np.inf])


@BOTH
def test_no_architecture_is_proposed_twice_and_all_generations_are_full(make):
    strategy = make(seed=1)
    proposed = search(strategy, coarse)
    assert len(set(proposed)) == len(proposed) == strategy.total == 24
    assert [strategy.label(arch)["generation"] for arch in proposed] == [
        generation for generation in range(4) for _ in range(6)
    ]
    assert "ends" not in strategy.note
    assert strategy.propose(1) == []


@BOTH
def test_waits_for_the_scores_of_a_generation(make):
    strategy = make()
    archs = strategy.propose(4) + strategy.propose(4)
    assert len(archs) == 6  # no further than the generation
    for arch in archs:
        assert strategy.propose(1) == []
        assert not strategy.done
        strategy.tell(arch, 0.0)
    assert len(strategy.propose(4)) == 4


@BOTH
@given(data=st.data(), score=SCORES)
@settings(deadline=None, max_examples=20)
def test_the_order_in_which_a_generation_is_told_does_not_matter(make, data, score):
    reference, strategy = make(seed=2), make(seed=2)
    while not reference.done:
        archs = generation_of(reference)
        assert generation_of(strategy) == archs
        for arch in archs:
            reference.tell(arch, score(arch))
        np.random.seed(data.draw(st.integers(0, 9)))  # nobody draws from the global state
        for arch in data.draw(st.permutations(archs)):
            strategy.tell(arch, score(arch))
    assert strategy.done
    assert strategy.scores == reference.scores
    assert (strategy.note, strategy.report()) == (reference.note, reference.report())


@BOTH
@given(chunks=st.lists(st.integers(1, 9), min_size=24, max_size=24), score=SCORES)
@settings(deadline=None, max_examples=20)
def test_proposals_in_chunks_equal_proposals_one_by_one(make, chunks, score):
    alone = search(make(seed=3), score)
    assert search(make(seed=3), score, iter(chunks)) == alone


@BOTH
@given(killed_at=st.integers(0, 24), before=st.integers(1, 4), after=st.integers(1, 4))
@settings(deadline=None, max_examples=20)
def test_a_killed_search_told_its_results_again_goes_on_the_same(make, killed_at, before, after):
    """Killed amid a chunk: what was proposed but not told is proposed, and evaluated, again."""
    first = make(seed=4)
    whole = search(first, failing)
    strategy, on_disk = make(seed=4), {}
    while not strategy.done and len(on_disk) < killed_at:
        for arch in strategy.propose(before)[: killed_at - len(on_disk)]:
            on_disk[arch] = failing(arch)
            strategy.tell(arch, on_disk[arch])
    evaluated = []

    def score(arch: Arch) -> float:
        if arch not in on_disk:
            evaluated.append(arch)
        return on_disk.get(arch, failing(arch))

    resumed = make(seed=4)
    assert search(resumed, score, iter([after] * 24)) == whole
    assert evaluated == whole[killed_at:]
    assert resumed.report() == first.report()


@BOTH
def test_an_architecture_that_was_not_proposed_is_refused(make):
    with pytest.raises(ValueError, match="not proposed"):
        make().tell(make(seed=9).propose(1)[0], 1.0)


# Budgets and small spaces


def few_xceptions(arch: Arch) -> bool:
    return arch.backbone.count("xception") <= 1


@BOTH
def test_everything_proposed_keeps_the_budget(make):
    proposed = search(make(legal=few_xceptions), coarse)
    assert len(proposed) == 24
    assert all(map(few_xceptions, proposed))
    assert not all(map(few_xceptions, search(make(), coarse)))  # the budget is one that is felt


@BOTH
def test_a_budget_that_nothing_meets_ends_the_search_after_bounded_draws(make):
    asked = []
    strategy = make(legal=lambda arch: bool(asked.append(arch)), max_draws=40)
    assert strategy.done
    assert strategy.propose(5) == []
    assert "ends in generation 0 after 0 architectures" in strategy.note
    assert "40 draws gave no further one that is new and within the budget" in strategy.note
    assert len(asked) == 40


@BOTH
def test_a_budget_that_few_meet_ends_the_search_after_those(make):
    allowed = {Arch((a, "xception")) for a in BACKBONE_CHOICES}
    strategy = make(SMALL, legal=allowed.__contains__)
    assert set(search(strategy, lambda arch: 0.0)) == allowed
    assert "in generation 0 after 4 architectures" in strategy.note


@BOTH
@pytest.mark.parametrize("name", ["generations", "population", "max_draws"])
def test_numbers_that_are_not_positive_are_refused(make, name):
    with pytest.raises(InputError, match=f"{name}: expected a whole number of"):
        make(**{name: 0})
