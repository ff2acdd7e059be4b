"""The scoreboard: what ranked paths add, and the order in which architectures lose score."""

from itertools import islice, product

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mmpanonas.space import Arch, Part, SearchSpace
from mmpanonas.strategies import Scoreboard

TINY = SearchSpace([Part("backbone", 2), Part("things_to_stuff", 1)])  # 4 x 4 x 3 = 48


def board_of(points) -> Scoreboard:
    board = Scoreboard(TINY)
    for row, values in zip(board.points, points, strict=True):
        row[: len(values)] = values
    return board


def codes(archs) -> list[str]:
    return ["".join(map(str, TINY.encode(arch))) for arch in archs]


def test_ranked_paths_add_to_the_choices_they_use():
    board = Scoreboard(TINY)
    board.add([TINY.decode(c) for c in ([0, 1, 2], [0, 3, 0], [2, 1, 1])])
    assert board.points.tolist() == [[3, 0, 0, 0], [0, 2, 0, 1], [1, 0, 2, 0]]
    report = board.to_dict()
    assert report["backbone"][1] == dict(shuffle_3x3=0, shuffle_5x5=2, shuffle_7x7=0, xception=1)
    assert report["things_to_stuff"] == [dict(r4=1, r8=0, r16=2)]
    assert board.winner == Arch(("shuffle_3x3", "shuffle_5x5"), things_to_stuff=("r16",))


def test_the_winner_then_single_changes_then_pairs_by_lost_score():
    board = board_of([[9, 5, 8, 0], [7, 7, 1, 0], [3, 0, 1]])
    order = codes(board.by_lost_score())
    assert order[0] == "000"  # the first of equals
    #                    lost: 0      1      2      3      4      6      7      9
    assert order[1:9] == ["010", "200", "002", "001", "100", "020", "030", "300"]
    #                     1      2      3      3
    assert order[9:13] == ["210", "012", "202", "011"]


def test_an_empty_board_keeps_the_order_of_choices():
    assert codes(islice(Scoreboard(TINY).by_lost_score(), 4)) == ["000", "100", "200", "300"]


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 9999), high=st.sampled_from([1, 3, 50]))
def test_every_architecture_comes_once_in_order(seed, high):
    points = np.random.default_rng(seed).integers(0, high, (3, 4))
    board = board_of([points[0], points[1], points[2][:3]])
    found = [TINY.encode(arch) for arch in board.by_lost_score()]
    assert {tuple(c) for c in found} == set(product(range(4), range(4), range(3)))
    assert len(found) == 48
    total = [int(board.points[np.arange(3), c].sum()) for c in found]
    keys = [((c != found[0]).sum(), total[0] - t) for c, t in zip(found, total, strict=True)]
    assert keys == sorted(keys)


def test_the_full_space_is_not_enumerated():
    board = Scoreboard(SearchSpace.full())
    board.points[:] = np.random.default_rng(0).integers(0, 60, board.points.shape)
    assert len(set(islice(board.by_lost_score(), 1000))) == 1000
