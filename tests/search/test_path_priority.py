"""Path priority and random search, with made-up scores."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmpanonas.errors import InputError
from mmpanonas.search import STRATEGIES, PathPriority, Random
from mmpanonas.space import Arch, Part, SearchSpace

SMALL = SearchSpace([Part("backbone", 3), Part("things_to_stuff", 2)])  # window 12


def fake_score(arch: Arch) -> float:
    """The more Xception and r16 the better, every layer weighing differently."""
    backbone = sum(w * (c == "xception") for w, c in zip((3, 2, 1), arch.backbone, strict=True))
    return backbone + sum(c == "r16" for c in arch.things_to_stuff)


def play(strategy, score=fake_score, limit: int = 1) -> list[Arch]:
    proposed = []
    while not strategy.done:
        for arch in strategy.propose(limit):
            proposed.append(arch)
            strategy.tell(arch, score(arch))
    return proposed


def test_a_cycle_scores_the_ranks_of_its_paths():
    strategy = PathPriority(SMALL, seed=1, cycles=1)
    paths = strategy.propose(99)
    assert strategy.propose(99) == []
    assert paths == SMALL.fair_window(np.random.default_rng([1, 0]))
    assert len(set(paths)) == 12
    expected = Counter()
    for rank, path in enumerate(paths):  # the first proposed shall be the best
        for place in [*enumerate(path.backbone), *enumerate(path.things_to_stuff, 3)]:
            expected[place] += 11 - rank
    for rank, path in enumerate(paths):
        strategy.tell(path, -rank)
    report = strategy.report()
    rows = [*report["backbone"], *report["things_to_stuff"]]
    assert [len(row) for row in rows] == [4, 4, 4, 3, 3]
    for layer, row in enumerate(rows):
        assert sum(row.values()) == sum(range(12))
        assert row == {choice: expected[layer, choice] for choice in row}


def test_the_winner_and_its_runners_up_are_proposed_last():
    strategy = PathPriority(SMALL, seed=0, runners_up=3)
    proposed = play(strategy)
    last = proposed[-4:]
    board = strategy.board
    best = [int(np.argmax(row[:n])) for row, n in zip(board, SMALL.num_choices, strict=True)]
    assert last[0] == SMALL.decode(best)
    assert last[0] == Arch(("xception",) * 3, things_to_stuff=("r16",) * 2)
    for arch in last[1:]:
        differing = SMALL.encode(arch) != SMALL.encode(last[0])
        assert differing.sum() == 1
    assert "winner scores 8 and" in strategy.note


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 999), limit=st.integers(1, 20), shuffle=st.randoms())
def test_order_of_telling_and_chunks_change_nothing(seed, limit, shuffle):
    first = PathPriority(SMALL, seed=seed, cycles=2)
    expected = play(first)
    second, proposed = PathPriority(SMALL, seed=seed, cycles=2), []
    while not second.done:
        batch = []
        while chunk := second.propose(limit):
            batch += chunk
        proposed += batch
        shuffle.shuffle(batch)
        for arch in batch:
            second.tell(arch, fake_score(arch))
    assert proposed == expected
    assert np.array_equal(first.board, second.board)


def test_a_window_smaller_than_a_cycle_is_repeated():
    space = SearchSpace([Part("backbone", 4)])
    strategy = PathPriority(space, seed=3, cycles=1)
    used = Counter(pair for path in strategy._round for pair in enumerate(path.backbone))
    assert set(used.values()) == {3}


def test_budget_and_wrong_numbers():
    no_xception = lambda arch: "xception" not in arch.backbone  # noqa: E731
    with pytest.raises(InputError, match="no strictly fair window within the budget"):
        PathPriority(SMALL, legal=no_xception, max_draws=20)
    with pytest.raises(InputError, match="expected a multiple of 12"):
        PathPriority(SMALL, paths=10)
    last = play(PathPriority(SMALL, legal=lambda arch: arch.backbone != ("xception",) * 3))[-5:]
    assert all(arch.backbone != ("xception",) * 3 for arch in last)


def test_random_draws_different_architectures_and_depends_on_the_seed_alone():
    proposed = play(Random(SMALL, seed=5, total=40), limit=7)
    assert len(set(proposed)) == len(proposed) == 40
    assert proposed == play(Random(SMALL, seed=5, total=40), score=lambda arch: 0.0)
    assert proposed != play(Random(SMALL, seed=6, total=40))
    strategy = Random(SearchSpace([Part("backbone", 1)]), total=10)
    assert len(play(strategy, score=lambda arch: 0.0)) == 4
    assert "ends" in strategy.note


def test_configs_name_every_strategy():
    assert set(STRATEGIES) == {"Evolution", "PathPriority", "Random"}
