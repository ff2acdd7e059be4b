"""Path priority and random search, with made-up scores."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmpanonas.errors import InputError
from mmpanonas.space import Arch, Part, SearchSpace
from mmpanonas.strategies import STRATEGIES, PathPriority, Random

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
    assert strategy.finished == 12
    scoreboard = strategy.report()["scoreboard"]
    rows = [*scoreboard["backbone"], *scoreboard["things_to_stuff"]]
    assert [len(row) for row in rows] == [4, 4, 4, 3, 3]
    for layer, row in enumerate(rows):
        assert sum(row.values()) == sum(range(12))
        assert row == {choice: expected[layer, choice] for choice in row}


NEW, PATH = 3, 10  # seeds whose scoreboard's winner was not, and was, a path of the cycles


def test_the_winner_and_its_runners_up_are_proposed_last():
    strategy = PathPriority(SMALL, seed=NEW, runners_up=3)
    proposed = play(strategy)
    paths, last = proposed[:58], proposed[58:]  # two paths came twice
    assert last[0] == strategy.board.winner
    assert last[0] == Arch(("xception",) * 3, things_to_stuff=("r16",) * 2)
    assert all(distance(arch, last[0]) == 1 for arch in last[1:])
    order = [arch for arch in strategy.board.by_lost_score() if arch not in paths]
    assert last == order[:6]
    assert len(set(proposed)) == len(proposed) == strategy.total == 5 * 12 + 1 + 3
    assert {strategy.label(arch)["generation"] for arch in last} == {5}
    assert strategy.note == (
        "the best path of the cycles scores 6; the scoreboard's winner scores 8 and beats it; "
        "the best of 5 runners-up scores 7 and beats it"
    )


def test_a_winner_that_was_a_path_is_not_evaluated_again():
    strategy = PathPriority(SMALL, seed=PATH, runners_up=3)
    proposed = play(strategy)
    assert strategy.finalists()[0] == strategy.board.winner
    assert strategy.label(strategy.board.winner)["generation"] < 5
    assert len(set(proposed)) == len(proposed) == strategy.total == 5 * 12 + 1 + 3
    assert "winner, itself one of the paths, scores 8 and equals it" in strategy.note
    strategy.tell(strategy.board.winner, 8.0)  # told again, as from a record: no harm
    assert strategy.done


def distance(first: Arch, second: Arch) -> int:
    return int((SMALL.encode(first) != SMALL.encode(second)).sum())


def test_pairs_of_changes_follow_when_single_changes_are_used_up():
    strategy = PathPriority(SMALL, cycles=1, runners_up=30)  # 3 x 3 + 2 x 2 single changes
    last = play(strategy)[12:]
    changes = [distance(arch, strategy.board.winner) for arch in last]
    assert changes == sorted(changes)
    assert changes[-1] == 2
    assert len(last) == 31


@pytest.mark.parametrize(
    ("score", "verdict"), [(1.0, "equals"), (2.0, "beats"), (0.5, "does not beat")]
)
def test_the_note_compares_the_winner_with_the_best_path(score, verdict):
    strategy = PathPriority(SMALL, seed=NEW, cycles=1, runners_up=1)
    play(strategy, lambda arch: score if strategy.label(arch)["generation"] else 1.0)
    assert f"winner scores {score:g} and {verdict} it" in strategy.note
    assert strategy.report()["note"] == strategy.note


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
    assert np.array_equal(first.board.points, second.board.points)


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
    with pytest.raises(InputError, match="runners_up: expected a whole number of 0 or more"):
        PathPriority(SMALL, runners_up=-1)
    strategy = PathPriority(SMALL, cycles=1)
    for arch in strategy.propose(5):
        strategy.tell(arch, 0.0)
    with pytest.raises(InputError, match="5 finished paths, fewer than a cycle of 12"):
        strategy.finalists()


def test_a_winner_over_the_budget_is_named_as_such_and_its_place_is_filled():
    strategy = PathPriority(SMALL, legal=lambda arch: arch.backbone != ("xception",) * 3)
    last = play(strategy)[57:]  # three paths came twice
    assert strategy.board.winner.backbone == ("xception",) * 3
    assert all(arch.backbone != ("xception",) * 3 for arch in last)
    assert len(last) == 3 + 1 + 4
    assert strategy.note == (
        "the best path of the cycles scores 6; the scoreboard's winner breaks the budget and was "
        "not evaluated; the best of 8 runners-up scores 7 and beats it"
    )


def test_nothing_near_the_winner_keeps_the_budget():
    allowed = set(PathPriority(SMALL, cycles=1).propose(12))
    strategy = PathPriority(SMALL, cycles=1, legal=allowed.__contains__)
    proposed = play(strategy, lambda arch: 1.0)
    assert strategy.board.winner not in allowed
    assert set(proposed) == allowed
    assert strategy.total == 12
    assert strategy.note == (
        "the best path of the cycles scores 1; the scoreboard's winner breaks the budget and was "
        "not evaluated; 5 evaluations fewer than planned: no other of the 1000 architectures "
        "nearest to the winner is new and within the budget"
    )


def test_a_space_that_the_cycles_exhaust():
    space = SearchSpace([Part("backbone", 1)])  # 4 architectures, 3 times in every cycle
    strategy = PathPriority(space, cycles=3)
    worth = dict(zip(space.searched[0].choices, (0.0, 3.0, 2.0, 1.0), strict=True))
    proposed = play(strategy, lambda arch: worth[arch.backbone[0]])
    assert len(proposed) == strategy.total == 4
    assert strategy.finished == 36
    assert strategy.board.points.tolist() == [[9, 90, 63, 36]]  # ranks 0 to 2, ..., 3 times
    assert "winner, itself one of the paths, scores 3 and equals" in strategy.note


def test_random_draws_different_architectures_and_depends_on_the_seed_alone():
    proposed = play(Random(SMALL, seed=5, total=40), limit=7)
    assert len(set(proposed)) == len(proposed) == 40
    assert proposed == play(Random(SMALL, seed=5, total=40), score=lambda arch: 0.0)
    assert proposed != play(Random(SMALL, seed=6, total=40))
    strategy = Random(SearchSpace([Part("backbone", 1)]), total=10)
    assert len(play(strategy, score=lambda arch: 0.0)) == 4
    assert "ends" in strategy.note


def test_configs_name_every_strategy():
    assert set(STRATEGIES) == {"Evolution", "Pareto", "PathPriority", "Random"}
